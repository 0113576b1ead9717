"""Resizing: the size to reach, and resampling by PIL's filters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
LARGEST = 8192


def target(
    size: tuple[int, int], width: int | None, height: int | None, multiple_of: int
) -> tuple[int, int]:
    """The size to reach: what is given, the rest in proportion, both rounded to a multiple."""
    was_wide, was_tall = size
    if width is None and height is None:
        width, height = size
    elif width is None and height is not None:
        width = max(1, round(was_wide * height / was_tall))
    elif height is None and width is not None:
        height = max(1, round(was_tall * width / was_wide))
    assert width is not None
    assert height is not None
    sides = (max(1, round(side / multiple_of)) * multiple_of for side in (width, height))
    wide, tall = sides
    return wide, tall


def resize(pixels: Pixels, size: tuple[int, int], fit: str, filter: str, background: str) -> Pixels:
    """Resample (H, W, 3) pixels, or a mask's (H, W), to ``size``; ``area`` is PIL's box filter.

    PIL's filters widen when they shrink, so that no fit or filter leaves moiré but ``nearest``.
    """
    from PIL import Image, ImageOps

    methods = {
        "lanczos": Image.Resampling.LANCZOS,
        "bicubic": Image.Resampling.BICUBIC,
        "bilinear": Image.Resampling.BILINEAR,
        "area": Image.Resampling.BOX,
        "nearest": Image.Resampling.NEAREST,
    }
    picture, method = Image.fromarray(pixels), methods[filter]
    if picture.size == size:
        return pixels
    if fit == "cover":
        return np.array(ImageOps.fit(picture, size, method))
    if fit == "contain":
        return np.array(ImageOps.pad(picture, size, method, background))
    return np.array(picture.resize(size, method))
