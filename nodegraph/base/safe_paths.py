"""Paths made of names that somebody sent: none of them leads out of its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,118}[A-Za-z0-9_-])?")
_DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
# What somebody called a file of theirs: blanks and brackets, too, but nothing that leads anywhere.
_PART = re.compile(r"(?![.~ ])[^\x00-\x1f\x7f/\\:<>\"|?*]{1,150}(?<![. ])")


def is_plain_name(name: str) -> bool:
    """Whether ``name`` is one file name on every system: no folder, drive, device or dot file."""
    # fullmatch, not `$`: that would let a newline pass at the end.
    return bool(_NAME.fullmatch(name)) and not is_device(name)


def safe_path(root: Path, name: str) -> Path | None:
    """The path of ``name`` directly inside ``root``; None where the name could lead elsewhere.

    A link inside the folder that leads out of it is as good as not there.
    """
    return path_inside(root, name) if is_plain_name(name) else None


def path_inside(root: Path, part: str) -> Path | None:
    """The path of ``part``, one file name, directly inside ``root``; None where it is elsewhere."""
    folder = root.resolve()
    path = (folder / part).resolve()
    return path if path.parent == folder else None


def safe_path_below(roots: Iterable[Path], name: str) -> Path | None:
    """The file or folder ``name`` (``sd15/first try.bin``) in the first of ``roots`` that has it.

    None where there is none or the name could lead elsewhere: nobody can tell the two apart. A link
    that leads out of its root, or a folder with such a link in it, is as good as not there.
    """
    parts = name.split("/")
    if not all(_PART.fullmatch(part) and not is_device(part) for part in parts):
        return None
    for root in roots:
        folder = root.resolve()
        path = folder.joinpath(*parts)
        try:
            links = (entry for entry in path.rglob("*") if entry.is_symlink())
            inside = all(entry.resolve().is_relative_to(folder) for entry in (path, *links))
            if inside and path.exists():
                return path
        except (OSError, RuntimeError):  # a name too long, or links in a ring
            continue
    return None


def is_device(name: str) -> bool:
    """Whether Windows takes ``name``, whatever its suffix, for a device."""
    return name.partition(".")[0].rstrip().lower() in _DEVICES
