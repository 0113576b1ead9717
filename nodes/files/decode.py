"""Picture files decoded to RGB bytes, from any depth, colours, transparency and orientation."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LARGEST = 64_000_000  # pixels
# No EPS, PDF or other format that runs a program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "MPO", "PPM", "AVIF")

Pixels = npt.NDArray[np.uint8]


def decode_picture(data: bytes, name: str) -> tuple[Pixels, Pixels]:
    """Decode a picture file: upright, its first frame, what is transparent laid on white.

    Returns:
        (H, W, 3) RGB, and (H, W) opacity, 255 where nothing shows through.
    """
    picture = read_header(data, name)
    width, height = picture.size
    if width * height > LARGEST:
        raise UserError(too_large(name, width * height, f" ({width} x {height})"))
    from PIL import ImageOps

    try:
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        return pixels(upright)
    except Exception as error:  # decoders raise whatever they like on damaged data
        raise UserError(f"{name!r} is damaged or incomplete: {error}") from error


def read_header(data: bytes, name: str) -> Picture:
    """Read a file's header alone, which says what it is and how large."""
    from PIL import Image, UnidentifiedImageError

    Image.init()
    formats = [format for format in FORMATS if format in Image.OPEN]
    try:
        with warnings.catch_warnings():
            # We have a limit of our own, below the one Pillow warns at.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        count = re.search(r"\d+", str(error))
        raise UserError(too_large(name, int(count[0]) if count else 0)) from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"{name!r} is not a picture in a known format ({', '.join(formats)})"
        ) from error
    except Exception as error:
        raise UserError(f"{name!r} is damaged or incomplete: {error}") from error


def too_large(name: str, count: int, size: str = "") -> str:
    """Say how large the picture is and what the limit is."""
    return (
        f"{name!r} has {count / 1e6:.0f} megapixels{size};"
        f" at most {LARGEST / 1e6:.0f} are read, so scale it down first"
    )


def pixels(picture: Picture) -> tuple[Pixels, Pixels]:
    """Bring any mode to 8-bit RGB on white, with its opacity."""
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        picture = Image.fromarray(eight_bits(np.asarray(picture)))
    if not picture.has_transparency_data:
        colours = np.array(picture.convert("RGB"))
        return colours, np.full(colours.shape[:2], 255, np.uint8)
    layer = picture.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    colours = np.array(Image.alpha_composite(white, layer).convert("RGB"))
    return colours, np.array(layer.getchannel("A"))


def eight_bits(values: npt.NDArray[np.generic]) -> Pixels:
    """Scale 16-bit and floating-point greys to [0, 255]."""
    grey = values.astype(np.float64)
    if values.dtype.kind == "f":
        scale = 255.0 if np.nanmax(grey, initial=0) <= 1 else 1.0
    else:
        scale = 1 / 257 if values.dtype == np.uint16 or grey.max(initial=0) > 255 else 1.0
    return np.nan_to_num(grey * scale).round().clip(0, 255).astype(np.uint8)
