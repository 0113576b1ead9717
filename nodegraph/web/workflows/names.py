"""Names of kept workflows: any text, and for each the file that stands for it on every system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from ...base.safe_paths import is_device

SUFFIX = ".json"
MOST_LETTERS = 120
MOST_BYTES = 255 - len(SUFFIX)
"""What file systems take for one name, in UTF-8."""

_UNSAFE = re.compile(r"""[%:*?"<>|]|^[.~]""")
_ESCAPED = re.compile(r"%(2[25AE]|3[ACEF]|7[CE]|[46][1-9A-F]|[57][0-9A])")
"""Those, and the letters that a device begins with."""


def normal(name: str) -> str:
    """The one spelling of a name: some systems write ``é`` as two characters."""
    return unicodedata.normalize("NFC", name)


def why_no_name(name: str) -> str | None:
    """Why a text cannot be a workflow's name, as the end of a sentence; None where it can.

    The editor says the same while one types (`panels/workflows/name.ts`).
    """
    return next(_reasons(name), None)


def _reasons(name: str) -> Iterator[str]:
    kinds = [unicodedata.category(letter) for letter in name]
    if name != name.strip():
        yield "begins or ends with a blank"
    if {"Cc", "Cs", "Zl", "Zp"}.intersection(kinds):
        yield "has a character that is no letter, such as the end of a line"
    if {"/", "\\"}.intersection(name):
        yield "has a / or a \\, which would be a folder"
    if not any(unicodedata.category(letter)[0] in "LNSP" for letter in name.replace(".", "")):
        yield "has no letter and no digit"
    if len(name) > MOST_LETTERS:
        yield f"is {len(name)} letters long; at most {MOST_LETTERS} fit"
    if (size := len(_escaped(name).encode())) > MOST_BYTES:
        yield f"takes {size} bytes as the name of a file; at most {MOST_BYTES} fit"


def file_name(name: str) -> str:
    """The file of a name: the name itself, where every system takes that.

    Other letters are written as ``%3A``, so that each name has a file of its own.
    """
    return _escaped(normal(name)) + SUFFIX


def name_of(path: Path) -> str:
    """The name that a file stands for."""
    return normal(_ESCAPED.sub(lambda code: chr(int(code[1], 16)), path.stem))


def _escaped(name: str) -> str:
    safe = _UNSAFE.sub(lambda letter: f"%{ord(letter[0]):02X}", name)
    return f"%{ord(safe[0]):02X}{safe[1:]}" if safe and is_device(safe) else safe
