"""Points and outlines; unit shapes have radius 1, and y points down."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2) as x, y


def arc(centre: Points, radius: float, start: float, stop: float, count: int = 24) -> Points:
    """Points on a circle from one angle to another, in radians."""
    angles = np.linspace(start, stop, count)
    return centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def circle(radius: float = 1.0) -> Points:
    """A closed circle around the origin."""
    return arc(np.zeros(2), radius, 0, 2 * math.pi * 47 / 48, 48)


def capsule(start: Points, stop: Points, start_radius: float, stop_radius: float) -> Points:
    """The outline of a limb: two half circles and the straight lines between them."""
    angle = math.atan2(stop[1] - start[1], stop[0] - start[0])
    quarter = math.pi / 2
    back = arc(start, start_radius, angle + quarter, angle + 3 * quarter, 16)
    front = arc(stop, stop_radius, angle - quarter, angle + quarter, 16)
    return np.concatenate([back, front])


def _star() -> Points:
    radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.45)
    angles = math.pi * np.arange(10) / 5
    return np.stack([radii * np.sin(angles), -radii * np.cos(angles)], axis=1)


def _heart() -> Points:
    t = 2 * math.pi * np.arange(48) / 48
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, -y], axis=1) / 17


def _moon() -> Points:
    """A crescent: the unit disc less a second disc, whose tips stay inside the unit circle."""
    tip = math.radians(50)
    outer = arc(np.zeros(2), 1.0, tip, 2 * math.pi - tip, 40)
    shift = 0.38
    radius = math.hypot(math.cos(tip) - shift, math.sin(tip))
    bite = math.atan2(math.sin(tip), math.cos(tip) - shift)
    inner = arc(np.array([shift, 0.0]), radius, 2 * math.pi - bite, bite, 32)
    crescent: Points = np.concatenate([outer, inner]) + np.array([0.12, 0.0])
    return crescent


def _cross(arm: float = 0.34) -> Points:
    a = arm
    corners = [(-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a)]
    return np.array([*corners, *((-x, -y) for x, y in corners)], float)


def _polygon(*corners: tuple[float, float]) -> Points:
    return np.array(corners, float)


OUTLINES: Mapping[str, tuple[Points, ...]] = {
    "circle": (circle(),),
    "square": (_polygon((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),),
    "triangle": (_polygon((0, -1), (0.95, 0.75), (-0.95, 0.75)),),
    "star": (_star(),),
    "heart": (_heart(),),
    "ring": (circle(), circle(0.5)),
    "cross": (_cross(),),
    "house": (_polygon((-0.75, -0.2), (0.75, -0.2), (0.75, 0.9), (-0.75, 0.9)),),
    "tree": (_polygon((0, -1), (0.8, 0.45), (-0.8, 0.45)),),
    "moon": (_moon(),),
}
"""What carries a shape's own colour; overlapping contours cut holes."""

DETAILS: Mapping[str, Mapping[str, Points]] = {
    "house": {
        "roof": _polygon((-0.95, -0.2), (0, -1), (0.95, -0.2)),
        "door": _polygon((-0.2, 0.9), (-0.2, 0.3), (0.2, 0.3), (0.2, 0.9)),
    },
    "tree": {"trunk": _polygon((-0.17, 0.45), (0.17, 0.45), (0.17, 1), (-0.17, 1))},
}
"""Parts of a shape with a colour of their own."""

SHAPES: tuple[str, ...] = tuple(OUTLINES)


def place(points: Points, centre: tuple[float, float], radius: float, turn: float) -> Points:
    """Turn (radians), scale and move unit points into the picture."""
    c, s = math.cos(turn), math.sin(turn)
    turned: Points = points @ np.array([[c, s], [-s, c]])
    return turned * radius + centre
