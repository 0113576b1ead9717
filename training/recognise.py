"""Whether a picture made from text alone shows what its prompt names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import product

import cv2
import numpy as np

from training.measures import Mask, background, colour_name, foreground, iou, nearest_colours
from training.scenes import Scene, make_scene
from training.scenes.colours import NAMES, shade
from training.scenes.geometry import DETAILS, OUTLINES, SHAPES, place
from training.scenes.render import Pixels

GOOD_SHAPE, GOOD_PERSON = 0.75, 0.6  # intersection over union with the best fitting template
BANK = 300  # silhouettes of people to compare with
GRID = 64  # side of the masks that are compared


def recognised(drawn: Pixels, scene: Scene) -> bool:
    """Whether the named thing is there, in its colours, on its background."""
    if colour_name(background(drawn)[None].astype(np.uint8)) != scene.colours.background:
        return False
    return is_person(drawn, scene) if scene.layout.person else is_shape(drawn, scene)


def is_shape(drawn: Pixels, scene: Scene) -> bool:
    """Whether of all ten shapes the named one fits best, fits well, and has its colour."""
    mask, name = foreground(drawn), scene.layout.shapes[0].name
    if mask.mean() < 0.02:
        return False
    fits = {shape: best_fit(mask, shape) for shape in SHAPES}
    right = colour_name(drawn[mask]) == scene.colours.parts[0] or name == "house"
    return right and max(fits, key=fits.__getitem__) == name and fits[name] >= GOOD_SHAPE


def best_fit(mask: Mask, shape: str) -> float:
    """The best intersection over union of a shape's silhouette over place, size and turn."""
    small = cv2.resize(mask.astype(np.uint8), (GRID, GRID), interpolation=cv2.INTER_AREA) > 0
    x, y, width, height = cv2.boundingRect(small.astype(np.uint8))
    middle, half = (x + width / 2, y + height / 2), max(width, height) / 2
    return max(iou(small, candidate) for candidate in _candidates(shape, middle, half))


def _candidates(shape: str, middle: tuple[float, float], half: float) -> Iterator[Mask]:
    contours = [*OUTLINES[shape], *DETAILS.get(shape, {}).values()]
    corners = np.concatenate(contours)
    extent = (corners.max(0) - corners.min(0)).max() / 2
    centre = (corners.max(0) + corners.min(0)) / 2
    for turn, scale, dx, dy in product((-10, -5, 0, 5, 10), (0.9, 1, 1.1), (-2, 0, 2), (-2, 0, 2)):
        drawn = np.zeros((GRID, GRID), np.uint8)
        where = (middle[0] + dx, middle[1] + dy)
        placed = [
            place(c - centre, where, half * scale / extent, math.radians(turn)) for c in contours
        ]
        count = len(OUTLINES[shape])
        for group in (placed[:count], *([c] for c in placed[count:])):
            cv2.fillPoly(
                drawn, [np.round(c * 16).astype(np.int32) for c in group], (1,), cv2.LINE_8, 4
            )
        yield drawn > 0


def is_person(drawn: Pixels, scene: Scene) -> bool:
    """Whether a person-like silhouette has a head above a shirt above trousers, as named."""
    mask = foreground(drawn)
    if mask.mean() < 0.02:
        return False
    silhouette = max(iou(_framed(mask), known) for known in _bank())
    return silhouette >= GOOD_PERSON and _dressed(drawn, mask, scene)


def _dressed(drawn: Pixels, mask: Mask, scene: Scene) -> bool:
    """Head, shirt and trousers each take a fair share and follow from top to bottom."""
    rows = np.nonzero(mask)[0]
    nearest = nearest_colours(drawn[mask].astype(float))
    sleeve = np.abs(drawn[mask] - np.array(shade(scene.colours.paint(1), 0.84))).sum(1) < 60
    shirt, trousers = (nearest == NAMES.index(name) for name in scene.colours.parts)
    shirt |= sleeve & ~trousers
    if min(shirt.mean(), trousers.mean()) < 0.12:
        return False
    head = ~shirt & ~trousers & (rows < np.quantile(rows[shirt], 0.25))
    return bool(head.mean() > 0.04 and np.median(rows[shirt]) < np.median(rows[trousers]))


def _framed(mask: Mask) -> Mask:
    """A mask cut to its bounding box, one height, its aspect kept, centred."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    cut = mask[y : y + height, x : x + width].astype(np.uint8)
    scale = GRID / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_NEAREST)
    framed = np.zeros((GRID, GRID), bool)
    left, top = (GRID - size[0]) // 2, (GRID - size[1]) // 2
    framed[top : top + size[1], left : left + size[0]] = small > 0
    return framed


@cache
def _bank() -> tuple[Mask, ...]:
    return tuple(_framed(make_scene(seed, "person").picture.parts > 0) for seed in range(BANK))
