"""Captions of scenes, by a small grammar of English."""

from __future__ import annotations

import numpy as np

from training.scenes.colours import Colours
from training.scenes.layout import Layout


def article(words: str) -> str:
    """Put "a" or "an" before words."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def caption(layout: Layout, colours: Colours, rng: np.random.Generator | None = None) -> str:
    """Name everything that is drawn; two shapes from left to right.

    With ``rng`` the wording varies and one caption in ten leaves the background out.
    """

    def chance() -> float:
        return 1.0 if rng is None else float(rng.random())

    if layout.person:
        shirt, trousers = colours.parts
        verb = "wearing" if chance() < 0.35 else "in"
        legs = "pants" if chance() < 0.2 else "trousers"
        text = f"a {layout.person.sex} {verb} {article(shirt)} shirt and {trousers} {legs}"
    else:
        pairs = zip(colours.parts, layout.shapes, strict=True)
        text = " and ".join(article(f"{colour} {shape.name}") for colour, shape in pairs)
    if chance() < 0.1:
        text = f"a {'picture' if chance() < 0.5 else 'drawing'} of {text}"
    if chance() < 0.1:
        return text
    return f"{text} on {article(colours.background)} background"
