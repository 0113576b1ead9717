"""Stored pictures, named by content: decoded, checked and encoded anew before they are kept."""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from stat import S_ISREG
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from ..base.files import TEMPORARY
from . import sanitise
from .files import STAGE, SUFFIXES, publish_staged, put, staged, stored
from .rows import plain
from .store import Store
from .tables import assets, results
from .types import Asset, JobResult, NoSuchAssetError

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
        store.publish = self._publish

    def put(self, data: bytes, name: str = "") -> Asset:
        """Keep an uploaded picture.

        Raises:
            AssetRefusedError: it is no PNG, JPEG or WebP, too large, or damaged.
            StorageFullError: the disk is full.
        """
        with self._turn():
            clean = sanitise.cleaned(data)
        owner = uuid4().hex
        file = staged(self.folder, owner, clean.data, SUFFIXES[clean.format])
        row = {
            "file": file, "name": plain(name, 200), "width": clean.width, "height": clean.height,
            "bytes": len(clean.data), "created": time.time(),
        }  # fmt: skip
        with self._database.writing() as connection:
            # What is uploaded once more is the latest again, under its latest name.
            connection.execute(sa.delete(assets).where(assets.c.file == file))
            connection.execute(sa.insert(assets).values(row))
            publish_staged(self.folder, owner, [file])
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
        """A small WebP version: at most ``size`` pixels a side, brought up to the next of SIZES.

        Raises:
            NoSuchAssetError: there is none of this name.
            AssetRefusedError: what is stored is damaged.
        """
        path = self._stored(file)
        side = next((step for step in SIZES if step >= size), SIZES[-1])
        small = self.thumbnails / f"{path.stem}-{side}.webp"
        if not small.is_file():
            with self._turn():
                try:
                    data = sanitise.thumbnail(path, side)
                except OSError as error:  # deleted meanwhile
                    raise NoSuchAssetError from error
            put(small, data, durable=False)
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

        def forget(connection: sa.Connection) -> None:
            connection.execute(sa.delete(assets).where(assets.c.file == file))
            # In the same transaction: a job that has made the same again records it before this,
            # and loses it, or after, and publishes its own.
            path.unlink(missing_ok=True)

        self._store.forget_asset(file, forget)
        for side in SIZES:
            (self.thumbnails / f"{path.stem}-{side}.webp").unlink(missing_ok=True)

    def sweep(self, older: float = ABANDONED) -> int:
        """Remove files that no job and no upload accounts for; returns how many."""
        with self._database.reading() as connection:
            accounted = _accounted(connection)
        old = [
            path
            for path, age, _ in (*_files(self.folder), *_files(self.folder / STAGE))
            if path.name not in accounted
            and (age > older or (path.name.endswith(TEMPORARY) and age > LEFTOVER))
        ]
        removed = self._remove(old) if old else 0
        left = THUMBNAILS
        for path, _, size in sorted(_files(self.thumbnails), key=lambda file: file[1]):
            left -= size
            if left < 0:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _remove(self, old: builtins.list[Path]) -> int:
        """Remove files, unless something accounts for them by now; returns how many."""
        # While nobody else writes: whoever records a picture publishes its file at the same time.
        with self._database.writing() as connection:
            accounted = _accounted(connection)
            left = [path for path in old if path.name not in accounted]
            for path in left:
                path.unlink(missing_ok=True)
        return len(left)

    def _publish(self, job: str, made: Sequence[JobResult]) -> None:
        publish_staged(self.folder, job, [one.asset for one in made if one.asset is not None])

    def _stored(self, file: str) -> Path:
        path = stored(self.folder, file)
        if path is None:
            raise NoSuchAssetError
        return path


def _asset(row: sa.Row[Any]) -> Asset:
    return Asset(row.file, row.name, row.width, row.height, row.bytes, row.created)


def _accounted(connection: sa.Connection) -> set[str]:
    """The names of all files that something shows."""
    uploaded = set(connection.scalars(sa.select(assets.c.file)))
    made = sa.select(results.c.asset).where(results.c.asset.is_not(None)).distinct()
    return uploaded | set(connection.scalars(made))


def _files(folder: Path) -> builtins.list[tuple[Path, float, int]]:
    """Every file of a folder, the seconds since it was written, and its bytes."""
    now, files = time.time(), []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            state = path.stat()
        except OSError:
            continue
        if S_ISREG(state.st_mode):
            files.append((path, now - state.st_mtime, state.st_size))
    return files
