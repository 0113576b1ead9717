"""Files of the cache on disk: written whole in folders made when needed, listed and swept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..base.files import TEMPORARY, Chunk, create, replacing

ABANDONED = 3600.0
"""Seconds after which a temporary file's writer must be dead."""


def publish(path: Path, chunks: Sequence[Chunk], durable: bool = True) -> int:
    """Write a file whole, and make its folder first where it is missing; returns its bytes.

    Args:
        durable: Also wait until the disk has it; else a power cut may leave a damaged file.

    Raises:
        OSError: nothing has been left behind.
    """
    try:
        return _replace(path, chunks, durable)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _replace(path, chunks, durable)


def _replace(path: Path, chunks: Sequence[Chunk], durable: bool) -> int:
    # Not write_whole: nobody sets the permissions of these files, and asking the disk for those
    # of the former file costs half as much again.
    with replacing(path) as temporary:
        return create(temporary, chunks, durable)


def remove(path: Path) -> None:
    """Delete a file if it is there and can be."""
    with suppress(OSError):
        path.unlink()


def walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files two folders down, passing over what disappears meanwhile."""
    for inner in _scan(folder):
        if inner.is_dir(follow_symlinks=False):
            for file in _scan(Path(inner.path)):
                with suppress(OSError):
                    yield Path(file.path), file.stat(follow_symlinks=False)


def sweep(folder: Path) -> int:
    """Remove temporary files of dead writers; returns the bytes of all that stays."""
    size, dead = 0, time.time() - ABANDONED
    for path, status in walk(folder):
        if status.st_mtime < dead and path.name.endswith(TEMPORARY):
            remove(path)
        else:
            size += status.st_size
    return size


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
