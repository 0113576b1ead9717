"""Text that is text: without halves of characters, which no file, database or socket takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")


def is_text(text: str) -> bool:
    """Whether a string holds whole characters only.

    A half (a lone surrogate) comes of an escape in JSON, or stands for a byte of an argument or of
    a file's name that is no UTF-8.
    """
    return text.isascii() or _HALF.search(text) is None


def broken_text(value: Any) -> str | None:
    """The first string in a JSON value, names included, that is no text; None if all are."""
    return next((text for text in strings(value) if not is_text(text)), None)


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, names included; without recursion."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, dict):
            waiting += part
            waiting += part.values()


def spelled(text: str) -> str:
    """A text with every half of a character as its escape: ``caf\\udce9``."""
    return text if is_text(text) else text.encode("utf-8", "backslashreplace").decode()


def spelled_inside(value: Any) -> Any:
    """A JSON value with every string in it, names included, as ``spelled`` has it."""
    if isinstance(value, str):
        return spelled(value)
    if isinstance(value, dict):
        return {spelled_inside(name): spelled_inside(part) for name, part in value.items()}
    return [spelled_inside(part) for part in value] if isinstance(value, list) else value


def excerpt(text: str) -> str:
    """The first characters of a text in quotes, with every half of a character spelled out."""
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
