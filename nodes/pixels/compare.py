"""Comparison of two pictures of one size: side by side, split, and their differences as heat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def beside(before: Pixels, after: Pixels, line: Pixels) -> Pixels:
    """One to the left of the other, a line of (W, 3) pixels between them."""
    return np.hstack([before, _tall(line, before), after])


def split(before: Pixels, after: Pixels, place: float, line: Pixels) -> Pixels:
    """The left part of one and the right part of the other, a line where they meet."""
    width = before.shape[1]
    at = round(place * width)
    picture = np.hstack([before[:, :at], after[:, at:]])
    left = at - len(line) // 2
    if 0 < at < width:
        part = line[max(-left, 0) : width - left]  # near a border only some of it
        picture[:, max(left, 0) : left + len(line)] = _tall(part, before)
    return picture


def _tall(line: Pixels, picture: Pixels) -> Pixels:
    """(W, 3) repeated to the picture's height, (H, W, 3)."""
    return np.broadcast_to(line, (len(picture), *line.shape))


def differences(before: Pixels, after: Pixels) -> npt.NDArray[np.int16]:
    """(H, W, 3) absolute differences, [0, 255]."""
    apart: npt.NDArray[np.int16] = np.abs(before.astype(np.int16) - after)
    return apart


def heat(apart: npt.NDArray[np.int16], gain: float) -> Pixels:
    """The largest difference of any channel, times ``gain``, from black over red to yellow."""
    import cv2

    strength = np.rint(np.clip(apart.max(axis=2) * gain, 0, 255)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(strength, cv2.COLORMAP_INFERNO), np.uint8)[..., ::-1]
