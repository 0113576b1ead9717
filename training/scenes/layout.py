"""Places of things: one or two shapes, or one posed person, in a 128 x 128 frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.scenes.geometry import SHAPES, Points

SIZE = 128  # layouts are in these pixels whatever size is rendered
MARGIN = 4.0
Kind = Literal["shape", "pair", "person"]
SEXES = ("person", "man", "woman")

NOSE, NECK, HEAD_SIDES, EYES = 0, 1, (16, 17), (14, 15)
RIGHT_ARM, LEFT_ARM = (2, 3, 4), (5, 6, 7)
RIGHT_LEG, LEFT_LEG = (8, 9, 10), (11, 12, 13)


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape: its name, centre and radius in pixels, and turn in radians."""

    name: str
    centre: tuple[float, float]
    radius: float
    turn: float


@dataclass(frozen=True, slots=True)
class Person:
    """One posed person.

    ``keypoints`` is (18, 2) in OpenPose's order (nose, neck, right arm, left arm, right leg,
    left leg, eyes, ears), the person facing us; ``head`` is its middle, ``up`` where it points.
    """

    keypoints: Points
    head: Points
    up: Points
    height: float
    sex: str
    long_sleeves: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """What is where, without any colour; either ``shapes`` or ``person``."""

    shapes: tuple[Shape, ...] = ()
    person: Person | None = None

    @property
    def kind(self) -> Kind:
        """Which of the three kinds of scene this is."""
        if self.person is not None:
            return "person"
        return "shape" if len(self.shapes) == 1 else "pair"


def sample_layout(rng: np.random.Generator, kind: Kind | None = None) -> Layout:
    """Draw a layout; 40 % one shape, 15 % two side by side, 45 % a person, unless ``kind`` says."""
    kind = kind or ("shape", "pair", "person")[int(rng.choice(3, p=[0.40, 0.15, 0.45]))]
    if kind == "person":
        return Layout(person=_person(rng))
    if kind == "shape":
        return Layout(shapes=(_shape(rng, str(rng.choice(SHAPES)), 64, (34, 47)),))
    left, right = (str(name) for name in rng.choice(SHAPES, 2, replace=False))
    return Layout(shapes=(_shape(rng, left, 34, (21, 26)), _shape(rng, right, 94, (21, 26))))


def _shape(rng: np.random.Generator, name: str, x: float, radii: tuple[float, float]) -> Shape:
    """Draw a shape around (x, 64) that stays inside its share of the frame."""
    radius = float(rng.uniform(*radii))
    room = min(x, SIZE - x, abs(64 - x) or 64) - radius - 2  # pairs keep to their half
    across = rng.uniform(-1, 1) * min(room, 10)
    down = rng.uniform(-1, 1) * min(60 - radius, 12)
    turn = math.radians(rng.uniform(-8, 8))
    return Shape(name, (float(x + across), float(64 + down)), radius, turn)


def _direction(angle: float, side: int = 1) -> Points:
    """A unit vector; 0 points down, positive angles (radians) swing outwards on that side."""
    return np.array([side * math.sin(angle), math.cos(angle)])


def _arm(rng: np.random.Generator) -> tuple[float, float]:
    """Angles of upper and lower arm in degrees: down, held out, raised, or on the hip."""
    habit = rng.choice(4, p=[0.4, 0.25, 0.2, 0.15])
    if habit == 3:
        return rng.uniform(35, 55), rng.uniform(-60, -30)
    upper = rng.uniform(*((8, 35), (55, 100), (110, 160))[habit])
    return upper, upper + rng.uniform(-10, 35)


def _leg(rng: np.random.Generator) -> tuple[float, float]:
    """Angles of thigh and shin in degrees: standing, or a wide step."""
    thigh = rng.uniform(1, 14) if rng.random() < 0.7 else rng.uniform(14, 40)
    return thigh, thigh - rng.uniform(-4, 14)


def _pose(rng: np.random.Generator, height: float) -> tuple[Points, Points, Points]:
    """Draw keypoints around a hip at the origin, with the middle of the head and its direction."""
    h = height
    tilt = math.radians(rng.normal(0, 4))
    up, across = (
        np.array([math.sin(tilt), -math.cos(tilt)]),
        np.array([math.cos(tilt), math.sin(tilt)]),
    )
    k = np.zeros((18, 2))
    k[NECK] = up * 0.30 * h
    for side, arm, leg in ((-1, RIGHT_ARM, RIGHT_LEG), (1, LEFT_ARM, LEFT_LEG)):
        k[arm[0]] = k[NECK] + side * across * 0.115 * h - up * 0.01 * h
        k[leg[0]] = side * across * 0.068 * h
        for (root, middle, end), angles, lengths in (
            (arm, _arm(rng), (0.165, 0.15)),
            (leg, _leg(rng), (0.225, 0.215)),
        ):
            a, b = np.radians(angles)
            k[middle] = k[root] + lengths[0] * h * _direction(a, side)
            k[end] = k[middle] + lengths[1] * h * _direction(b, side)
    nod = math.radians(rng.normal(0, 5)) + tilt
    head_up, head_across = (
        np.array([math.sin(nod), -math.cos(nod)]),
        np.array([math.cos(nod), math.sin(nod)]),
    )
    head = k[NECK] + head_up * 0.135 * h
    k[NOSE] = head - head_up * 0.01 * h
    for side, eye, ear in zip((-1, 1), EYES, HEAD_SIDES, strict=True):
        k[eye] = head + side * head_across * 0.033 * h + head_up * 0.015 * h
        k[ear] = head + side * head_across * 0.078 * h + head_up * 0.008 * h
    return k, head, head_up


def _person(rng: np.random.Generator) -> Person:
    """Draw poses until one fits the frame."""
    while True:
        height = float(rng.uniform(92, 112))
        keypoints, head, up = _pose(rng, height)
        reach = np.vstack([keypoints, head + up * 0.1 * height])
        low, high = reach.min(0) - 7, reach.max(0) + 8
        room = SIZE - (high - low)
        if (room < 0).any():
            continue
        # Near the middle: a text-only model need not learn where people like to stand.
        offset = -low + room * rng.uniform(0.3, 0.7, 2)
        sex = SEXES[int(rng.choice(3, p=[0.4, 0.3, 0.3]))]
        return Person(keypoints + offset, head + offset, up, height, sex, bool(rng.random() < 0.5))
