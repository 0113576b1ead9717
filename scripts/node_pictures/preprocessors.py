"""Figures of the preprocessors, and of the nodes that make masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nodes.masks import DrawMask, GrowMask, ImageToMask
from nodes.preprocessors import Canny, OpenPose, Scribble, SoftEdge, StraightLines
from nodes.surfaces import Depth, NormalMap, Segment

from .frame import Figure, Panel, card, space
from .inputs import context, face, mask_image, photo, resized

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
    panels = [
        Panel(resized(node(image=photo(name, 512), **values).run(context()).image), label)
        for label, values in labels.items()
    ]
    return [[Panel(photo(name), "image"), None, *panels]]


def soft_edges() -> Figure:
    return detected("astronaut.jpg", SoftEdge, {"as it is": {}, "safe": {"safe": True}})


def straight_lines() -> Figure:
    result = StraightLines(image=photo("park.jpg", WIDE)).run(context())
    drawn = Panel(result.image, f"{result.lines} lines")
    return [[Panel(photo("park.jpg", WIDE), "image"), None, drawn]]


def poses() -> Figure:
    result = OpenPose(image=photo("park.jpg", 512)).run(context())
    drawn = Panel(resized(result.image, WIDE), f"{result.people} people")
    return [[Panel(photo("park.jpg", WIDE), "image"), None, drawn]]


def surfaces(node: type[Any], label: str) -> Figure:
    """Two drawings of the tiny world, each with what a node makes of it."""
    row: list[Panel | None] = []
    for name in ("portrait.png", "shapes.png"):
        drawn = node(image=photo(name, 128)).run(context()).image
        row += [Panel(photo(name, 128), "image"), None, Panel(drawn, label), space()]
    return [row[:-1]]


def segmented() -> Figure:
    result = Segment(image=photo("shapes.png", 128)).run(context())
    names = card(124, *(("names" if not i else "", name) for i, name in enumerate(result.names)))
    masks = [
        Panel(mask_image(mask), f"mask: {name}")
        for mask, name in zip(result.masks, result.names, strict=True)
    ]
    return [
        [
            Panel(photo("shapes.png", 128), "image"),
            None,
            Panel(result.image, "image"),
            Panel(names),
        ],
        masks[:4],
    ]


def read_as_masks() -> Figure:
    image = photo("shapes.png", 128)
    settings: Mapping[str, Mapping[str, Any]] = {
        "brightness": {},
        "red": {"channel": "red"},
        "red, threshold 128": {"channel": "red", "threshold": 128},
    }
    panels = [
        Panel(mask_image(ImageToMask(image=image, **values).run().mask), label)
        for label, values in settings.items()
    ]
    return [[Panel(image, "image"), None, *panels]]


def grown() -> Figure:
    settings: Mapping[str, Mapping[str, Any]] = {
        "grow 12": {"grow": 12},
        "grow -12": {"grow": -12},
        "grow 0, blur 6": {"grow": 0, "blur": 6},
    }
    panels = [
        Panel(mask_image(GrowMask(mask=face(128), **values).run().mask), label)
        for label, values in settings.items()
    ]
    return [[Panel(mask_image(face(128)), "mask"), None, *panels]]


def drawn() -> Figure:
    image = photo(height=128)
    box: Mapping[str, Any] = {"left": 0.28, "top": 0.03, "right": 0.6, "bottom": 0.42}
    settings: Mapping[str, Mapping[str, Any]] = {
        "rectangle": {},
        "ellipse": {"shape": "ellipse"},
        "ellipse, inverted": {"shape": "ellipse", "invert": True},
    }
    panels = [
        Panel(mask_image(DrawMask(image=image, **box, **values).run().mask), label)
        for label, values in settings.items()
    ]
    return [[Panel(image, "image"), None, *panels]]


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
