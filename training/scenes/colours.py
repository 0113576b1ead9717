"""Colours of things: ten with a name, none twice in a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.scenes.layout import Layout

RGB = tuple[float, float, float]

PALETTE: Mapping[str, RGB] = {
    "red": (214, 38, 38),
    "orange": (244, 130, 24),
    "yellow": (246, 216, 48),
    "green": (38, 150, 60),
    "cyan": (70, 205, 220),
    "blue": (40, 76, 210),
    "purple": (130, 50, 170),
    "pink": (246, 150, 196),
    "white": (245, 245, 245),
    "black": (24, 24, 24),
}
NAMES: tuple[str, ...] = tuple(PALETTE)
SKINS: tuple[RGB, ...] = ((250, 220, 190), (236, 190, 150), (200, 145, 105), (150, 100, 70))
HAIRS: tuple[RGB, ...] = ((40, 32, 28), (95, 58, 32), (225, 185, 90), (170, 80, 40))
JITTER = 3.0  # levels of 255


@dataclass(frozen=True, slots=True)
class Colours:
    """Colour names for a layout: the background, then each shape, or shirt and trousers."""

    background: str
    parts: tuple[str, ...]
    skin: RGB
    hair: RGB
    jitter: tuple[RGB, ...]

    def paint(self, index: int) -> RGB:
        """The exact colour of the background (0) or of part ``index`` - 1."""
        name = (self.background, *self.parts)[index]
        red, green, blue = np.clip(np.add(PALETTE[name], self.jitter[index]), 0, 255)
        return float(red), float(green), float(blue)


def sample_colours(rng: np.random.Generator, layout: Layout) -> Colours:
    """Draw colours for a layout; the same layout with other colours is one more call."""
    count = 2 if layout.person else len(layout.shapes)
    background, *parts = (str(name) for name in rng.choice(NAMES, count + 1, replace=False))
    skin, hair = SKINS[rng.integers(len(SKINS))], HAIRS[rng.integers(len(HAIRS))]
    jitter = tuple(tuple(row) for row in rng.uniform(-JITTER, JITTER, (count + 1, 3)).tolist())
    return Colours(background, tuple(parts), skin, hair, jitter)


def shade(colour: RGB, factor: float) -> RGB:
    """A darker tone, or a lighter one where dark would be black."""
    bright = max(colour) > 70
    red, green, blue = (
        min(255.0, c * factor if bright else c + 130 * (1 - factor)) for c in colour
    )
    return red, green, blue
