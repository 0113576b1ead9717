"""Contact sheets: a grid of pictures with labels, laid out in pixels and drawn."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError

from . import fonts
from .boxes import LARGEST, too_large

if TYPE_CHECKING:
    from PIL import ImageDraw
    from PIL.Image import Image as Picture
    from PIL.ImageFont import FreeTypeFont

Pixels = npt.NDArray[np.uint8]
MOST_LETTERS = 8000  # of a label that are looked at; no sheet has room for more
MOST_LINES = 3  # of a label; the rest of a long prompt becomes "…"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Columns, rows, and the size of a cell: the widest picture by the tallest."""

    count: int
    columns: int
    rows: int
    cell: tuple[int, int]

    @classmethod
    def of(cls, sizes: Sequence[tuple[int, int]], columns: int | None) -> Arrangement:
        """Arrange pictures of these (width, height); without columns, as square as can be."""
        columns = min(columns or math.ceil(math.sqrt(len(sizes))), len(sizes))
        cell = max(width for width, _ in sizes), max(height for _, height in sizes)
        return cls(len(sizes), columns, math.ceil(len(sizes) / columns), cell)


@dataclass(frozen=True, slots=True)
class Texts:
    """Every label, none where there are none."""

    below: Sequence[str] = ()
    above: Sequence[str] = ()
    left: Sequence[str] = ()
    title: str = ""


def texts(
    places: Arrangement,
    title: str,
    labels: Sequence[str],
    above: Sequence[str],
    left: Sequence[str],
) -> Texts:
    """Check that there are as many labels as there are places for them."""
    rows = (("labels", labels, places.count, "pictures"),
             ("column_labels", above, places.columns, "columns"),
             ("row_labels", left, places.rows, "rows"))  # fmt: skip
    for name, words, count, places_name in rows:
        if words and len(words) != count:
            raise UserError(
                f"{name}: {len(words)} for {count} {places_name}; give one each, or none"
            )
    return Texts(labels, above, left, title)


@dataclass(frozen=True, slots=True)
class Style:
    """Room, colours and the size of letters; None follows from the pictures."""

    padding: int
    background: str
    colour: str | None = None
    size: int | None = None
    faces: tuple[fonts.Face, ...] = (fonts.PILLOWS, fonts.BUILT_IN)

    def lettering(self, cell: tuple[int, int], times: float = 1) -> Lettering:
        """Letters that read well beside pictures of one size, on the background."""
        size = self.size or max(10, min(cell[0] // 14, cell[1] // 8, 48))
        colour = self.colour or readable_on(self.background)
        return Lettering(round(size * times), colour, self.faces)


def readable_on(background: str) -> str:
    """A dark colour on what is light, and a light one on what is dark."""
    red, green, blue = bytes.fromhex(background[1:])
    return "#1a1a1a" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#f0f0f0"


class Lettering:
    """Labels of one size and colour.

    Args:
        faces: Each letter is written with the first that has it, else with the first of all.
    """

    def __init__(
        self,
        size: int,
        colour: str,
        faces: tuple[fonts.Face, ...] = (fonts.PILLOWS, fonts.BUILT_IN),
    ) -> None:
        self.faces, self.size = faces, size
        self.line = round(size * 1.3)
        self.colour = colour

    def runs(self, text: str) -> list[tuple[FreeTypeFont, str]]:
        """Parts of a text that one font has each; marks go with the letter that they are on."""
        parts: list[tuple[fonts.Face, str]] = []
        for letter in text:
            last = parts[-1][0] if parts else self.faces[0]
            face = next((face for face in self.faces if fonts.has(face, letter)), self.faces[0])
            if parts and (face == last or fonts.has(last, letter)):
                parts[-1] = last, parts[-1][1] + letter
            else:
                parts.append((face, letter))
        return [(fonts.font(face, self.size), part) for face, part in parts]

    def width(self, text: str) -> float:
        """The width of a text in pixels."""
        return sum(font.getlength(part) for font, part in self.runs(text))

    def wrap(self, text: str, width: int) -> list[str]:
        """Break a label into lines no wider than ``width`` pixels."""
        lines: list[str] = []
        for word in self.words(text, width):
            joined = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(joined) <= width:
                lines[-1] = joined
            elif len(lines) > MOST_LINES:
                break  # the rest is not shown
            else:
                lines.append(word)
        if len(lines) > MOST_LINES:
            last = lines[MOST_LINES - 1]
            while last and self.width(f"{last}…") > width:
                last = last[:-1]
            lines = [*lines[: MOST_LINES - 1], f"{last}…"]
        return lines

    def words(self, text: str, width: int) -> Iterator[str]:
        """The words of a label, one that is wider than ``width`` in pieces."""
        for word in fonts.normal(text[:MOST_LETTERS]).split():
            rest = word
            while rest:
                fits = self._fitting(rest, width)
                yield rest[:fits]
                rest = rest[fits:]

    def _fitting(self, text: str, width: int) -> int:
        """How many letters of a text are no wider than ``width`` pixels; one at the least."""
        most = 16
        while most < len(text) and self.width(text[:most]) <= width:
            most *= 2
        lengths = range(1, min(most, len(text)) + 1)
        # Halving: a label may be one word of thousands of letters.
        return max(bisect_right(lengths, width, key=lambda n: math.ceil(self.width(text[:n]))), 1)

    def height(self, labels: Sequence[str], width: int) -> int:
        """The height of the tallest of the labels."""
        return max((len(self.wrap(label, width)) for label in labels), default=0) * self.line

    def write(self, sheet: Picture, text: str, box: tuple[int, int, int, int]) -> None:
        """Centre a label in a box (left, top, width, height)."""
        from PIL import ImageDraw

        left, top, width, height = box
        lines = self.wrap(text, width)
        top += (height - len(lines) * self.line) // 2
        pen = ImageDraw.Draw(sheet)
        for i, line in enumerate(lines):
            start = left + (width - self.width(line)) / 2
            self._write_line(pen, line, start, top + i * self.line)

    def _write_line(self, pen: ImageDraw.ImageDraw, line: str, left: float, top: int) -> None:
        """Write the parts one after the other, all on the base line of the first font."""
        base = top + fonts.font(self.faces[0], self.size).getmetrics()[0]
        for font, part in self.runs(line):
            pen.text((left, base), part, fill=self.colour, font=font, anchor="ls")
            left += font.getlength(part)


class Sheet:
    """The places of everything on a sheet, all in pixels."""

    def __init__(self, places: Arrangement, labels: Texts, style: Style) -> None:
        wide, tall = places.cell
        self.letters = style.lettering(places.cell)
        self.heading = style.lettering(places.cell, times=1.5)
        self.places, self.padding = places, style.padding
        longest = max(
            (round(self.letters.width(fonts.normal(row[:MOST_LETTERS]))) for row in labels.left),
            default=0,
        )
        self.margin = min(wide, longest + 4)
        self.left = self.margin + self.padding if labels.left else 0
        self.head, self.foot = (self.letters.height(s, wide) for s in (labels.above, labels.below))
        self.step = wide + self.padding, tall + self.foot + self.padding
        width = self.left + self.padding + places.columns * self.step[0]
        self.title = self.heading.height([labels.title], width - 2 * self.padding)
        self.top = sum(room + self.padding for room in (self.title, self.head) if room)
        self.size = width, self.top + self.padding + places.rows * self.step[1]
        check_size(self.size)

    def corner(self, i: int) -> tuple[int, int]:
        """The upper left corner of a picture's cell."""
        row, column = divmod(i, self.places.columns)
        return (
            self.left + self.padding + column * self.step[0],
            self.top + self.padding + row * self.step[1],
        )

    def paste(self, sheet: Picture, pictures: Sequence[Pixels]) -> None:
        """Lay the pictures into their cells, those of another size scaled to fit whole."""
        from PIL import Image, ImageOps

        wide, tall = self.places.cell
        for i, pixels in enumerate(pictures):
            fitted = ImageOps.contain(Image.fromarray(pixels), self.places.cell)
            x, y = self.corner(i)
            sheet.paste(fitted, (x + (wide - fitted.width) // 2, y + (tall - fitted.height) // 2))

    def write(self, sheet: Picture, labels: Texts) -> None:
        """Write the title and every label."""
        wide, tall = self.places.cell
        columns, padding, letters = self.places.columns, self.padding, self.letters
        if self.title:
            room = self.size[0] - 2 * padding
            self.heading.write(sheet, labels.title, (padding, padding, room, self.title))
        for i, label in enumerate(labels.below):
            x, y = self.corner(i)
            letters.write(sheet, label, (x, y + tall, wide, letters.height([label], wide)))
        for i, label in enumerate(labels.above):
            letters.write(sheet, label, (self.corner(i)[0], self.top - self.head, wide, self.head))
        for i, label in enumerate(labels.left):
            letters.write(sheet, label, (padding, self.corner(i * columns)[1], self.margin, tall))


def check_size(size: tuple[int, int]) -> None:
    """Refuse a sheet that would fill the memory."""
    if too_large(size):
        raise UserError(
            f"the sheet would be {size[0]} x {size[1]}, over {LARGEST // 10**6} megapixels;"
            " resize the pictures first"
        )


def draw(pictures: Sequence[Pixels], places: Arrangement, labels: Texts, style: Style) -> Pixels:
    """Draw the sheet."""
    from PIL import Image

    sheet = Sheet(places, labels, style)
    canvas = Image.new("RGB", sheet.size, style.background)
    sheet.paste(canvas, pictures)
    sheet.write(canvas, labels)
    return np.array(canvas)
