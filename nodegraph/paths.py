"""The one way from a name that somebody sent to a path, and no way out of the folder."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,118}[A-Za-z0-9_-])?")
_DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


def plain_name(name: str) -> bool:
    """Whether ``name`` is one file name on every system: no folder, drive, device or dot file."""
    # fullmatch, not `$`: that would let a newline pass at the end.
    return bool(_NAME.fullmatch(name)) and name.partition(".")[0].lower() not in _DEVICES


def safe_path(root: Path, name: str) -> Path | None:
    """The path of ``name`` directly inside ``root``; None where the name could lead elsewhere.

    A link inside the folder that leads out of it is as good as not there.
    """
    if not plain_name(name):
        return None
    folder = root.resolve()
    path = (folder / name).resolve()
    return path if path.parent == folder else None
