"""Files that are named by what they hold, and survive whatever happens once they have the name."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..base.safe_paths import safe_path
from ..cache.files import publish
from .types import StorageFullError

SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
STAGE = ".new"
"""The folder, in that of the files, of those that are not published yet."""
_NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg|webp)")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def staged(folder: Path, owner: str, data: bytes, suffix: str) -> str:
    """Write a file that is to be published by the hash of its content, and wait for the disk.

    It lies aside, as ``owner``'s own, until it is published: the file of this name may be there
    already and be deleted meanwhile, on behalf of whatever else showed it.

    Returns:
        The name that it will have.

    Raises:
        StorageFullError: there is no room; nothing is left behind.
    """
    name = hashlib.sha256(data).hexdigest() + suffix
    put(folder / STAGE / f"{owner}-{name}", data)
    return name


def publish_staged(folder: Path, owner: str, names: Iterable[str]) -> None:
    """Give ``owner``'s files their names; those that have them already are passed over."""
    for name in names:
        with suppress(FileNotFoundError):
            os.replace(folder / STAGE / f"{owner}-{name}", folder / name)
    _sync(folder)


def put(path: Path, data: bytes, durable: bool = True) -> None:
    """Write a file, whole or not at all."""
    with _sentence():
        publish(path, [data], durable)
        if durable:
            _sync(path.parent)


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
