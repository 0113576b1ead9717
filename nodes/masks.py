"""Masks, drawn, read from pictures, grown and softened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from nodegraph.errors import UserError
from nodegraph.node import Finding, LinkedFacts, Node, Output

from ._packages import OPENCV, PILLOW
from .types import Image, Mask

Channel = Literal["brightness", "red", "green", "blue"]
MaskShape = Literal["rectangle", "ellipse"]
Share = Annotated[float, Field(ge=0, le=1)]


class Masked(Output):
    """A mask: white is what counts."""

    mask: Mask


class ImageToMask(Node):
    """Read a picture as a mask: its bright parts, or those of one colour, count."""

    aliases = ("luminance mask",)

    image: Image
    channel: Annotated[Channel, Field(description="What is read as grey.")] = "brightness"
    threshold: Annotated[
        int | None,
        Field(ge=1, le=255, description="Greys from here on become white, others black."),
    ] = None
    invert: Annotated[bool, Field(description="The dark parts count instead.")] = False

    packages = PILLOW

    def run(self) -> Masked:
        if self.channel == "brightness":
            grey = np.asarray(self.image.pil().convert("L"))
        else:
            grey = self.image.pixels[:, :, ("red", "green", "blue").index(self.channel)]
        if self.threshold is not None:
            grey = np.where(grey >= self.threshold, np.uint8(255), np.uint8(0))
        return Masked(mask=Mask(255 - grey if self.invert else grey))


class GrowMask(Node):
    """Make what a mask marks larger or smaller, and its edges soft."""

    aliases = ("dilate", "erode", "feather", "expand mask")

    mask: Mask
    grow: Annotated[
        int, Field(ge=-128, le=128, description="Pixels on every side; negative shrinks.")
    ] = 8
    blur: Annotated[
        float,
        Field(ge=0, le=128, description="Standard deviation of the blur, in pixels; 0 is sharp."),
    ] = 0.0
    invert: Annotated[bool, Field(description="Last, exchange white and black.")] = False

    packages = OPENCV

    def run(self) -> Masked:
        from .pixels.masks import blurred, grown

        pixels = blurred(grown(self.mask.pixels, self.grow), self.blur)
        return Masked(mask=Mask(255 - pixels if self.invert else pixels))


class DrawMask(Node):
    """Mark a rectangle or an ellipse of a picture."""

    aliases = ("rectangle", "ellipse")

    image: Annotated[Image, Field(description="The picture it is for: the mask is as large.")]
    shape: Annotated[MaskShape, Field(description="The ellipse fills the rectangle.")] = "rectangle"
    left: Annotated[Share, Field(description="Fraction of the width.")] = 0.25
    top: Annotated[Share, Field(description="Fraction of the height.")] = 0.25
    right: Annotated[Share, Field(description="Fraction of the width.")] = 0.75
    bottom: Annotated[Share, Field(description="Fraction of the height.")] = 0.75
    invert: Annotated[bool, Field(description="Mark what lies outside.")] = False

    def run(self) -> Masked:
        from .pixels.masks import drawn

        for name, problem in _empty_sides(dict(self)):
            raise UserError(f"{name}: {problem}")
        box = (self.left, self.top, self.right, self.bottom)
        inside = drawn(self.image.size, box, ellipse=self.shape == "ellipse")
        return Masked(mask=Mask(np.where(inside ^ self.invert, np.uint8(255), np.uint8(0))))

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:  # noqa: ARG003
        for name, problem in _empty_sides(values):
            yield name, problem, "error"


def _empty_sides(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find sides that leave nothing between them, of those whose values are known."""
    for low, high in (("left", "right"), ("top", "bottom")):
        if low in values and high in values and values[low] >= values[high]:
            yield low, f"{values[low]:g} must be less than {high}, which is {values[high]:g}"
