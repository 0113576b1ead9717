"""Files written whole or not at all: under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

Chunk: TypeAlias = memoryview | bytes | bytearray

TEMPORARY = ".tmp"
"""The suffix of files being written; what a killed writer leaves is found by it."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(path: Path, *chunks: str | Chunk, durable: bool = False) -> int:
    """Write a file in place of the one of that name, whose permissions it takes over.

    Args:
        chunks: Its content in order; text becomes UTF-8.
        durable: Also wait until the disk has the content; else a power cut may leave a damaged
            file under the name.

    Returns:
        The bytes written.

    Raises:
        OSError: the folder is missing or read-only, the disk is full; nothing new is left there.
    """
    with replacing(path) as temporary:
        size = create(temporary, chunks, durable)
        with suppress(FileNotFoundError):
            os.chmod(temporary, path.stat().st_mode & 0o777)
        return size


def write_new(path: Path, *chunks: str | Chunk, mode: int = 0o666) -> bool:
    """Write a file, unless there is one of that name; that one stays as it is.

    Args:
        mode: Its permissions, less what the process's mask takes.

    Returns:
        Whether the file was written. Of several that try at once, one writes.

    Raises:
        OSError: the folder is missing or read-only, the disk is full; nothing new is left there.
    """
    if path.exists():
        return False
    temporary = _beside(path)
    try:
        create(temporary, chunks, False, mode)
        return _take_name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path for others to write to; it becomes ``path`` if they do not fail."""
    temporary = _beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def create(
    path: Path, chunks: Iterable[str | Chunk], durable: bool = False, mode: int = 0o666
) -> int:
    """Write a file that is not there yet, in place; returns its bytes."""
    descriptor = os.open(path, _CREATE, mode)
    try:
        size = sum(_write_chunk(descriptor, chunk) for chunk in chunks)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size


def _beside(path: Path) -> Path:
    # In the same folder: a rename is atomic only within one file system. Without the file's own
    # name, as that may be as long as names can be.
    return path.with_name(f".{uuid4().hex}{TEMPORARY}")


def _write_chunk(descriptor: int, chunk: str | Chunk) -> int:
    rest = memoryview(chunk.encode() if isinstance(chunk, str) else chunk)
    size = len(rest)
    while rest:  # Linux writes 2 GiB at most in one call
        rest = rest[os.write(descriptor, rest) :]
    return size


def _take_name(temporary: Path, path: Path) -> bool:
    """Name a file if the name is free: a link fails where it is taken, a rename would not."""
    try:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):  # a file system without links
            path.open("x").close()
            temporary.replace(path)
    except FileExistsError:
        return False
    return True
