"""Stored pictures, named by content: decoded, checked and encoded anew before they are kept."""

from __future__ import annotations

from pathlib import Path

from .store import Store
from .types import Asset


class Assets:
    """The pictures in ``folder``; small versions of them lie in ``thumbnails`` beside it."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self._store = store

    def put(self, data: bytes, name: str = "") -> Asset:
        """Keep an uploaded picture.

        Raises:
            AssetRefusedError: it is no PNG, JPEG or WebP, too large, or damaged.
            StorageFullError: the disk is full.
        """
        raise NotImplementedError

    def get(self, file: str) -> Asset:
        raise NotImplementedError

    def path(self, file: str) -> Path:
        """Where an asset (or a node's thumbnail) lies.

        Raises:
            NoSuchAssetError: there is none of this name, whatever the name looks like.
        """
        raise NotImplementedError

    def thumbnail(self, file: str, size: int = 256) -> Path:
        """A small WebP version, at most ``size`` pixels a side (64, 128, 256 or 512)."""
        raise NotImplementedError

    def list(
        self, before: float | None = None, limit: int = 50
    ) -> tuple[list[Asset], float | None]:
        """What was uploaded, newest first."""
        raise NotImplementedError

    def delete(self, file: str) -> None:
        """Delete an asset, from the gallery too."""
        raise NotImplementedError

    def sweep(self) -> int:
        """Remove what no job and no upload accounts for; returns how many files."""
        raise NotImplementedError
