"""File names with fields in them: ``{date}/{name}-{number}``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from nodegraph.base import file_names
from nodegraph.errors import UserError, did_you_mean

FIELDS = ("name", "number", "date", "width", "height")
LONGEST = 1000
"""Letters of a pattern."""
_LONGEST_NAME = 100  # characters, and bytes of UTF-8 that leave room for what a pattern adds
_LONGEST_BYTES = 230
_NUMBERS = 8  # bytes: "-1234567"


def checked(pattern: str) -> str:
    """The pattern, if it names files inside a folder on every system.

    Raises:
        ValueError: It has a field that nobody fills in, or could leave the folder.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"has {len(pattern):,} letters; at most {LONGEST} are taken")
    for field in re.findall(r"\{([^{}]*+)\}", pattern):
        if field not in FIELDS:
            raise ValueError(f"has {did_you_mean(field, FIELDS).replace(' it has', ' there are')}")
    if not all(map(_is_part, pattern.split("/"))):
        raise ValueError(
            "should be names, parted by /, of letters, digits, blanks, .,()+=@-_ and fields"
        )
    if set("{}") & set(re.sub(r"\{\w+\}", "", pattern)):
        raise ValueError("has a bracket too many")
    if "{number}" in pattern.rpartition("/")[0]:
        raise ValueError("numbers a folder; {number} belongs into the file's name")
    return pattern


def _is_part(part: str) -> bool:
    allowed = f"{file_names.PUNCTUATION}{{}}"
    return (
        (part[:1].isalnum() or part[:1] in ("_", "{"))
        and all(file_names.is_letter(char) or char in allowed for char in part)
    )  # fmt: skip


def filled(pattern: str, fields: Mapping[str, object]) -> str:
    """The pattern with every field but the number filled in."""
    return re.sub(r"\{(?!number)(\w+)\}", lambda field: str(fields[field[1]]), pattern)


def safe_name(name: str) -> str:
    """A name in which every character can be part of a file name anywhere."""
    safe = re.sub(r"^\W+", "", file_names.safe(name))
    safe = file_names.cut(safe, _LONGEST_BYTES, _LONGEST_NAME).rstrip("-. ")
    return file_names.undeviced(safe or "picture")


def inside(folder: Path, pattern: str, suffix: str = "") -> tuple[Path, str]:
    """The folder and the file name, without its suffix, that a filled pattern stands for.

    Names that are longer than file systems have them are cut; numbers and suffixes stay.

    Raises:
        UserError: A link leads out of ``folder``.
    """
    *folders, name = pattern.split("/")
    path = folder.joinpath(*map(_folder_name, folders), _short(name, suffix))
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"pattern: {str(path.parent)!r} leads out of the output folder")
    return path.parent, path.name


def _folder_name(name: str) -> str:
    # Windows takes no blank and no dot at the end.
    return file_names.undeviced(file_names.cut(name).rstrip(". "))


def _short(name: str, suffix: str) -> str:
    most = file_names.LONGEST - len(suffix.encode()) - _NUMBERS
    before, field, after = name.partition("{number}")
    after = file_names.cut(after, most // 2)
    before = file_names.cut(before, most - len(f"{field}{after}".encode()))
    return file_names.undeviced(f"{before}{field}{after}")


def numbered(name: str, number: int) -> str:
    """The name with its number in place, or behind it from the second on."""
    if "{number}" in name:
        return name.replace("{number}", f"{number:04}")
    return name if number == 1 else f"{name}-{number}"


def numbered_files(folder: Path, name: str, suffix: str) -> Iterator[tuple[int, Path]]:
    """The numbered files of this name that are there; none where the name asks for no number."""
    if "{number}" not in name:
        return
    before, *after = (re.escape(part) for part in f"{name}{suffix}".split("{number}"))
    pattern = re.compile(rf"{before}(?P<number>\d+){'(?P=number)'.join(after)}")
    for path in sorted(folder.iterdir()):
        if match := pattern.fullmatch(path.name):
            yield int(match["number"]), path
