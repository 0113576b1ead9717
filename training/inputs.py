"""The pictures that the shipped workflows start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw

from training.scenes import Kind, Scene, make_scene, render, skeleton
from training.scenes.geometry import DETAILS, OUTLINES, Points, place
from training.scenes.render import Pixels

NEVER_SEEN = 10**9  # the first of the seeds that nothing was trained on
SCENES: Mapping[str, tuple[Kind, int]] = {
    "portrait": ("person", 7029),
    "pose-1": ("person", 7018),
    "pose-2": ("person", 7020),
    "pose-3": ("person", 7033),
    "pose-4": ("person", 7012),
    "shapes": ("pair", 8016),
    "room": ("pair", NEVER_SEEN + 7021),
    "house": ("shape", NEVER_SEEN + 7160),
}
CARTOON = NEVER_SEEN + 7020
POSES = 4
RGB: TypeAlias = tuple[int, int, int]
INK: RGB = (30, 32, 48)
PAPER: RGB = (250, 248, 240)


def write_inputs(folder: Path, size: int = 512) -> None:
    """Draw scenes, the skeletons of the poses among them, a cartoon, a logo and a scribble."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = {name: make_scene(seed, kind) for name, (kind, seed) in SCENES.items()}
    drawn = {name: drawing(scene, size) for name, scene in scenes.items()}
    for number in range(1, POSES + 1):
        person = scenes[f"pose-{number}"].layout.person
        assert person is not None
        drawn[f"skeleton-{number}"] = skeleton(person.keypoints, size, size)
    drawn["cartoon"] = cartoon(make_scene(CARTOON, "person"), size)
    for name, pixels in drawn.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    logo(size).save(folder / "logo.png")
    scribble(size).save(folder / "scribble.png")


def drawing(scene: Scene, size: int) -> Pixels:
    """A scene at any size."""
    return render(scene.layout, scene.colours, size).pixels


def cartoon(scene: Scene, size: int) -> Pixels:
    """A scene with a line of ink around everything."""
    drawn = drawing(scene, size)
    colours = drawn.astype(np.int16)
    borders = np.zeros(drawn.shape[:2], np.uint8)
    for axis in (0, 1):
        differs = np.abs(np.diff(colours, axis=axis)).max(axis=2) > 12
        borders[tuple(slice(0, n) for n in differs.shape)][differs] = 1
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size // 64 + 1, size // 64 + 1))
    inked = drawn.copy()
    inked[cv2.dilate(borders, pen) > 0] = INK
    return inked


def logo(size: int) -> Image.Image:
    """A tree and a house in white lines on black, as a ControlNet for edges reads it."""
    picture = Image.new("RGB", (size, size))
    draw = ImageDraw.Draw(picture)
    for name, middle in (("tree", 0.27), ("house", 0.73)):
        for outline in (*OUTLINES[name], *DETAILS[name].values()):
            corners = place(outline, (middle * size, 0.5 * size), 0.21 * size, 0.0)
            stroke(draw, corners, (255, 255, 255), size // 128)
    return picture


def scribble(size: int) -> Image.Image:
    """A star as somebody draws it with a pen on paper, whose hand is not quite steady."""
    picture = Image.new("RGB", (size, size), PAPER)
    rng = np.random.default_rng(7)
    corners = place(OUTLINES["star"][0], (0.5 * size, 0.5 * size), 0.36 * size, 0.06)
    corners = corners + rng.normal(0, 0.012 * size, corners.shape)
    line = np.concatenate([_between(a, b) for a, b in _sides(corners)])
    sway = cv2.GaussianBlur(rng.normal(0, 1, line.shape), (1, 25), 6)
    stroke(ImageDraw.Draw(picture), line + sway * 0.012 * size, INK, size // 40)
    return picture


def stroke(
    draw: ImageDraw.ImageDraw, line: Points, colour: tuple[int, int, int], width: int
) -> None:
    """Draw a closed line with round corners."""
    points = [(float(x), float(y)) for x, y in (*line, *line[:2])]
    draw.line(points, colour, width, joint="curve")


def _sides(corners: Points) -> zip[tuple[Points, Points]]:
    return zip(corners, np.roll(corners, -1, axis=0), strict=True)


def _between(start: Points, stop: Points, count: int = 20) -> Points:
    steps: Points = np.linspace(start, stop, count, endpoint=False)
    return steps
