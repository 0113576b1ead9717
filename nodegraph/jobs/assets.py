"""Stored pictures, named by content: decoded, checked and encoded anew before they are kept."""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..base.files import TEMPORARY
from . import sanitise
from .files import SUFFIXES, named, put, stored
from .rows import plain
from .store import Store
from .tables import assets, results
from .types import Asset, NoSuchAssetError

SIZES = (64, 128, 256, 512)
"""Pixels a side that thumbnails are made at."""
ABANDONED = 24 * 3600.0
"""Seconds for which a file may lie there that nothing accounts for: its job may still run."""
LEFTOVER = 3600.0
"""Seconds after which whoever was writing a file must have died."""
THUMBNAILS = 2 * 2**30
"""Bytes of thumbnails that are kept; they are made again when they are asked for."""


class Assets:
    """The pictures in ``folder``; small versions of them lie in ``thumbnails`` beside it.

    Args:
        turn: Waited for before a picture is decoded, which takes memory.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.folder, self._turn = folder.resolve(), turn
        self.thumbnails = self.folder.parent / "thumbnails"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.thumbnails.mkdir(parents=True, exist_ok=True)
        self._store, self._database = store, store.database

    def put(self, data: bytes, name: str = "") -> Asset:
        """Keep an uploaded picture.

        Raises:
            AssetRefusedError: it is no PNG, JPEG or WebP, too large, or damaged.
            StorageFullError: the disk is full.
        """
        with self._turn():
            clean = sanitise.cleaned(data)
        file = named(self.folder, clean.data, SUFFIXES[clean.format])
        row = {
            "file": file, "name": plain(name, 200), "width": clean.width, "height": clean.height,
            "bytes": len(clean.data), "created": time.time(),
        }  # fmt: skip
        with self._database.writing() as connection:
            # What is uploaded once more is the latest again, under its latest name.
            connection.execute(sa.delete(assets).where(assets.c.file == file))
            connection.execute(sa.insert(assets).values(row))
        return self.get(file)

    def get(self, file: str) -> Asset:
        """Read the record of an asset.

        Raises:
            NoSuchAssetError: there is none of this name.
        """
        path = self._stored(file)
        uploaded = sa.select(assets).where(assets.c.file == file)
        result = sa.select(results).where(results.c.asset == file).order_by(results.c.seq).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(uploaded).one_or_none()
            if row is not None:
                return _asset(row)
            row = connection.execute(result).one_or_none()
        if row is None:
            raise NoSuchAssetError
        size = path.stat().st_size
        return Asset(file, row.result, row.width, row.height, size, row.created, made=True)

    def path(self, file: str) -> Path:
        """Where an asset (or a node's thumbnail) lies.

        Raises:
            NoSuchAssetError: there is none of this name, whatever the name looks like.
        """
        path = stored(self.folder, file) or stored(self.thumbnails, file)
        if path is None:
            raise NoSuchAssetError
        return path

    def thumbnail(self, file: str, size: int = 256) -> Path:
        """A small WebP version: at most ``size`` pixels a side, brought up to the next of SIZES."""
        path = self._stored(file)
        side = next((step for step in SIZES if step >= size), SIZES[-1])
        small = self.thumbnails / f"{path.stem}-{side}.webp"
        if not small.is_file():
            with self._turn():
                put(small, sanitise.thumbnail(path, side), durable=False)
        return small

    def list(
        self, before: int | None = None, limit: int = 50
    ) -> tuple[builtins.list[Asset], int | None]:
        """What was uploaded, newest first; the other value asks for the next."""
        query = sa.select(assets).order_by(assets.c.seq.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(assets.c.seq < before)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        more = rows[limit - 1].seq if len(rows) > limit else None
        return [_asset(row) for row in rows[:limit]], more

    def delete(self, file: str) -> None:
        """Delete an asset for good, from the gallery and the bin too."""
        path = self._stored(file)
        with self._database.writing() as connection:
            connection.execute(sa.delete(assets).where(assets.c.file == file))
        self._store.forget_asset(file)
        path.unlink(missing_ok=True)
        for side in SIZES:
            (self.thumbnails / f"{path.stem}-{side}.webp").unlink(missing_ok=True)

    def sweep(self, older: float = ABANDONED) -> int:
        """Remove files that no job and no upload accounts for; returns how many."""
        removed = 0
        with self._database.reading() as connection:
            accounted = set(connection.scalars(sa.select(assets.c.file)))
            accounted |= set(connection.scalars(sa.select(results.c.asset).distinct()))
        for path, age, _ in _files(self.folder):
            if path.name not in accounted and (
                age > older or (path.name.endswith(TEMPORARY) and age > LEFTOVER)
            ):
                path.unlink(missing_ok=True)
                removed += 1
        left = THUMBNAILS
        for path, _, size in sorted(_files(self.thumbnails), key=lambda file: file[1]):
            left -= size
            if left < 0:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _stored(self, file: str) -> Path:
        path = stored(self.folder, file)
        if path is None:
            raise NoSuchAssetError
        return path


def _asset(row: sa.Row[Any]) -> Asset:
    return Asset(row.file, row.name, row.width, row.height, row.bytes, row.created)


def _files(folder: Path) -> builtins.list[tuple[Path, float, int]]:
    """Every file of a folder, the seconds since it was written, and its bytes."""
    now, files = time.time(), []
    for path in folder.iterdir():
        try:
            state = path.stat()
        except OSError:
            continue
        files.append((path, now - state.st_mtime, state.st_size))
    return files
