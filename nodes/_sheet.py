"""Where the pictures and labels of a Grid go, and drawing them there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Pixels = npt.NDArray[np.uint8]
LARGEST = 128_000_000  # pixels
MOST_LINES = 3  # of a label; the rest of a long prompt becomes "…"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many columns and rows, and the size of each cell: the largest picture's, side by side."""

    count: int
    columns: int
    rows: int
    cell: tuple[int, int]

    @classmethod
    def of(cls, sizes: Sequence[tuple[int, int]], columns: int | None) -> Plan:
        """Plan for pictures of these (width, height); without columns, as square as can be."""
        columns = min(columns or math.ceil(math.sqrt(len(sizes))), len(sizes))
        cell = max(width for width, _ in sizes), max(height for _, height in sizes)
        return cls(len(sizes), columns, math.ceil(len(sizes) / columns), cell)


@dataclass(frozen=True, slots=True)
class Texts:
    """Every label, none where there are none."""

    below: Sequence[str] = ()
    above: Sequence[str] = ()
    left: Sequence[str] = ()


def texts(plan: Plan, labels: Sequence[str], above: Sequence[str], left: Sequence[str]) -> Texts:
    """Check that there are as many labels as there are places for them."""
    given = (("labels", labels, plan.count, "pictures"),
             ("column_labels", above, plan.columns, "columns"),
             ("row_labels", left, plan.rows, "rows"))  # fmt: skip
    for name, said, places, what in given:
        if said and len(said) != places:
            raise UserError(f"{name}: {len(said)} for {places} {what}; give one each, or none")
    return Texts(labels, above, left)


class Lettering:
    """Labels in a size that reads well beside pictures of one size."""

    def __init__(self, cell: tuple[int, int], colour: str) -> None:
        from PIL import ImageFont

        self.size = max(10, min(cell[0] // 14, cell[1] // 8, 48))
        self.font = ImageFont.load_default(self.size)
        self.line = round(self.size * 1.3)
        self.colour = colour

    def wrap(self, text: str, width: int) -> list[str]:
        """Break a label into lines no wider than ``width`` pixels."""
        lines: list[str] = []
        for word in self.words(text, width):
            joined = f"{lines[-1]} {word}" if lines else word
            if lines and self.font.getlength(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(word)
        if len(lines) > MOST_LINES:
            last = lines[MOST_LINES - 1]
            while last and self.font.getlength(f"{last}…") > width:
                last = last[:-1]
            lines = [*lines[: MOST_LINES - 1], f"{last}…"]
        return lines

    def words(self, text: str, width: int) -> Iterator[str]:
        """The words of a label, one that is wider than ``width`` in pieces."""
        for word in text.split():
            rest = word
            while rest:
                fits = len(rest)
                while fits > 1 and self.font.getlength(rest[:fits]) > width:
                    fits -= 1
                yield rest[:fits]
                rest = rest[fits:]

    def height(self, labels: Sequence[str], width: int) -> int:
        """What the tallest of the labels needs."""
        return max((len(self.wrap(label, width)) for label in labels), default=0) * self.line

    def write(self, sheet: Picture, text: str, box: tuple[int, int, int, int]) -> None:
        """Centre a label in a box (left, top, width, height)."""
        from PIL import ImageDraw

        left, top, width, height = box
        lines = self.wrap(text, width)
        top += (height - len(lines) * self.line) // 2
        pen = ImageDraw.Draw(sheet)
        for i, line in enumerate(lines):
            start = left + (width - self.font.getlength(line)) / 2
            pen.text((start, top + i * self.line), line, fill=self.colour, font=self.font)


def draw(
    pictures: Sequence[Pixels], plan: Plan, said: Texts, padding: int, background: str
) -> Pixels:
    """Draw the sheet: pictures of another size are scaled to fit their cell whole, and centred."""
    from PIL import Image, ImageColor, ImageOps

    red, green, blue = ImageColor.getrgb(background)[:3]
    light = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    letters = Lettering(plan.cell, "#1a1a1a" if light else "#f0f0f0")
    wide, tall = plan.cell
    margin = min(
        wide, max((round(letters.font.getlength(one)) for one in said.left), default=0) + 4
    )
    left = margin + padding if said.left else 0
    head, foot = letters.height(said.above, wide), letters.height(said.below, wide)
    top = head + padding if said.above else 0
    step_x, step_y = wide + padding, tall + foot + padding
    size = left + padding + plan.columns * step_x, top + padding + plan.rows * step_y
    if size[0] * size[1] > LARGEST:
        raise UserError(
            f"the sheet would be {size[0]} x {size[1]}, over {LARGEST // 10**6} megapixels;"
            " resize the pictures first"
        )
    sheet = Image.new("RGB", size, background)

    def corner(i: int) -> tuple[int, int]:
        row, column = divmod(i, plan.columns)
        return left + padding + column * step_x, top + padding + row * step_y

    for i, pixels in enumerate(pictures):
        fitted = ImageOps.contain(Image.fromarray(pixels), plan.cell)
        x, y = corner(i)
        sheet.paste(fitted, (x + (wide - fitted.width) // 2, y + (tall - fitted.height) // 2))
    for i, label in enumerate(said.below):
        x, y = corner(i)
        letters.write(sheet, label, (x, y + tall, wide, letters.height([label], wide)))
    for i, label in enumerate(said.above):
        letters.write(sheet, label, (corner(i)[0], padding, wide, head))
    for i, label in enumerate(said.left):
        letters.write(sheet, label, (padding, corner(i * plan.columns)[1], margin, tall))
    return np.array(sheet)
