"""Names that are file names on every system: of letters, short enough, and no device of Windows."""

from __future__ import annotations

import re
import unicodedata

from .safe_paths import is_device

LONGEST = 255
"""Bytes of a file's name: Linux and macOS count UTF-8, Windows fewer units of UTF-16."""

PUNCTUATION = " .,()+=@-"
_JOINERS = "\u200c\u200d"  # scripts of India and Iran spell with them


def is_letter(char: str) -> bool:
    """Whether a character is part of a word: a letter, a digit, ``_``, or a mark on one of them."""
    return (
        char == "_"
        or char.isalnum()
        or unicodedata.category(char).startswith("M")
        or char in _JOINERS
    )


def safe(name: str, punctuation: str = PUNCTUATION, instead: str = "-") -> str:
    """The name with ``instead`` for every run of what cannot be part of file names anywhere."""
    kept = [char if is_letter(char) or char in punctuation else "\0" for char in name]
    return re.sub("\0+", instead, "".join(kept))


def undeviced(name: str) -> str:
    """The name, with ``_`` behind its first part where that is a device of Windows."""
    first, dot, rest = name.partition(".")
    return f"{first}_{dot}{rest}" if is_device(name) else name


def cut(name: str, most: int = LONGEST, letters: int = LONGEST) -> str:
    """The beginning of a name: so many bytes and letters at most, no letter without its marks."""
    data = name.encode("utf-8", "replace")
    if len(data) <= most and len(name) <= letters:
        return name
    end = min(len(data[:most].decode("utf-8", "ignore")), letters)
    while end and (unicodedata.category(name[end]).startswith("M") or name[end] in _JOINERS):
        end -= 1
    return name[:end]
