"""Pictures decoded: the first frame, eight bits a channel, upright, in sRGB, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from math import inf
from typing import TYPE_CHECKING, Any

from ..carriers.picture import sniff
from . import avif, jpeg, png, tiff, webp
from .bare import Bare
from .colours import in_srgb
from .orientation import from_both
from .silence import SILENCE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image

# No EPS, PDF or other format that runs a program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "MPO", "PPM", "AVIF")
"""The formats that are read, as Pillow names them."""

_SIDEWAYS = frozenset({5, 6, 7, 8})
_BARE = {"PNG": png.bare, "JPEG": jpeg.bare, "WEBP": webp.bare}
_SIZE = {"PNG": png.size, "JPEG": jpeg.size}


class PictureError(Exception):
    """A file is no picture that can be read; the subclass says why, and the text what is wrong."""


class UnknownFormatError(PictureError):
    """It is in none of the formats asked for; ``formats`` are those that can be read here."""

    def __init__(self, formats: Sequence[str]) -> None:
        self.formats = tuple(formats)
        super().__init__(f"not in a known format ({', '.join(formats)})")


class TooLargeError(PictureError):
    """It has more pixels than asked for; ``size`` where more is known than their number."""

    def __init__(self, pixels: int, size: tuple[int, int] | None = None) -> None:
        self.pixels, self.size = pixels, size
        super().__init__(f"{pixels} pixels")


class DamagedError(PictureError):
    """Its pixels cannot be decoded."""


def read_picture(
    data: bytes,
    formats: Sequence[str] = FORMATS,
    most: int | None = None,
    most_side: int | None = None,
    near: int | None = None,
) -> Image:
    """Decode the first frame of a picture file.

    What is in the file beside pixels is used where it can be read and passed over where it cannot:
    orientation, colour profile, transparency.

    Args:
        most: Pixels that it may have.
        most_side: Pixels that its width and its height may have.
        near: A JPEG may be decoded at a smaller size, but none below this many pixels a side.

    Returns:
        A picture of mode L, RGB or RGBA, without any metadata.

    Raises:
        PictureError: It cannot be read.
    """
    format = sniff(data[:12])
    try:
        if format in _BARE:
            return _decoded(_BARE[format](data), formats, most, most_side, near)
        try:
            return _decoded(Bare(data), formats, most, most_side, near)
        except (DamagedError, UnknownFormatError):
            # Of other formats most hold nothing that could be in the way of pixels.
            file = _without_metadata(data)
            if file.data == data:
                raise
            return _decoded(file, formats, most, most_side, near)
    except UnknownFormatError as error:
        if format not in formats:
            raise
        raise DamagedError("its header cannot be read") from error
    except PictureError:
        raise
    except Exception as error:  # decoders raise whatever they like on damaged data
        raise DamagedError(str(error)) from error


def read_size(data: bytes, formats: Sequence[str] = FORMATS) -> tuple[int, int]:
    """Width and height of a picture as it is shown, from its header alone.

    Raises:
        PictureError: It cannot be read.
    """
    format = sniff(data[:12])
    file = _BARE[format](data) if format in _BARE else Bare(data)
    orientation = file.orientation
    # Importing Pillow takes longer than most checks: the usual headers are read without it.
    size = _SIZE[format](file.data) if format in _SIZE and format in formats else None
    if size is None:
        with SILENCE, _opened(file.data, formats) as picture:
            size = picture.size
            orientation = orientation or _orientation(picture)
    width, height = size
    return (height, width) if orientation in _SIDEWAYS else (width, height)


def _without_metadata(data: bytes) -> Bare:
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return tiff.bare(data)
    return avif.bare(data)


def _decoded(
    file: Bare, formats: Sequence[str], most: int | None, most_side: int | None, near: int | None
) -> Image:
    with SILENCE:
        picture = _opened(file.data, formats)
        width, height = picture.size
        if width * height > (most or inf) or max(width, height) > (most_side or inf):
            raise TooLargeError(width * height, picture.size)
        if near is not None:
            picture.draft(None, (near, near))
        try:
            picture.load()
            orientation = file.orientation or _orientation(picture)
            profile = file.profile or picture.info.get("icc_profile")
            plain = in_srgb(_eight_bits(picture, file.key), profile)
            return _upright(_plain(plain), orientation)
        except Exception as error:  # decoders raise whatever they like on damaged data
            raise DamagedError(str(error)) from error


def _opened(data: bytes, formats: Sequence[str]) -> Image:
    from PIL import Image, UnidentifiedImageError

    Image.init()
    available = [format for format in formats if format in Image.OPEN]
    try:
        return Image.open(BytesIO(data), formats=available)
    except Image.DecompressionBombError as error:
        count = re.search(r"\d+", str(error))
        raise TooLargeError(int(count[0]) if count else 0) from error
    except UnidentifiedImageError as error:
        raise UnknownFormatError(available) from error
    except Exception as error:
        raise DamagedError(str(error)) from error


def _orientation(picture: Image) -> int | None:
    """The orientation that Pillow has found; it turns TIFF files itself."""
    if picture.format == "TIFF":
        return None
    exif, packet = picture.info.get("exif", b""), picture.info.get("xmp", b"")
    return from_both(
        exif if isinstance(exif, bytes) else b"", packet if isinstance(packet, bytes) else b""
    )


def _upright(picture: Image, orientation: int | None) -> Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def _eight_bits(picture: Image, key: tuple[int, ...] | None) -> Image:
    """Bring any mode to one that colours are converted from: L, LA, RGB, RGBA or CMYK.

    Args:
        key: The grey or colour that is transparent, if there is one; in Pillow's own record of it
            greys of fewer and colours of more than eight bits are wrong.
    """
    if picture.mode.startswith("I") or picture.mode == "F":
        return _grey(picture, key)
    if key is not None:
        picture.info["transparency"] = key[0] if len(key) == 1 else key
    grey = picture.mode in ("1", "L", "LA", "La")
    if picture.has_transparency_data:
        return picture.convert("LA" if grey else "RGBA")
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("L" if grey else "RGB")


def _grey(picture: Image, key: tuple[int, ...] | None) -> Image:
    """Sixteen bits and floating-point numbers of grey as eight bits."""
    import numpy as np
    from PIL import Image

    values = np.asarray(picture)
    plain = Image.fromarray(eight_bits(values))
    if key is not None:
        opacity = np.where(values == key[0], np.uint8(0), np.uint8(255))
        plain.putalpha(Image.fromarray(opacity))
    return plain


def eight_bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Scale 16-bit and floating-point greys to [0, 255]."""
    import numpy as np

    grey = values.astype(np.float64)
    if values.dtype.kind == "f":
        scale = 255.0 if np.nanmax(grey, initial=0) <= 1 else 1.0
    else:
        scale = 1 / 257 if values.dtype == np.uint16 or grey.max(initial=0) > 255 else 1.0
    return np.nan_to_num(grey * scale).round().clip(0, 255).astype(np.uint8)


def _plain(picture: Image) -> Image:
    """The picture in one of three modes, and nothing but its pixels."""
    modes = {"L": "L", "RGB": "RGB", "LA": "RGBA", "RGBA": "RGBA"}
    plain = picture.convert(modes.get(picture.mode, "RGB"))
    plain.info = {}
    return plain
