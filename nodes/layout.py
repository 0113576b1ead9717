"""Several pictures in one."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from nodegraph.node import Node, Output

from ._packages import OPENCV, PILLOW
from .images import Colour
from .pixels import boxes
from .types import Image


class Sheet(Output):
    """The sheet of pictures."""

    image: Image


class Grid(Node):
    """Lay pictures out in rows on one sheet, labelled if wanted, for looking and comparing."""

    images: Annotated[
        list[Image], Field(min_length=1, description="Left to right, then top to bottom.")
    ]
    columns: Annotated[
        int | None,
        Field(ge=1, le=100, description="Empty: one a column label, else as square as can be."),
    ] = None
    title: Annotated[str, Field(description="Written above the sheet, larger than labels.")] = ""
    # Pydantic copies a default for every instance, so that none is shared.
    labels: Annotated[list[str], Field(description="One a picture, written below it.")] = []
    column_labels: Annotated[list[str], Field(description="One a column, written above it.")] = []
    row_labels: Annotated[list[str], Field(description="One a row, written to its left.")] = []
    padding: Annotated[int, Field(ge=0, le=256, description="Pixels around every picture.")] = 8
    background: Annotated[Colour, Field(description="What shows between the pictures.")] = "#ffffff"
    label_size: Annotated[
        int | None, Field(ge=6, le=256, description="Pixels; empty suits the pictures' size.")
    ] = None
    label_colour: Annotated[
        Colour | None, Field(description="Empty is dark on light and light on dark.")
    ] = None

    packages = PILLOW

    def run(self) -> Sheet:
        from .pixels.sheet import Arrangement, Style, draw, texts

        pictures = [image.pixels for image in self.images]
        places = Arrangement.of(
            [image.size for image in self.images], self.columns or len(self.column_labels) or None
        )
        written = texts(places, self.title, self.labels, self.column_labels, self.row_labels)
        style = Style(self.padding, self.background, self.label_colour, self.label_size)
        return Sheet(image=Image(draw(pictures, places, written, style)))


class Compared(Output):
    """Two pictures in one, and how much they differ in numbers."""

    image: Image
    mean_difference: Annotated[
        float, Field(description="Of all pixels and channels, on a scale of 0 to 255.")
    ]
    max_difference: Annotated[int, Field(description="Of the channel that differs most.")]


class Compare(Node):
    """Show two pictures of one size side by side, split by a line, or where they differ."""

    before: Image
    after: Image
    layout: Annotated[
        Literal["side by side", "split", "difference"],
        Field(description="difference is black where both are the same and yellow at its largest."),
    ] = "side by side"
    position: Annotated[
        float, Field(ge=0, le=1, description="Where a split is: 0.25 shows more of what is after.")
    ] = 0.5
    gain: Annotated[
        float, Field(ge=1, le=255, description="Show a difference so many times stronger.")
    ] = 1.0
    line: Annotated[
        int, Field(ge=0, le=64, description="Pixels of the line between the two, if there is one.")
    ] = 2
    line_colour: Colour = "#ffffff"

    packages = (*OPENCV, *PILLOW)

    def run(self) -> Compared:
        from .pixels import compare

        boxes.same("after", self.after.size, self.before.size)
        before, after = self.before.pixels, self.after.pixels
        apart = compare.differences(before, after)
        line = np.full((self.line, 3), list(bytes.fromhex(self.line_colour[1:])), np.uint8)
        if self.layout == "difference":
            pixels = compare.heat(apart, self.gain)
        elif self.layout == "split":
            pixels = compare.split(before, after, self.position, line)
        else:
            pixels = compare.beside(before, after, line)
        return Compared(
            image=Image(pixels),
            mean_difference=round(float(apart.mean()), 4),
            max_difference=int(apart.max()),
        )
