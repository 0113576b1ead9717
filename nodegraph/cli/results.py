"""Results that are no pictures, as lines to print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from ..errors import brief

_WIDTH = 80
_FEW = 4


def result_lines(name: str, value: object) -> Iterator[str]:
    """Yield the lines that tell a result: no text is cut, a long one stands below its name."""
    if isinstance(value, list) and _is_bulky(value):
        for index, entry in enumerate(value):
            yield from result_lines(f"{name}[{index}]", entry)
    elif isinstance(value, PurePath):
        yield f"{name} = {str(value)!r}"
    elif isinstance(value, str) and _is_long(value):
        yield f"{name}:"
        yield from (f"  {_printable(line)}" for line in value.splitlines())
    else:
        yield f"{name} = {brief(value)}"


def shortages(degraded: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a line for each node of which something had to be made to fit into memory."""
    items: dict[tuple[str, str], int] = {}
    for address, words in degraded.items():
        node = (address.partition("[")[0], ", ".join(words))
        items[node] = items.get(node, 0) + 1
    for (name, words), count in items.items():
        of = f" ({count} items)" if count > 1 else ""
        yield f"{name}: memory was short, so it was made by {words}{of}; --on-oom fail forbids it"


def _is_bulky(values: list[object]) -> bool:
    texts = [str(value) for value in values if isinstance(value, str | PurePath)]
    return len(texts) > _FEW or any(map(_is_long, texts))


def _is_long(text: str) -> bool:
    return len(repr(text)) > _WIDTH or len(text.splitlines()) > 1


def _printable(line: str) -> str:
    """Spell out what would steer a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
