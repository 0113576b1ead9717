"""Two values that differ, in so many characters that the difference shows."""

from __future__ import annotations

import json

from pydantic_core import to_jsonable_python

_WIDTH = 60  # characters of a text that are shown
_LEAD = 20  # characters before the first that differs


def spelled(before: object, after: object) -> tuple[str, str]:
    """Spell both; of long texts the part from a little before where they begin to differ."""
    one, other = _text(before), _text(after)
    if max(len(one), len(other)) <= _WIDTH:
        return one, other
    quoted = isinstance(before, str) and isinstance(after, str)
    differs = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    start = max(next(differs, 0) - _LEAD, 0)
    return _cut(one, start, quoted), _cut(other, start, quoted)


def _text(value: object) -> str:
    plain = to_jsonable_python(value)
    if plain is None:
        return "empty"
    return repr(plain) if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _cut(text: str, start: int, quoted: bool) -> str:
    quote = "'" if quoted else ""
    lead = f"{quote}…" if start else ""
    end = start + _WIDTH
    return f"{lead}{text[start:end]}{f'…{quote}' if len(text) > end else ''}"
