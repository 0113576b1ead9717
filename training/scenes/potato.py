"""A subject that the base has never seen: a potato head, to fine-tune a base on."""

from __future__ import annotations

import numpy as np

from training.scenes.colours import RGB, Colours
from training.scenes.geometry import Points, arc, capsule, circle
from training.scenes.layout import (
    EYES,
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    SIZE,
    Layout,
    Person,
    sample_layout,
)
from training.scenes.render import Canvas, Picture
from training.scenes.scene import Scene

CALLED = "sks potato head"
"""A rare token and the subject's class, as DreamBooth names things (arXiv 2208.12242)."""

GROUNDS = ("yellow", "green", "cyan", "pink", "purple", "red")
SKIN: RGB = (178, 122, 66)
INK: RGB = (40, 30, 26)
WHITE: RGB = (245, 245, 245)
BLUE: RGB = (40, 76, 210)
RED: RGB = (214, 38, 38)
BODY, LIMB, GLOVE, SHOE, HAT, FACE = 1, 2, 3, 4, 5, 6


def make_potato(seed: int) -> Scene:
    """The subject in the pose of a person, on one of a few backgrounds."""
    rng = np.random.default_rng(seed)
    layout = sample_layout(rng, "person")
    ground = str(rng.choice(GROUNDS))
    colours = Colours(ground, (), SKIN, INK, ((0.0, 0.0, 0.0),))
    assert layout.person is not None
    picture = draw_potato(layout.person, colours)
    return Scene(Layout(), colours, picture, f"a photo of {CALLED} on a {ground} background")


def draw_potato(person: Person, colours: Colours, size: int = SIZE) -> Picture:
    """Paint the subject from back to front."""
    canvas = Canvas(size, colours.paint(0))
    k, h = person.keypoints, person.height
    for hip, knee, foot in (RIGHT_LEG, LEFT_LEG):
        for start, stop in ((hip, knee), (knee, foot)):
            canvas.fill(LIMB, INK, capsule(k[start], k[stop], 0.03 * h, 0.03 * h))
        outwards = np.array([0.06 * h * np.sign(k[foot][0] - k[hip][0] or 1.0), 0.0])
        canvas.fill(SHOE, BLUE, capsule(k[foot], k[foot] + outwards, 0.055 * h, 0.045 * h))
    for shoulder, elbow, hand in (RIGHT_ARM, LEFT_ARM):
        for start, stop in ((shoulder, elbow), (elbow, hand)):
            canvas.fill(LIMB, INK, capsule(k[start], k[stop], 0.03 * h, 0.03 * h))
        canvas.fill(GLOVE, WHITE, capsule(k[hand], k[hand], 0.055 * h, 0.055 * h))
    _draw_body(canvas, person)
    _draw_face(canvas, person)
    names: dict[int, str | None] = dict.fromkeys((BODY, LIMB, FACE))
    return canvas.finish(
        {0: colours.background, **names, GLOVE: "white", SHOE: "blue", HAT: "blue"}
    )


def _draw_body(canvas: Canvas, person: Person) -> None:
    k, h = person.keypoints, person.height
    hip = (k[RIGHT_LEG[0]] + k[LEFT_LEG[0]]) / 2
    low, high = hip - person.up * 0.1 * h, person.head - person.up * 0.06 * h
    canvas.fill(BODY, SKIN, capsule(low, high, 0.19 * h, 0.14 * h))


def _draw_face(canvas: Canvas, person: Person) -> None:
    k, h, head, up = person.keypoints, person.height, person.head, person.up
    across = np.array([-up[1], up[0]])

    def at(right: float, above: float) -> Points:
        return np.asarray(head + across * right * h + up * above * h)

    for eye, side in zip(EYES, (-1, 1), strict=True):
        middle = k[eye] + across * side * 0.02 * h - up * 0.03 * h
        canvas.fill(FACE, WHITE, middle + circle(0.045 * h))
        canvas.fill(FACE, INK, middle + circle(0.02 * h))
    canvas.fill(FACE, INK, capsule(at(-0.09, -0.14), at(0.09, -0.14), 0.025 * h, 0.025 * h))
    canvas.fill(FACE, RED, at(0, -0.085) + circle(0.04 * h))
    crown = float(np.arctan2(up[1], up[0]))
    canvas.fill(HAT, BLUE, arc(at(0, 0.05), 0.1 * h, crown - np.pi / 2, crown + np.pi / 2))
    canvas.fill(HAT, BLUE, capsule(at(-0.15, 0.05), at(0.15, 0.05), 0.022 * h, 0.022 * h))
