"""Excerpts of two values that differ, cut so that the difference shows."""

from __future__ import annotations

import json

from pydantic_core import to_jsonable_python

_WIDTH = 60  # characters of a text that are shown
_LEAD = 20  # characters before the first that differs


def spell_difference(before: object, after: object) -> tuple[str, str]:
    """Spell both; of long texts the part from a little before where they begin to differ."""
    old_text, new_text = _text(before), _text(after)
    if max(len(old_text), len(new_text)) <= _WIDTH:
        return old_text, new_text
    quoted = isinstance(before, str) and isinstance(after, str)
    differs = (i for i, (a, b) in enumerate(zip(old_text, new_text, strict=False)) if a != b)
    start = max(next(differs, 0) - _LEAD, 0)
    return _cut(old_text, start, quoted), _cut(new_text, start, quoted)


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
