"""Rotation of pictures by any angle, with edges as smooth as the inside."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def rotated(pixels: Pixels, degrees: float, expand: bool, background: str) -> Pixels:
    """Rotate clockwise about the middle, into a size that holds it whole, or into its own size."""
    height, width = pixels.shape[:2]
    if degrees % 180 == 0 or (degrees % 90 == 0 and (expand or width == height)):
        return np.rot90(pixels, -round(degrees / 90))
    size = extent(width, height, degrees) if expand else (width, height)
    return _sampled(pixels, degrees, size, background)


def extent(width: int, height: int, degrees: float) -> tuple[int, int]:
    """The width and height of a picture once it is rotated."""
    across, down = _cos_sin(degrees)
    wide = width * abs(across) + height * abs(down)
    tall = width * abs(down) + height * abs(across)
    # Rounding must not add a row: a right angle gives whole numbers but for the last bits.
    return math.ceil(wide - 1e-6), math.ceil(tall - 1e-6)


def _cos_sin(degrees: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return round(math.cos(angle), 15), round(math.sin(angle), 15)


def _sampled(pixels: Pixels, degrees: float, size: tuple[int, int], background: str) -> Pixels:
    """Sample (bicubic), with a transparent rim, so that the edges are as smooth as the inside."""
    from PIL import Image, ImageOps

    rim = 1
    layer = ImageOps.expand(Image.fromarray(pixels).convert("RGBA"), rim, (0, 0, 0, 0))
    cos, sin = _cos_sin(degrees)
    x, y = size[0] / 2, size[1] / 2
    # PIL asks where each pixel of the result comes from: the inverse rotation, about both middles.
    matrix = (
        *(cos, sin, layer.width / 2 - cos * x - sin * y),
        *(-sin, cos, layer.height / 2 + sin * x - cos * y),
    )
    rotated = layer.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    behind = Image.new("RGBA", size, background)
    return np.array(Image.alpha_composite(behind, rotated).convert("RGB"))
