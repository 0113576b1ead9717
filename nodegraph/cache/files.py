"""Files that are there whole or not at all, whatever dies when."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from .payload import Chunk

TEMPORARY = ".tmp"
ABANDONED = 3600.0
"""Seconds after which a temporary file's writer must be dead."""


def publish(path: Path, chunks: Sequence[Chunk], durable: bool = True) -> int:
    """Write a file under a temporary name beside it, then give it its own; returns its bytes.

    Args:
        durable: Also wait until the disk has it; else a power cut may leave a damaged file.

    Raises:
        OSError: nothing has been left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}{TEMPORARY}")
    try:
        descriptor = _create(temporary)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _create(temporary)
    try:
        try:
            size = sum(_write(descriptor, chunk) for chunk in chunks)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return size


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)


def _write(descriptor: int, chunk: Chunk) -> int:
    left = memoryview(chunk)
    while left:
        left = left[os.write(descriptor, left) :]
    return len(chunk)


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
    """Remove what writers left that died; returns the bytes of all that stays."""
    size, dead = 0, time.time() - ABANDONED
    for path, found in walk(folder):
        if found.st_mtime < dead and path.name.endswith(TEMPORARY):
            remove(path)
        else:
            size += found.st_size
    return size


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
