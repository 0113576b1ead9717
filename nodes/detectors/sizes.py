"""Sizes of detection: pictures resized for a detector, and its drawings to the result's size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]
LONGEST = 16_384
STEP = 64  # pixels; sides are multiples of it, as networks halve them several times


class View(NamedTuple):
    """The picture that a detector looks at, and the (width, height) of its result."""

    pixels: Pixels
    result_size: Size

    @property
    def size(self) -> Size:
        """Width and height of the picture that is looked at."""
        height, width = self.pixels.shape[:2]
        return width, height

    def back(self, drawn: Pixels) -> Pixels:
        """Bring a drawing to the size of the result."""
        return to_size(drawn, self.result_size)


def size_at(size: Size, resolution: int) -> Size:
    """The width and height with ``resolution`` on the shorter side, both multiples of 64.

    A ribbon, whose longer side would pass all bounds, is kept smaller.
    """
    shorter, longer = sorted(size)
    resolution = min(resolution, max(STEP, LONGEST * shorter // longer))
    width, height = (round(side * resolution / shorter / STEP) * STEP for side in size)
    return width, height


def resized(pixels: Pixels, resolution: int) -> Pixels:
    """The picture as controlnet_aux looks at it: ``resolution`` pixels on the shorter side."""
    import cv2

    height, width = pixels.shape[:2]
    grows = resolution > min(width, height)
    method = cv2.INTER_LANCZOS4 if grows else cv2.INTER_AREA
    return _of_type(cv2.resize(pixels, size_at((width, height), resolution), interpolation=method))


def view_of(pixels: Pixels, detect: int | None, result: int | None) -> View:
    """A picture as a detector looks at it.

    Args:
        detect: Pixels on the shorter side to look in; None looks at the picture as it is.
        result: Pixels on the shorter side of the drawing; None takes the picture's own size.
    """
    height, width = pixels.shape[:2]
    looked_at = pixels if detect is None else resized(pixels, detect)
    if result is None:
        return View(looked_at, (width, height))
    height, width = looked_at.shape[:2]
    return View(looked_at, size_at((width, height), result))


def to_size(drawn: Pixels, size: Size) -> Pixels:
    """Bring a drawing to (width, height); thin lines survive shrinking as paler ones."""
    import cv2

    if drawn.shape[1::-1] == size:
        return drawn
    shrinks = size[0] * size[1] < drawn.shape[0] * drawn.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return _of_type(cv2.resize(drawn, size, interpolation=method))


def _of_type(pixels: object) -> Pixels:
    return np.asarray(pixels, np.uint8)
