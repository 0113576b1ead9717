"""One picture made of two."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nodegraph.node import Node, Output

from . import _checks
from ._packages import OPENCV
from .images import Colour
from .pixels import blend, boxes
from .pixels.masks import feathered, fitted
from .types import Image, Mask

Amount = Annotated[float, Field(ge=0, le=1)]
Feather = Annotated[
    int, Field(ge=0, le=256, description="Pixels inside the mask over which its edge fades.")
]
Offset = Annotated[int, Field(ge=-8192, le=8192)]


class Combined(Output):
    """One picture of two."""

    image: Image


class Blend(Node):
    """Mix two pictures of one size."""

    aliases = ("mix",)

    image: Image
    layer: Annotated[Image, Field(description="The picture on top.")]
    amount: Annotated[Amount, Field(description="0 is the picture alone, 1 the full effect.")] = 0.5
    mode: Annotated[
        blend.Mode,
        Field(description="What the two make of each other; normal is the layer itself."),
    ] = "normal"
    mask: Annotated[
        Mask | None,
        Field(
            description="Where to mix: white fully, black not at all. One of another size is"
            " stretched."
        ),
    ] = None
    feather: Feather = 0

    packages = OPENCV

    facts = classmethod(_checks.as_large)

    def run(self) -> Combined:
        boxes.same("layer", self.layer.size, self.image.size)
        opacity = None
        if self.mask is not None:
            opacity = feathered(fitted(self.mask.pixels, self.image.size), self.feather)
        both = self.image.pixels, self.layer.pixels
        return Combined(image=Image(blend.blend(*both, self.mode, self.amount, opacity)))


class Overlay(Node):
    """Lay a control image (edges, a pose, …) over a picture; what is black in it shows through."""

    aliases = ("composite", "layer")

    image: Image
    control: Annotated[Image, Field(description="White or coloured lines on black.")]
    opacity: Annotated[Amount, Field(description="How much the lines cover.")] = 1.0
    colour: Annotated[
        Colour | None, Field(description="To draw all lines in; empty leaves them their own.")
    ] = None

    facts = classmethod(_checks.as_large)

    def run(self) -> Combined:
        boxes.same("control", self.control.size, self.image.size)
        both = self.image.pixels, self.control.pixels
        return Combined(image=Image(blend.overlay(*both, self.opacity, self.colour)))


class Paste(Node):
    """Put a picture onto a larger one, for instance a part that Crop took out and you changed."""

    aliases = ("composite",)

    image: Image
    layer: Annotated[Image, Field(description="The picture to put there.")]
    left: Annotated[Offset, Field(description="Pixels to the left of it.")] = 0
    top: Annotated[Offset, Field(description="Pixels above it.")] = 0
    mask: Annotated[
        Mask | None,
        Field(description="The layer's opacity. One of another size is stretched over it."),
    ] = None

    facts = classmethod(_checks.as_large)

    def run(self) -> Combined:
        opacity = None if self.mask is None else fitted(self.mask.pixels, self.layer.size)
        corner = self.left, self.top
        pixels = blend.paste(self.image.pixels, self.layer.pixels, corner, opacity)
        return Combined(image=Image(pixels))
