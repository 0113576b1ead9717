"""Picture files decoded to RGB bytes, from any depth, colours, transparency and orientation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError
from nodegraph.pictures.read import (
    FORMATS,
    PictureError,
    TooLargeError,
    UnknownFormatError,
    read_picture,
)

LARGEST = 64_000_000  # pixels

Pixels = npt.NDArray[np.uint8]


def decode_picture(data: bytes, name: str) -> tuple[Pixels, Pixels]:
    """Decode a picture file: upright, its first frame, in sRGB, what is transparent laid on white.

    Returns:
        (H, W, 3) RGB, and (H, W) opacity, 255 where nothing shows through.
    """
    try:
        picture = read_picture(data, FORMATS, LARGEST)
    except PictureError as error:
        raise UserError(_sentence(name, error)) from error
    if picture.mode != "RGBA":
        colours = np.array(picture.convert("RGB"))
        return colours, np.full(colours.shape[:2], 255, np.uint8)
    from PIL import Image

    white = Image.new("RGBA", picture.size, "white")
    colours = np.array(Image.alpha_composite(white, picture).convert("RGB"))
    return colours, np.array(picture.getchannel("A"))


def _sentence(name: str, error: PictureError) -> str:
    match error:
        case TooLargeError():
            size = f" ({error.size[0]} x {error.size[1]})" if error.size else ""
            return (
                f"{name!r} has {error.pixels / 1e6:.0f} megapixels{size};"
                f" at most {LARGEST / 1e6:.0f} are read, so scale it down first"
            )
        case UnknownFormatError():
            return f"{name!r} is not a picture in a known format ({', '.join(error.formats)})"
        case _:
            return f"{name!r} is damaged or incomplete: {error}"
