"""Figures of the preprocessors, and of the nodes that make masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nodes.masks import DrawMask, GrowMask, ImageToMask
from nodes.preprocessors import Canny, OpenPose, Scribble, SoftEdge, StraightLines
from nodes.surfaces import Depth, NormalMap, Segment

from .frame import Figure, Panel, card, space
from .given import context, face, photo, seen, shown

WIDE = 172  # pixels, of pictures as wide as two of which fit


def canny() -> Figure:
    strict = Canny(image=photo()).run().image
    loose = Canny(image=photo(), low_threshold=30, high_threshold=90).run().image
    return [
        [
            Panel(photo(), "image"),
            None,
            Panel(strict, "thresholds 100, 200"),
            Panel(loose, "30, 90"),
        ]
    ]


def detected(name: str, node: type[Any], labels: Mapping[str, Mapping[str, Any]]) -> Figure:
    """A photograph, looked at whole, and what a preprocessor finds in it with some settings."""
    found = [
        Panel(shown(node(image=photo(name, 512), **given).run(context()).image), label)
        for label, given in labels.items()
    ]
    return [[Panel(photo(name), "image"), None, *found]]


def soft_edges() -> Figure:
    return detected("astronaut.jpg", SoftEdge, {"as it is": {}, "safe": {"safe": True}})


def straight_lines() -> Figure:
    found = StraightLines(image=photo("park.jpg", WIDE)).run(context())
    drawn = Panel(found.image, f"{found.lines} lines")
    return [[Panel(photo("park.jpg", WIDE), "image"), None, drawn]]


def poses() -> Figure:
    found = OpenPose(image=photo("park.jpg", 512)).run(context())
    drawn = Panel(shown(found.image, WIDE), f"{found.people} people")
    return [[Panel(photo("park.jpg", WIDE), "image"), None, drawn]]


def surfaces(node: type[Any], label: str) -> Figure:
    """Two drawings of the tiny world, each with what a node makes of it."""
    row: list[Panel | None] = []
    for name in ("portrait.png", "shapes.png"):
        drawn = node(image=photo(name, 128)).run(context()).image
        row += [Panel(photo(name, 128), "image"), None, Panel(drawn, label), space()]
    return [row[:-1]]


def segmented() -> Figure:
    found = Segment(image=photo("shapes.png", 128)).run(context())
    names = card(124, *(("names" if not i else "", name) for i, name in enumerate(found.names)))
    masks = [
        Panel(seen(one), f"mask: {name}")
        for one, name in zip(found.masks, found.names, strict=True)
    ]
    return [
        [Panel(photo("shapes.png", 128), "image"), None, Panel(found.image, "image"), Panel(names)],
        masks[:4],
    ]


def read_as_masks() -> Figure:
    image = photo("shapes.png", 128)
    settings: Mapping[str, Mapping[str, Any]] = {
        "brightness": {},
        "red": {"channel": "red"},
        "red, threshold 128": {"channel": "red", "threshold": 128},
    }
    made = [
        Panel(seen(ImageToMask(image=image, **given).run().mask), label)
        for label, given in settings.items()
    ]
    return [[Panel(image, "image"), None, *made]]


def grown() -> Figure:
    settings: Mapping[str, Mapping[str, Any]] = {
        "grow 12": {"grow": 12},
        "grow -12": {"grow": -12},
        "grow 0, blur 6": {"grow": 0, "blur": 6},
    }
    made = [
        Panel(seen(GrowMask(mask=face(128), **given).run().mask), label)
        for label, given in settings.items()
    ]
    return [[Panel(seen(face(128)), "mask"), None, *made]]


def drawn() -> Figure:
    image = photo(height=128)
    box: Mapping[str, Any] = {"left": 0.28, "top": 0.03, "right": 0.6, "bottom": 0.42}
    settings: Mapping[str, Mapping[str, Any]] = {
        "rectangle": {},
        "ellipse": {"shape": "ellipse"},
        "ellipse, inverted": {"shape": "ellipse", "invert": True},
    }
    made = [
        Panel(seen(DrawMask(image=image, **box, **given).run().mask), label)
        for label, given in settings.items()
    ]
    return [[Panel(image, "image"), None, *made]]


FIGURES: Mapping[str, Callable[[], Figure]] = {
    "Canny": canny,
    "SoftEdge": soft_edges,
    "Scribble": lambda: detected("astronaut.jpg", Scribble, {"strokes": {}}),
    "StraightLines": straight_lines,
    "OpenPose": poses,
    "Depth": lambda: surfaces(Depth, "near is white"),
    "NormalMap": lambda: surfaces(NormalMap, "where it faces"),
    "Segment": segmented,
    "ImageToMask": read_as_masks,
    "GrowMask": grown,
    "DrawMask": drawn,
}
