"""From layout and colours to pixels, and to a map that says which pixel belongs to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.colours import RGB, Colours, shade
from training.scenes.geometry import DETAILS, OUTLINES, Points, arc, capsule, place
from training.scenes.layout import (
    EYES,
    LEFT_ARM,
    LEFT_LEG,
    NECK,
    RIGHT_ARM,
    RIGHT_LEG,
    SIZE,
    Layout,
    Person,
    Shape,
)

Pixels = NDArray[np.uint8]
TRUNK, SHOES, EYE = (110.0, 70.0, 40.0), (70.0, 50.0, 42.0), (30.0, 30.0, 30.0)
SHIRT, TROUSERS, SKIN, HAIR, SHOE = 1, 2, 3, 4, 5
SUPERSAMPLING = 4
_SUBPIXEL_BITS = 4

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Picture:
    """A rendered scene.

    ``pixels`` is (S, S, 3) RGB; ``parts`` is (S, S) and holds 0 for the background, else a key of
    ``names``, which tells the colour that the caption gives this part (None: it gives none).
    """

    pixels: Pixels
    parts: Pixels
    names: Mapping[int, str | None]


@dataclass
class Canvas:
    """A big picture that is painted over and over, and shrunk in the end."""

    size: int
    background: RGB
    scale: float = field(init=False)
    pixels: Pixels = field(init=False)
    parts: Pixels = field(init=False)

    def __post_init__(self) -> None:
        side = self.size * SUPERSAMPLING
        self.scale = side / SIZE
        self.pixels = np.empty((side, side, 3), np.uint8)
        self.pixels[:] = np.round(self.background)
        self.parts = np.zeros((side, side), np.uint8)

    def fill(self, part: int, colour: RGB, *contours: Points) -> None:
        fixed = [np.round(c * self.scale * 2**_SUBPIXEL_BITS).astype(np.int32) for c in contours]
        cv2.fillPoly(self.pixels, fixed, colour, cv2.LINE_8, _SUBPIXEL_BITS)
        cv2.fillPoly(self.parts, fixed, (part,), cv2.LINE_8, _SUBPIXEL_BITS)

    def finish(self, names: Mapping[int, str | None]) -> Picture:
        small = cv2.resize(self.pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)
        middle = SUPERSAMPLING // 2
        parts = self.parts[middle::SUPERSAMPLING, middle::SUPERSAMPLING].copy()
        return Picture(small.astype(np.uint8), parts, names)


def render(layout: Layout, colours: Colours, size: int = SIZE) -> Picture:
    """Draw a scene at any size."""
    canvas = Canvas(size, colours.paint(0))
    names: dict[int, str | None] = {0: colours.background}
    if layout.person:
        _draw_person(canvas, layout.person, colours)
        names |= {SHIRT: colours.parts[0], TROUSERS: colours.parts[1]}
        names |= {SKIN: None, HAIR: None, SHOE: None}
    for index, shape in enumerate(layout.shapes):
        own = 1 + 2 * index
        _draw_shape(canvas, shape, colours.paint(index + 1), own)
        names |= {own: colours.parts[index], own + 1: None}
    return canvas.finish(names)


def _draw_shape(canvas: Canvas, shape: Shape, colour: RGB, part: int) -> None:
    def placed(points: Points) -> Points:
        return place(points, shape.centre, shape.radius, shape.turn)

    canvas.fill(part, colour, *map(placed, OUTLINES[shape.name]))
    for name, points in DETAILS.get(shape.name, {}).items():
        canvas.fill(part + 1, TRUNK if name == "trunk" else shade(colour, 0.6), placed(points))


def _draw_person(canvas: Canvas, person: Person, colours: Colours) -> None:
    """Paint from back to front: long hair, legs, torso, arms, head."""
    k, h, head, up = person.keypoints, person.height, person.head, person.up
    if person.sex == "woman":
        canvas.fill(
            HAIR,
            colours.hair,
            capsule(head + up * 0.01 * h, head - up * 0.1 * h, 0.105 * h, 0.1 * h),
        )
    _draw_legs(canvas, person, colours.paint(2))
    canvas.fill(SKIN, colours.skin, capsule(k[NECK], head, 0.04 * h, 0.04 * h))
    _draw_torso(canvas, person, colours.paint(1))
    _draw_arms(canvas, person, colours)
    canvas.fill(
        SKIN,
        colours.skin,
        capsule(head - up * 0.012 * h, head + up * 0.012 * h, 0.08 * h, 0.082 * h),
    )
    crown = float(np.arctan2(up[1], up[0]))
    canvas.fill(HAIR, colours.hair, arc(head + up * 0.016 * h, 0.09 * h, crown - 1.4, crown + 1.4))
    for eye in EYES:
        canvas.fill(
            SKIN,
            EYE,
            capsule(k[eye] - up * 0.008 * h, k[eye] + up * 0.008 * h, 0.014 * h, 0.014 * h),
        )


def _draw_legs(canvas: Canvas, person: Person, colour: RGB) -> None:
    k, h = person.keypoints, person.height
    for side, (hip, knee, foot) in ((-1, RIGHT_LEG), (1, LEFT_LEG)):
        along = (k[foot] - k[knee]) / np.linalg.norm(k[foot] - k[knee])
        heel = k[foot] + along * 0.012 * h
        canvas.fill(
            SHOE, SHOES, capsule(heel, heel + np.array([side * 0.045 * h, 0]), 0.042 * h, 0.036 * h)
        )
        canvas.fill(TROUSERS, colour, capsule(k[hip], k[knee], 0.066 * h, 0.055 * h))
        canvas.fill(TROUSERS, colour, capsule(k[knee], k[foot], 0.055 * h, 0.045 * h))
    canvas.fill(TROUSERS, colour, capsule(k[RIGHT_LEG[0]], k[LEFT_LEG[0]], 0.066 * h, 0.066 * h))


def _draw_torso(canvas: Canvas, person: Person, colour: RGB) -> None:
    k, h = person.keypoints, person.height
    right, left, hip = k[RIGHT_ARM[0]], k[LEFT_ARM[0]], (k[RIGHT_LEG[0]] + k[LEFT_LEG[0]]) / 2
    up = (k[NECK] - hip) / np.linalg.norm(k[NECK] - hip)
    out = np.array([-up[1], up[0]])
    waist = hip + up * 0.02 * h
    canvas.fill(SHIRT, colour, capsule(right, left, 0.05 * h, 0.05 * h))
    corners = [
        right - out * 0.035 * h,
        left + out * 0.035 * h,
        waist + out * 0.125 * h,
        waist - out * 0.125 * h,
    ]
    canvas.fill(SHIRT, colour, np.stack(corners))


def _draw_arms(canvas: Canvas, person: Person, colours: Colours) -> None:
    k, h = person.keypoints, person.height
    sleeve = shade(colours.paint(1), 0.84)  # a little darker, so that an arm before the body shows
    for shoulder, elbow, hand in (RIGHT_ARM, LEFT_ARM):
        wrist = k[hand] - (k[hand] - k[elbow]) * 0.15
        canvas.fill(SKIN, colours.skin, capsule(k[hand], k[hand], 0.045 * h, 0.045 * h))
        part, colour = (SHIRT, sleeve) if person.long_sleeves else (SKIN, colours.skin)
        canvas.fill(part, colour, capsule(k[elbow], wrist, 0.045 * h, 0.038 * h))
        canvas.fill(SHIRT, sleeve, capsule(k[shoulder], k[elbow], 0.055 * h, 0.048 * h))
