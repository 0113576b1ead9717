"""Pictures from outside: sniffed by their first bytes, bounded, decoded, and encoded anew."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..carriers.picture import sniff
from .types import AssetRefusedError

if TYPE_CHECKING:
    from PIL.Image import Image

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
        picture = _decoded(data, format)
        file = BytesIO()
        picture.save(file, format, **_OPTIONS[format])
    except AssetRefusedError:
        raise
    except Exception as error:  # decoders raise whatever they like on damaged data
        raise AssetRefusedError("damaged", "the picture is damaged or incomplete") from error
    return Clean(format, *picture.size, file.getvalue())


def thumbnail(path: Path, side: int) -> bytes:
    """A WebP of at most ``side`` pixels a side."""
    from PIL import Image

    with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
        picture.draft("RGB", (side, side))  # a JPEG is read at a size near the one wanted
        small = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    small.thumbnail((side, side))
    file = BytesIO()
    small.save(file, "WEBP", quality=85)
    return file.getvalue()


def _decoded(data: bytes, format: str) -> Image:
    from PIL import Image, ImageOps

    if format == "PNG":
        _check_size(*_png_size(data))  # before Pillow reads any of the other chunks
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our limit is lower
        try:
            picture = Image.open(BytesIO(data), formats=(format,))
        except Image.DecompressionBombError as error:
            raise AssetRefusedError("size", _too_large()) from error
    _check_size(*picture.size)
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    several = {"PNG": ("L", "RGB", "RGBA"), "JPEG": ("L", "RGB"), "WEBP": ("RGB", "RGBA")}[format]
    mode = upright.mode
    if mode in several:
        plain = upright.copy()
    elif mode.startswith("I") or mode == "F":
        plain = _eight_bits(upright)
    else:
        has_alpha = "A" in upright.getbands() or "transparency" in upright.info
        plain = upright.convert("RGBA" if has_alpha and "RGBA" in several else "RGB")
    plain.info = {}  # no profile, no text, no Exif
    return plain


def _eight_bits(picture: Image) -> Image:
    """Sixteen bits of grey as eight: Pillow itself would cut off what is bright."""
    return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")


def _png_size(data: bytes) -> tuple[int, int]:
    if len(data) < 24:
        raise AssetRefusedError("damaged", "the picture is damaged or incomplete")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise AssetRefusedError("size", _too_large())


def _too_large() -> str:
    return (
        f"a picture may have {MOST_PIXELS / 1e6:.0f} megapixels and {MOST_SIDE} pixels a side;"
        " scale it down first"
    )
