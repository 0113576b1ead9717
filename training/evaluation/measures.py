"""Measures of a generated picture against the scene it should show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes import Scene
from training.scenes.colours import NAMES, PALETTE
from training.scenes.render import Pixels

Mask = NDArray[np.bool_]
TOLERANCE = 2  # pixels between an edge and where it should be
CONTRAST = 90  # sum over RGB, from which a pixel is not background
DARK = 90  # levels of 255 that no channel of a line in an ink drawing reaches
_PALETTE = np.array([PALETTE[name] for name in NAMES])


def disc(radius: int) -> Pixels:
    """A square structuring element of that radius."""
    return np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)


def edges(pixels: Pixels) -> Mask:
    """Canny edges at the thresholds of the conditioning."""
    found: Mask = cv2.Canny(pixels, 100, 200) > 0
    return found


def edge_f1(drawn: Pixels, true: Pixels) -> float:
    """Harmonic mean of precision and recall of edges, two pixels of tolerance."""
    found, wanted = edges(drawn), edges(true)
    if not found.any() or not wanted.any():
        return 0.0
    near_found, near_wanted = (_grown(mask, TOLERANCE) for mask in (found, wanted))
    precision, recall = (
        (found & near_wanted).sum() / found.sum(),
        (wanted & near_found).sum() / wanted.sum(),
    )
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _grown(mask: Mask, radius: int) -> Mask:
    grown: Mask = cv2.dilate(mask.astype(np.uint8), disc(radius)) > 0
    return grown


def local_range(pixels: Pixels, radius: int) -> NDArray[np.uint8]:
    """How many levels there are between the extremes around a pixel, in the channel with most."""
    window = disc(radius)
    between = cv2.dilate(pixels, window).astype(int) - cv2.erode(pixels, window)
    levels: NDArray[np.uint8] = between.max(axis=2).astype(np.uint8)
    return levels


def sharpness(drawn: Pixels, true: Pixels) -> float:
    """How much of its contrast an edge crosses within three pixels: 1 a clean cut, 0 a blur.

    Looked for near the edges of the true scene, where the drawn picture has any contrast at all.
    """
    contrast = local_range(drawn, 4)
    steepest = cv2.dilate(local_range(drawn, 1), disc(TOLERANCE))
    where = edges(true) & (contrast > CONTRAST / 3)
    return float((steepest[where] / contrast[where]).mean()) if where.any() else 0.0


def mottled(drawn: Pixels, true: Pixels) -> float:
    """The share of uneven pixels (over 24 levels) where the true scene is of one colour."""
    plain = local_range(true, 4) < 8
    return float((local_range(drawn, 2)[plain] > 24).mean())


def background(pixels: Pixels) -> NDArray[np.float64]:
    """The median colour of the picture's border, four pixels wide."""
    inner = np.ones(pixels.shape[:2], bool)
    inner[4:-4, 4:-4] = False
    colour: NDArray[np.float64] = np.median(pixels[inner], axis=0)
    return colour


def foreground(pixels: Pixels) -> Mask:
    """Pixels that clearly differ from the background."""
    mask: Mask = np.abs(pixels - background(pixels)).sum(2) > CONTRAST
    return mask


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def nearest_colours(pixels: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices into ``NAMES`` of (N, 3) colours."""
    nearest: NDArray[np.int64] = ((pixels[:, None] - _PALETTE) ** 2).sum(2).argmin(1)
    return nearest


def colour_name(pixels: NDArray[np.uint8]) -> str:
    """The palette's name for the median of (N, 3) colours."""
    return NAMES[int(nearest_colours(np.median(pixels, axis=0)[None])[0])]


def background_name(pixels: Pixels) -> str:
    """The palette's name for the background's colour."""
    return colour_name(background(pixels)[None].astype(np.uint8))


def part_colours(drawn: Pixels, scene: Scene) -> list[bool]:
    """For every part that the caption gives a colour: whether it has it, where it should be."""
    right = []
    for part, name in scene.picture.names.items():
        mask = (scene.picture.parts == part).astype(np.uint8)
        inner = cv2.erode(mask, disc(2)) > 0
        where = inner if inner.sum() > 8 else mask > 0
        if name is not None and where.sum() >= 8:
            right.append(colour_name(drawn[where]) == name)
    return right


def lines(pixels: Pixels) -> Mask:
    """Dark pixels."""
    dark: Mask = pixels.max(axis=2) < DARK
    return dark
