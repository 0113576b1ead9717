"""A whole scene from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.scenes.caption import caption
from training.scenes.colours import Colours, sample_colours
from training.scenes.layout import Kind, Layout, sample_layout
from training.scenes.render import Picture, render


@dataclass(frozen=True, slots=True)
class Scene:
    """A layout, its colours, the picture of both, and a caption that is true of it."""

    layout: Layout
    colours: Colours
    picture: Picture
    caption: str


def make_scene(seed: int, kind: Kind | None = None, *, vary: bool = True) -> Scene:
    """Make the scene of a seed; ``vary`` lets the caption's wording vary."""
    rng = np.random.default_rng(seed)
    layout = sample_layout(rng, kind)
    colours = sample_colours(rng, layout)
    text = caption(layout, colours, rng if vary else None)
    return Scene(layout, colours, render(layout, colours), text)
