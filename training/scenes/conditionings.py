"""Exact control maps of a scene: what a perfect detector would see."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from nodes.checkpoints.names import ControlKind
from nodes.detectors.ade20k import TINY
from training.scenes.geometry import DETAILS, OUTLINES, Points, place
from training.scenes.layout import SIZE, Layout
from training.scenes.render import Pixels, render
from training.scenes.scene import Scene
from training.scenes.surfaces import Floats, depth, normals, things

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
STRAIGHT = frozenset({"square", "triangle", "star", "cross", "house", "tree"})
FINE, SMOOTH = 4, 2  # outlines and depth are found in a picture so many times larger
CONTRAST = 12  # levels that a step in colour has at least
SOFT, STROKE = 1.6, 6.2  # pixels of a picture of 512: how soft edges fade, half a scribble's width


def control_image(scene: Scene, kind: ControlKind, size: int = SIZE) -> Pixels:
    """(size, size, 3): what a ControlNet of this kind is shown of a scene."""
    return _KINDS[kind](scene, size)


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


def soft_edges(scene: Scene, size: int = SIZE) -> Pixels:
    """White where colours meet, fading within a few pixels, as HED draws it."""
    away = _to_outlines(scene, size)
    fading = np.exp(-0.5 * np.square(away / SOFT))
    return _grey(_shrunk(fading, size))


def scribble(scene: Scene, size: int = SIZE) -> Pixels:
    """Strokes of one width, white on black, where colours meet."""
    stroke = (_to_outlines(scene, size) <= STROKE).astype(np.float32)
    return _grey((_shrunk(stroke, size) > 0.5).astype(np.float32))


def straight_lines(scene: Scene, size: int = SIZE) -> Pixels:
    """White lines, one pixel wide, along the straight sides that show; people have none."""
    drawn = np.zeros((size, size), np.uint8)
    for start, stop in _sides(scene.layout):
        ends = (np.rint(end * size / SIZE).astype(int).tolist() for end in (start, stop))
        cv2.line(drawn, *ends, 255, 1)  # type: ignore[call-overload]
    shows = cv2.resize(_to_outlines(scene, size), (size, size), interpolation=cv2.INTER_AREA)
    return _grey((drawn > 0) & (shows < 2 * 512 / size))


def depth_map(scene: Scene, size: int = SIZE) -> Pixels:
    """White is near, from the farthest, which is black, to the nearest."""
    near = nearness(scene, size)
    return _grey((near - near.min()) / (near.max() - near.min()))


def normal_map(scene: Scene, size: int = SIZE) -> Pixels:
    """Unit normals as colours, z in red and x in blue: a flat surface is pink."""
    vectors = normals(nearness(scene, size))[:, :, ::-1]
    return (vectors * 127.5 + 127.5).clip(0, 255).astype(np.uint8)


def segmentation(scene: Scene, size: int = SIZE) -> Pixels:
    """Each thing in the colour that ADE20K's palette has for the like of it."""
    indices, names = things(scene.layout, _parts(scene, size))
    return np.array([TINY[name] for name in names], np.uint8)[indices]


def nearness(scene: Scene, size: int = SIZE) -> Floats:
    """(size, size) exact depth, from 0, far, to 1, near; smooth where a rim crosses a pixel."""
    return _shrunk(depth(_parts(scene, SMOOTH * size)), size)


def _parts(scene: Scene, size: int) -> Pixels:
    if size == len(scene.picture.parts):
        return scene.picture.parts
    return render(scene.layout, scene.colours, size).parts


def _to_outlines(scene: Scene, size: int) -> Floats:
    """How far it is to where colours meet, in pixels of a picture of 512; FINE times the size."""
    fine = render(scene.layout, scene.colours, FINE * size).pixels.astype(np.int16)
    meets = np.ones(fine.shape[:2], np.uint8)
    meets[1:][np.abs(np.diff(fine, axis=0)).max(axis=2) > CONTRAST] = 0
    meets[:, 1:][np.abs(np.diff(fine, axis=1)).max(axis=2) > CONTRAST] = 0
    away = cv2.distanceTransform(meets, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away * (512 / (FINE * size)), np.float32)


def _sides(layout: Layout) -> Iterator[tuple[Points, Points]]:
    """The straight sides of shapes and of their details, in pixels of the layout."""
    for shape in layout.shapes:
        if shape.name in STRAIGHT:
            for contour in (*OUTLINES[shape.name], *DETAILS.get(shape.name, {}).values()):
                corners = place(contour, shape.centre, shape.radius, shape.turn)
                yield from zip(corners, np.roll(corners, -1, axis=0), strict=True)


def _shrunk(fine: Floats, size: int) -> Floats:
    return np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA), np.float32)


def _grey(share: Floats | NDArray[np.bool_]) -> Pixels:
    """Shares of white as RGB."""
    levels = (share * 255).round().clip(0, 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def _skeleton_of(scene: Scene, size: int) -> Pixels:
    person = scene.layout.person
    return skeleton(person.keypoints if person else None, max(size, 512), size)


_KINDS: Mapping[ControlKind, Callable[[Scene, int], Pixels]] = {
    "canny": lambda scene, size: canny(render(scene.layout, scene.colours, size).pixels),
    "depth": depth_map,
    "hed": soft_edges,
    "mlsd": straight_lines,
    "normal": normal_map,
    "openpose": _skeleton_of,
    "scribble": scribble,
    "seg": segmentation,
}
