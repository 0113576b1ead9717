"""Files that are named by what they hold, and survive whatever happens once they have the name."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..base.safe_paths import safe_path
from ..cache.files import publish
from .types import StorageFullError

SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
_NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg|webp)")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def named(folder: Path, data: bytes, suffix: str) -> str:
    """Write a file under the hash of its content, and wait until the disk has it.

    Returns:
        Its name. A file of this name holds just this, so it only becomes new again.

    Raises:
        StorageFullError: there is no room; nothing is left behind.
    """
    name = hashlib.sha256(data).hexdigest() + suffix
    path = folder / name
    if holds(path, len(data)):
        with suppress(OSError):
            os.utime(path)
    else:
        put(path, data)
    return name


def put(path: Path, data: bytes, durable: bool = True) -> None:
    """Write a file, whole or not at all."""
    with _sentence():
        publish(path, [data], durable)
        if durable:
            _sync(path.parent)


def holds(path: Path, size: int) -> bool:
    """Whether there is a file of this size."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def stored(folder: Path, name: str) -> Path | None:
    """The file of this name right in ``folder``; None for any other name, and for links."""
    path = safe_path(folder, name) if _NAME.fullmatch(name) else None
    return path if path and path.is_file() and not (folder / name).is_symlink() else None


@contextmanager
def _sentence() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError from error
        raise


def _sync(folder: Path) -> None:
    """Wait until the disk has the names in a folder, where the system can be asked for that."""
    with suppress(OSError, AttributeError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
