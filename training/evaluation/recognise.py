"""Whether a picture shows what its prompt names, wherever it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product

import cv2
import numpy as np

from training.evaluation.measures import (
    Mask,
    background_name,
    colour_name,
    foreground,
    iou,
    nearest_colours,
)
from training.scenes import Scene, make_scene
from training.scenes.colours import NAMES, shade
from training.scenes.geometry import DETAILS, OUTLINES, SHAPES, place
from training.scenes.potato import SKIN as POTATO
from training.scenes.potato import make_potato
from training.scenes.render import Pixels

GOOD_SHAPE, GOOD_PERSON = 0.75, 0.6  # intersection over union with the best fitting template
BANK = 300  # silhouettes of people, or of potatoes, to compare with
# Of a potato's silhouette, about half of the least that 120 drawn ones have.
LEAST_BODY, LEAST_BLUE, LEAST_WHITE = 0.27, 0.033, 0.014
NEAR_BROWN = 60  # sum over RGB, up to which a pixel is of a potato's colour
GRID = 64  # side of the masks that are compared


def recognised(drawn: Pixels, scene: Scene) -> bool:
    """Whether the named thing is there, in its colours, on its background."""
    mask = foreground(drawn)
    if background_name(drawn) != scene.colours.background or not shows(mask, scene):
        return False
    if scene.layout.person:
        return _dressed(drawn, mask, scene)
    # A house's roof and door are darker.
    (shape,), (colour,) = scene.layout.shapes, scene.colours.parts
    return shape.name == "house" or colour_name(drawn[mask]) == colour


def shows(mask: Mask, scene: Scene) -> bool:
    """Whether a silhouette is like a person's, or most like the named one of all ten shapes."""
    if mask.mean() < 0.02:
        return False
    if scene.layout.person:
        return likeness(mask, _people()) >= GOOD_PERSON
    fits = {shape: best_fit(mask, shape) for shape in SHAPES}
    name = scene.layout.shapes[0].name
    return max(fits, key=fits.__getitem__) == name and fits[name] >= GOOD_SHAPE


def is_potato(drawn: Pixels, scene: Scene) -> bool:
    """Whether the subject is there on its background.

    It has a large brown body in a silhouette like its own, something blue both above and below
    the body's middle (hat and shoes), and white (eyes and gloves).
    """
    mask = foreground(drawn)
    brown = np.abs(drawn.astype(int) - np.array(POTATO)).sum(2) < NEAR_BROWN
    _, _, stats, middles = cv2.connectedComponentsWithStats(brown.astype(np.uint8))
    if background_name(drawn) != scene.colours.background or len(stats) < 2 or mask.mean() < 0.02:
        return False
    body = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    rows, size = np.nonzero(mask)[0], int(mask.sum())
    nearest = nearest_colours(drawn[mask].astype(float))
    blue, white = (nearest == NAMES.index(name) for name in ("blue", "white"))
    above = rows < middles[body][1]
    return (
        stats[body, cv2.CC_STAT_AREA] > LEAST_BODY * size
        and min((blue & above).sum(), (blue & ~above).sum()) > LEAST_BLUE * size
        and white.sum() > LEAST_WHITE * size
        and likeness(mask, _potatoes()) >= GOOD_PERSON
    )


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


def likeness(mask: Mask, known: Iterable[Mask]) -> float:
    """The best intersection over union of a silhouette, wherever it is, with known ones."""
    framed = _framed(mask)
    return max(iou(framed, one) for one in known)


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
def _people() -> tuple[Mask, ...]:
    return tuple(_framed(make_scene(seed, "person").picture.parts > 0) for seed in range(BANK))


@cache
def _potatoes() -> tuple[Mask, ...]:
    return tuple(_framed(make_potato(seed).picture.parts > 0) for seed in range(BANK))
