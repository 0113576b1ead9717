"""Parts of pictures, and pictures mirrored, turned and with room around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from nodegraph.node import Facts, LinkedFacts, Node, Output

from . import _checks
from ._fields import Beside, Part
from ._packages import PILLOW
from .images import Colour, beside
from .pixels import boxes
from .pixels.masks import fitted
from .types import Image, Mask

Anchor = Literal[
    "top left", "top", "top right",
    "left", "centre", "right",
    "bottom left", "bottom", "bottom right",
]  # fmt: skip
Extent = Annotated[float, Field(gt=0, le=8192)]
Shift = Annotated[float, Field(ge=-8192, le=8192)]
Room = Annotated[int, Field(ge=0, le=4096)]


class Cropped(Output):
    """A part of a picture, and where it was, for Paste to put it back."""

    image: Image
    mask: Part
    left: Annotated[int, Field(description="Pixels to the left of it.")]
    top: Annotated[int, Field(description="Pixels above it.")]


class Crop(Node):
    """Cut out a part of a picture by its size and place."""

    image: Image
    width: Annotated[
        Extent | None, Field(description="The part's; empty takes the whole width.")
    ] = None
    height: Annotated[
        Extent | None, Field(description="The part's; empty takes the whole height.")
    ] = None
    unit: Annotated[
        Literal["pixels", "fraction"],
        Field(description="What all four numbers are: pixels, or fractions of the picture's side."),
    ] = "pixels"
    anchor: Annotated[Anchor, Field(description="Where the part lies, before x and y move it.")] = (
        "centre"
    )
    x: Annotated[
        Shift, Field(description="How far to move it to the right; it stays in the picture.")
    ] = 0.0
    y: Annotated[Shift, Field(description="How far to move it down.")] = 0.0
    mask: Beside = None

    version = 2

    def run(self) -> Cropped:
        wide, tall = self.image.size
        across, down = (wide, tall) if self.unit == "fraction" else (1, 1)
        width = boxes.extent("width", wide, self.width, across)
        height = boxes.extent("height", tall, self.height, down)
        right, low = _place(self.anchor)
        left = boxes.start(wide - width, right, self.x * across)
        top = boxes.start(tall - height, low, self.y * down)
        part = np.s_[top : top + height, left : left + width]
        return Cropped(
            image=Image(self.image.pixels[part], self.image.conditioning),
            mask=Mask(beside(self.image, self.mask)[part]),
            left=left,
            top=top,
        )

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        images = linked.get("image", ())
        size = _checks.size_of(images)
        if size and {"width", "height", "unit"} <= values.keys():
            scales = size if values["unit"] == "fraction" else (1, 1)
            parts = zip(size, (values["width"], values["height"]), scales, strict=True)
            wide, tall = (
                side if part is None else min(max(1, round(part * scale)), side)
                for side, part, scale in parts
            )
            size = wide, tall
        return {"image": {**_checks.shared(images), **_checks.sized(size)}}


def _place(anchor: str) -> tuple[float, float]:
    """How far right and down an anchor is, 0 to 1."""
    across = 0.0 if "left" in anchor else 1.0 if "right" in anchor else 0.5
    down = 0.0 if "top" in anchor else 1.0 if "bottom" in anchor else 0.5
    return across, down


class CroppedToMask(Output):
    """What a mask marks, cut out, and where it was, for Paste to put it back."""

    image: Image
    mask: Annotated[Mask, Field(description="The same part of the mask.")]
    left: Annotated[int, Field(description="Pixels to the left of it.")]
    top: Annotated[int, Field(description="Pixels above it.")]


class CropToMask(Node):
    """Cut out the part of a picture that a mask marks: all of it that is not black in the mask."""

    aliases = ("cut out",)

    image: Image
    mask: Annotated[Mask, Field(description="One of another size is stretched over the picture.")]
    padding: Annotated[
        Room, Field(description="Pixels of surroundings to keep, as far as there are any.")
    ] = 0

    def run(self) -> CroppedToMask:
        mask = fitted(self.mask.pixels, self.image.size)
        left, top, right, bottom = boxes.bounds(mask, self.padding)
        part = np.s_[top:bottom, left:right]
        return CroppedToMask(
            image=Image(self.image.pixels[part], self.image.conditioning),
            mask=Mask(mask[part]),
            left=left,
            top=top,
        )

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"image": _checks.shared(linked.get("image", ()))}


class Padded(Output):
    """A picture with room around it."""

    image: Image
    mask: Annotated[
        Mask, Field(description="White where there was nothing before, and what was marked.")
    ]


class Pad(Node):
    """Add room at the sides of a picture, to be painted by a model or left as it is."""

    aliases = ("outpaint", "extend canvas")

    image: Image
    left: Annotated[Room, Field(description="Pixels to add there.")] = 0
    top: Room = 0
    right: Room = 0
    bottom: Room = 0
    fill: Annotated[
        Literal["background", "edge", "mirror"],
        Field(description="What to put there: a colour, the outermost pixels, or a mirror image."),
    ] = "background"
    background: Annotated[Colour, Field(description="For a fill with background.")] = "#ffffff"
    mask: Beside = None

    version = 2

    def run(self) -> Padded:
        wide, tall = self.image.size
        boxes.bounded("image", (wide + self.left + self.right, tall + self.top + self.bottom))
        room = (self.top, self.bottom), (self.left, self.right)
        new = np.pad(np.zeros(self.image.pixels.shape[:2], np.uint8), room, constant_values=255)
        if self.fill == "background":
            pixels = np.pad(self.image.pixels, (*room, (0, 0)))
            pixels[new == 255] = list(bytes.fromhex(self.background[1:]))
        else:
            mode: Literal["edge", "symmetric"] = "edge" if self.fill == "edge" else "symmetric"
            pixels = np.pad(self.image.pixels, (*room, (0, 0)), mode)
        if self.mask is not None:
            new = np.maximum(new, np.pad(fitted(self.mask.pixels, self.image.size), room))
        return Padded(image=Image(pixels, self.image.conditioning), mask=Mask(new))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        images = linked.get("image", ())
        left, right, top, bottom = (values.get(n, 0) for n in ("left", "right", "top", "bottom"))
        size = _checks.size_of(images)
        size = size and (size[0] + left + right, size[1] + top + bottom)
        return {"image": {**_checks.shared(images), **_checks.sized(size)}}

    check_facts = classmethod(_checks.image_bounds)


class Flipped(Output):
    """A picture mirrored."""

    image: Image
    mask: Part


class Flip(Node):
    """Mirror a picture.

    A pose and a normal map know left from right, so what is mirrored is no longer known as one.
    """

    aliases = ("mirror",)

    image: Image
    direction: Annotated[
        Literal["horizontal", "vertical"],
        Field(description="horizontal exchanges left and right, vertical top and bottom."),
    ] = "horizontal"
    mask: Beside = None

    version = 2

    def run(self) -> Flipped:
        axis = 1 if self.direction == "horizontal" else 0
        mask = np.flip(beside(self.image, self.mask), axis)
        conditioning = _without(self.image.conditioning, "pose", "normal")
        mirrored = Image(np.flip(self.image.pixels, axis), conditioning)
        return Flipped(image=mirrored, mask=Mask(mask))

    facts = classmethod(_checks.as_large)


class Rotated(Output):
    """A picture turned."""

    image: Image
    mask: Part


class Rotate(Node):
    """Turn a picture by any angle; quarter turns move pixels and change none."""

    image: Image
    angle: Annotated[float, Field(ge=-360, le=360, description="Degrees, clockwise.")] = 90.0
    expand: Annotated[
        bool,
        Field(description="Make the picture as large as it needs; else corners are cut off."),
    ] = True
    background: Annotated[Colour, Field(description="What shows in the corners.")] = "#ffffff"
    mask: Beside = None

    version = 2
    packages = PILLOW

    def run(self) -> Rotated:
        from .pixels.rotate import extent, rotated

        if self.expand:
            boxes.bounded("image", extent(*self.image.size, self.angle))
        pixels = rotated(self.image.pixels, self.angle, self.expand, self.background)
        grey = Image.from_grey(beside(self.image, self.mask)).pixels
        mask = rotated(grey, self.angle, self.expand, "#000000")[:, :, 0]
        image = Image(pixels, _without(self.image.conditioning, "normal"))
        return Rotated(image=image, mask=Mask(mask))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        from .pixels.rotate import extent

        size = _checks.size_of(linked.get("image", ()))
        if size and values.get("expand", True):
            size = extent(*size, values["angle"]) if "angle" in values else None
        return {"image": _checks.sized(size)}

    check_facts = classmethod(_checks.image_bounds)


def _without(conditioning: str | None, *changed: str) -> str | None:
    """The conditioning of a changed picture: none where a word of ``changed`` is in its name."""
    return None if any(kind in (conditioning or "") for kind in changed) else conditioning
