"""Pictures from outside: sniffed by their first bytes, bounded, decoded, and encoded anew."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from ..carriers.picture import sniff
from ..pictures.read import PictureError, TooLargeError, read_picture
from .types import AssetRefusedError

MOST_BYTES = 64 * 2**20
MOST_PIXELS = 32 * 2**20
MOST_SIDE = 16_384
"""Pixels: a WebP can have no more."""

_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "quality": 50, "method": 2},
}


class Clean(NamedTuple):
    """A picture as we write it: nothing is in the file but the pixels."""

    format: str
    width: int
    height: int
    data: bytes


def cleaned(data: bytes) -> Clean:
    """Decode a picture, its first frame and upright, and encode it in the format it came in.

    Raises:
        AssetRefusedError: it is of another kind, too large, or damaged.
    """
    if len(data) > MOST_BYTES:
        raise AssetRefusedError("size", f"a picture may have {MOST_BYTES // 2**20} MB")
    format = sniff(data)
    if format is None:
        raise AssetRefusedError("kind", "this is no PNG, JPEG or WebP")
    try:
        picture = read_picture(data, (format,), MOST_PIXELS, MOST_SIDE)
    except TooLargeError as error:
        raise AssetRefusedError("size", _too_large()) from error
    except PictureError as error:
        raise AssetRefusedError("damaged", "the picture is damaged or incomplete") from error
    file = BytesIO()
    picture.save(file, format, **_OPTIONS[format])
    return Clean(format, *picture.size, file.getvalue())


def thumbnail(path: Path, side: int) -> bytes:
    """A WebP of at most ``side`` pixels a side.

    Raises:
        AssetRefusedError: the file is no sound picture any more.
        OSError: it is gone.
    """
    try:
        small = read_picture(path.read_bytes(), ("PNG", "JPEG", "WEBP"), near=side)
    except PictureError as error:
        raise AssetRefusedError(
            "damaged", "the picture is damaged, so it has no thumbnail"
        ) from error
    small.thumbnail((side, side))
    file = BytesIO()
    small.save(file, "WEBP", quality=85)
    return file.getvalue()


def _too_large() -> str:
    return (
        f"a picture may have {MOST_PIXELS / 1e6:.0f} megapixels and {MOST_SIDE} pixels a side;"
        " scale it down first"
    )
