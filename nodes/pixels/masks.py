"""Arithmetic of masks: grown, blurred, feathered, fitted to pictures, or drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def grown(mask: Pixels, by: int) -> Pixels:
    """Grow what is white by a disc of that radius, or shrink it; the frame is no edge."""
    import cv2

    if by == 0:
        return mask
    y, x = np.ogrid[-abs(by) : abs(by) + 1, -abs(by) : abs(by) + 1]
    disc = (x * x + y * y <= by * by).astype(np.uint8)
    change = cv2.dilate if by > 0 else cv2.erode
    return np.asarray(change(mask, disc), np.uint8)


def blurred(mask: Pixels, deviation: float) -> Pixels:
    """Blur a mask by a Gaussian; beyond the frame its border goes on."""
    import cv2

    if deviation == 0:
        return mask
    # In floating point: OpenCV's 8-bit blur rounds after each direction.
    soft = cv2.GaussianBlur(
        mask.astype(np.float32), (0, 0), deviation, borderType=cv2.BORDER_REPLICATE
    )
    return np.asarray(soft).round().astype(np.uint8)


def fitted(mask: Pixels, size: tuple[int, int]) -> Pixels:
    """Stretch a mask over a picture of (width, height)."""
    from .resize import resize

    return resize(mask, size, "stretch", mixing(mask, size), "")


def mixing(mask: Pixels, size: tuple[int, int]) -> str:
    """The filter by which a mask comes to (width, height) without marking what lies beside it.

    A pixel that holds several takes their mean; larger pixels are mixed with their neighbours.
    """
    shrinks = size[0] <= mask.shape[1] and size[1] <= mask.shape[0]
    return "area" if shrinks else "bilinear"


def drawn(
    size: tuple[int, int], box: tuple[float, float, float, float], *, ellipse: bool
) -> npt.NDArray[np.bool_]:
    """(H, W), true where a pixel's middle lies within the box, or within the ellipse in it.

    Args:
        box: Left, top, right and bottom, as fractions of the sides.
    """
    left, top, right, bottom = box
    x = (np.arange(size[0]) + 0.5) / size[0]
    y = ((np.arange(size[1]) + 0.5) / size[1])[:, None]
    # From -1 at one side to 1 at the other.
    across = (2 * x - left - right) / (right - left)
    down = (2 * y - top - bottom) / (bottom - top)
    if ellipse:
        return np.asarray(across**2 + down**2 <= 1)
    return np.asarray((abs(across) <= 1) & (abs(down) <= 1))


def feathered(mask: Pixels, feather: int) -> Pixels:
    """Let a mask's edge fade inwards over ``feather`` pixels; the frame is no edge."""
    import cv2

    if feather == 0:
        return mask
    marked = (mask > 0).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(marked, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
    return np.asarray(mask * np.minimum(depth / (feather + 1.0), 1)).round().astype(np.uint8)
