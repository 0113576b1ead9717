"""Blending: one picture laid over another, by mode, opacity and mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError

from .colours import Floats, Pixels, floats, rounded

Mode: TypeAlias = Literal[
    "normal", "multiply", "screen", "overlay", "darken", "lighten", "difference", "add"
]


def _overlay(below: Floats, above: Floats) -> Floats:
    dark, light = 2 * below * above, 1 - 2 * (1 - below) * (1 - above)
    return np.where(below < 0.5, dark, light)


# Functions of the lower and the upper picture, both in [0, 1].
MODES: Mapping[Mode, Callable[[Floats, Floats], Floats]] = {
    "normal": lambda _, above: above,
    "multiply": lambda below, above: below * above,
    "screen": lambda below, above: 1 - (1 - below) * (1 - above),
    "overlay": _overlay,
    "darken": np.minimum,
    "lighten": np.maximum,
    "difference": lambda below, above: np.abs(below - above),
    "add": lambda below, above: np.minimum(below + above, 1),
}


def blend(
    below: Pixels, above: Pixels, mode: Mode, amount: float, opacity: Pixels | None
) -> Pixels:
    """Mix ``below`` with the result of ``mode`` for both, as far as (H, W) ``opacity`` allows."""
    under = floats(below)
    mixed = MODES[mode](under, floats(above))
    weight: Floats = np.full((1, 1, 1), amount, np.float32)
    if opacity is not None:
        weight = weight * floats(opacity)[..., None]
    return rounded(under + (mixed - under) * weight)


def overlay(below: Pixels, control: Pixels, opacity: float, colour: str | None) -> Pixels:
    """Lay a control image over a picture: the brighter it is, the less shows through.

    A pixel of brightness b (its largest channel) is taken for its full colour at opacity b.
    """
    cover = floats(control.max(axis=2))[..., None] * np.float32(opacity)
    drawn = floats(control) * np.float32(opacity)
    if colour is not None:
        drawn = cover * floats(np.frombuffer(bytes.fromhex(colour[1:]), np.uint8))
    return rounded(floats(below) * (1 - cover) + drawn)


def paste(
    below: Pixels, layer: Pixels, corner: tuple[int, int], opacity: Pixels | None
) -> npt.NDArray[np.uint8]:
    """Put ``layer`` onto a copy of ``below`` with its upper left ``corner`` there.

    Raises:
        UserError: No part of it would be inside.
    """
    left, top = corner
    (height, width), (tall, wide) = below.shape[:2], layer.shape[:2]
    # The same rectangle twice: in the picture below, and in the layer.
    inside = np.s_[max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + wide, 0)]
    part = np.s_[max(-top, 0) : max(height - top, 0), max(-left, 0) : max(width - left, 0)]
    pixels = below.copy()
    if not pixels[inside].size:
        raise UserError(
            f"layer: {wide} x {tall} pixels at {left}, {top} lie outside the picture,"
            f" {width} x {height}"
        )
    cover = None if opacity is None else opacity[part]
    pixels[inside] = blend(pixels[inside], layer[part], "normal", 1.0, cover)
    return pixels
