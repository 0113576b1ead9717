"""Exact control maps of a scene: what a perfect detector would see."""

from __future__ import annotations

import math

import cv2
import numpy as np

from training.scenes.geometry import Points
from training.scenes.layout import SIZE
from training.scenes.render import Pixels

LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10),
    (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
LIMB_COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
STICK = 4  # pixels, half the width of a limb, whatever the canvas


def canny(pixels: Pixels, low: int = 100, high: int = 200) -> Pixels:
    """OpenCV's Canny edges as white lines on black RGB."""
    lines: Pixels = np.repeat(cv2.Canny(pixels, low, high)[..., None], 3, axis=2).astype(np.uint8)
    return lines


def skeleton(keypoints: Points | None, canvas: int = SIZE, size: int = SIZE) -> Pixels:
    """Draw a pose as controlnet-aux does on a square canvas, then shrink it to ``size``.

    Detectors draw sticks of one width on canvases of many sizes: a model must know thin and thick.
    """
    drawn = np.zeros((canvas, canvas, 3), np.uint8)
    if keypoints is not None:
        points = keypoints * (canvas / SIZE)
        for (a, b), colour in zip(LIMBS, LIMB_COLOURS, strict=False):
            _draw_stick(drawn, points[a], points[b], colour)
        for (x, y), colour in zip(points, LIMB_COLOURS, strict=True):
            cv2.circle(drawn, (int(x), int(y)), STICK, colour, -1)
    if canvas == size:
        return drawn
    small: Pixels = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small


def _draw_stick(drawn: Pixels, start: Points, stop: Points, colour: tuple[int, int, int]) -> None:
    (x, y), (dx, dy) = (start + stop) / 2, start - stop
    half, angle = int(math.hypot(dx, dy) / 2), int(math.degrees(math.atan2(dy, dx)))
    outline = cv2.ellipse2Poly((int(x), int(y)), (half, STICK), angle, 0, 360, 1)
    cv2.fillConvexPoly(drawn, outline, [int(0.6 * level) for level in colour])
