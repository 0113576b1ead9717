"""Several pictures in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from nodegraph.errors import UserError
from nodegraph.node import Context, Facts, Finding, Folders, LinkedFacts, Node, Output

from . import _checks
from ._packages import OPENCV, PILLOW
from .files.find import file_digest, find_file
from .images import Colour
from .pixels import boxes
from .pixels.fonts import BUILT_IN, PILLOWS, Face, chosen, missing, normal
from .types import Image


class Sheet(Output):
    """The sheet of pictures."""

    image: Image


class Grid(Node):
    """Lay pictures out in rows on one sheet, labelled if wanted, for looking and comparing."""

    aliases = ("contact sheet", "image grid")

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
    font: Annotated[
        Path | None,
        Field(
            description="A .ttf, .otf or .ttc file in the input folders; empty: the built-in ones,"
            " and this system's where those lack a letter."
        ),
    ] = None

    packages = PILLOW
    version = 2
    stamp_inputs = ("title", "labels", "column_labels", "row_labels", "font")

    def stamp(self, context: Context) -> object:
        """The fonts that the labels are written with."""
        return self.stamp_by({name: getattr(self, name) for name in self.stamp_inputs}, context)

    @classmethod
    def stamp_by(cls, inputs: Mapping[str, Any], context: Context) -> object:
        """The fonts that the labels are written with: another machine has others."""
        faces = _fonts(inputs, context.folders)
        # The built-in ones are told by the version, and by Pillow's.
        outside = [face.path for face in faces if face not in (PILLOWS, BUILT_IN)]
        return [file_digest(path) for path in outside if path] or None

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterator[Finding]:  # noqa: ARG003
        if values.get("font") is None:
            for name in cls.stamp_inputs[:-1]:
                if lost := _missing(_texts({name: values.get(name)})):
                    letters = f"{lost[:12]}…" if len(lost) > 12 else lost
                    message = f"has letters that no font here has ({letters}); name one in `font`"
                    yield name, message, "warning"

    def run(self, context: Context | None = None) -> Sheet:
        from .pixels.sheet import Arrangement, Style, draw, texts

        inputs = {name: getattr(self, name) for name in self.stamp_inputs}

        pictures = [image.pixels for image in self.images]
        places = Arrangement.of(
            [image.size for image in self.images], self.columns or len(self.column_labels) or None
        )
        written = texts(places, self.title, self.labels, self.column_labels, self.row_labels)
        faces = _fonts(inputs, context.folders if context else Folders())
        style = Style(self.padding, self.background, self.label_colour, self.label_size, faces)
        return Sheet(image=Image(draw(pictures, places, written, style)))


def _texts(inputs: Mapping[str, Any]) -> list[str]:
    """All texts of a sheet; what is linked and not here yet is none."""
    texts: list[str] = []
    for name, value in inputs.items():
        if name != "font":
            texts += [value] if isinstance(value, str) else value or []
    return texts


def _fonts(inputs: Mapping[str, Any], folders: Folders) -> tuple[Face, ...]:
    """The fonts for a sheet's texts; those of ASCII look at nothing but Pillow's."""
    texts, own = _texts(inputs), inputs.get("font")
    if own is None:
        return chosen(texts)
    file = find_file(own, folders)
    try:
        return chosen(texts, file)
    except OSError as error:
        raise UserError(f"font: {str(own)!r} is no font that can be read (.ttf, .otf, .ttc)") from (
            error
        )


def _missing(texts: Sequence[str]) -> str:
    return "" if "".join(texts).isascii() else missing(normal("".join(texts)), chosen(texts))


class Compared(Output):
    """Two pictures in one, and how much they differ in numbers."""

    image: Image
    mean_difference: Annotated[
        float, Field(description="Of all pixels and channels, on a scale of 0 to 255.")
    ]
    max_difference: Annotated[int, Field(description="Of the channel that differs most.")]


class Compare(Node):
    """Show two pictures of one size side by side, split by a line, or where they differ."""

    aliases = ("difference", "before and after")

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
        boxes.bounded("before", _compared(self.before.size, self.layout, self.line))
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

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        size = _checks.size_of(linked.get("before", ()))
        known = size and {"layout", "line"} <= values.keys()
        compared = _compared(size, values["layout"], values["line"]) if size and known else None
        return {"image": _checks.sized(compared)}

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterator[Finding]:
        return _checks.bounds(cls, values, linked, "before")


def _compared(size: tuple[int, int], layout: str, line: int) -> tuple[int, int]:
    """The size of two pictures in one."""
    return (2 * size[0] + line, size[1]) if layout == "side by side" else size
