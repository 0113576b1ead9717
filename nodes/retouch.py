"""Colours, brightness and sharpness of pictures.

What comes out is no longer what a preprocessor drew (a blurred canny map is no canny map), unless
nothing was changed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nodegraph.node import Node, Output

from . import _checks
from ._packages import OPENCV
from .types import Image

Factor = Annotated[float, Field(ge=0, le=4)]
Radius = Annotated[float, Field(ge=0, le=256)]


class Retouched(Output):
    """The picture, changed."""

    image: Image


class Adjust(Node):
    """Change brightness, contrast, saturation, hue and gamma of a picture, in this order."""

    aliases = ("brightness", "contrast", "saturation", "hue", "gamma")

    image: Image
    brightness: Annotated[Factor, Field(description="Times as bright; 1 changes nothing.")] = 1.0
    contrast: Annotated[Factor, Field(description="Times as far from middle grey.")] = 1.0
    saturation: Annotated[Factor, Field(description="Times as colourful; 0 is grey.")] = 1.0
    hue: Annotated[
        float,
        Field(ge=-180, le=180, description="Degrees to turn colours; 120 makes red green."),
    ] = 0.0
    gamma: Annotated[
        float, Field(ge=0.1, le=10, description="Above 1 brightens what is dark the most.")
    ] = 1.0

    facts = classmethod(_checks.as_large)

    def run(self) -> Retouched:
        from .pixels.colours import floats, rounded, toned, turned

        tones = self.brightness, self.contrast, self.saturation
        if tones == (1.0, 1.0, 1.0) and self.hue == 0 and self.gamma == 1:
            return Retouched(image=self.image)
        values = turned(toned(floats(self.image.pixels), *tones), self.hue)
        return Retouched(image=Image(rounded(values ** (1 / self.gamma))))


class Invert(Node):
    """Exchange light and dark, and every colour with its opposite: a negative."""

    aliases = ("negative",)

    image: Image

    facts = classmethod(_checks.as_large)

    def run(self) -> Retouched:
        return Retouched(image=Image(255 - self.image.pixels))


class Grey(Node):
    """Make a grey picture of a picture's luminance, or of one of its channels."""

    aliases = ("gray", "grayscale", "greyscale", "desaturate")

    image: Image
    channel: Annotated[
        Literal["luminance", "red", "green", "blue", "saturation", "value"],
        Field(description="What becomes bright; value is the brightest of red, green and blue."),
    ] = "luminance"

    facts = classmethod(_checks.as_large)

    def run(self) -> Retouched:
        from .pixels.colours import grey

        return Retouched(image=Image.from_grey(grey(self.image.pixels, self.channel)))


class Threshold(Node):
    """Make a picture black and white: a scanned drawing becomes clean lines."""

    aliases = ("binarize", "black and white")

    image: Image
    level: Annotated[
        int | None,
        Field(
            ge=0,
            le=255,
            description="This bright and more is white; empty finds what parts dark from bright.",
        ),
    ] = None

    facts = classmethod(_checks.as_large)

    def run(self) -> Retouched:
        from .pixels.colours import grey, split_level

        shades = grey(self.image.pixels, "luminance")
        level = split_level(shades) if self.level is None else self.level
        return Retouched(image=Image.from_grey(((shades >= level) * 255).astype("uint8")))


class Blur(Node):
    """Blur a picture by a Gaussian."""

    image: Image
    radius: Annotated[
        Radius, Field(description="The Gaussian's standard deviation in pixels; 0 changes nothing.")
    ] = 4.0

    packages = OPENCV

    facts = classmethod(_checks.as_large)

    def run(self) -> Retouched:
        from .pixels.colours import blurred, to_bytes

        if not self.radius:
            return Retouched(image=self.image)
        return Retouched(image=Image(to_bytes(blurred(self.image.pixels, self.radius))))


class Sharpen(Node):
    """Sharpen a picture: enlarge its differences to a blurred copy (an unsharp mask)."""

    image: Image
    radius: Annotated[
        Radius, Field(gt=0, description="Of the blur, in pixels: about the details to bring out.")
    ] = 1.0
    amount: Annotated[
        float, Field(ge=0, le=5, description="How much is added; 0 changes nothing.")
    ] = 1.0
    threshold: Annotated[
        int, Field(ge=0, le=255, description="Differences below this are left alone: noise.")
    ] = 0

    packages = OPENCV

    facts = classmethod(_checks.as_large)

    def run(self) -> Retouched:
        from .pixels.colours import sharpened, to_bytes

        if not self.amount:
            return Retouched(image=self.image)
        values = sharpened(self.image.pixels, self.radius, self.amount, self.threshold)
        return Retouched(image=Image(to_bytes(values)))
