"""The frame of all figures: rows of pictures and cards, and an arrow behind what goes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TypeAlias

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from nodes.types import Image

WIDTH = 700  # pixels: of every figure, and of the column that pages show it in
MARGIN, GAP, ARROW = 14, 12, 30
PAPER, CARD, EDGE = "#ebebeb", "#ffffff", "#c9c9c4"  # black and white masks stand out from paper
INK, FAINT = "#2b2b2b", "#75756e"
LETTERS, SMALL = 14, 12
FINE = 8  # letters and arrows are drawn so many times larger
LARGEST = 60_000  # bytes
COLOURS = (256, 160, 112, 80, 56)


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture or a card, and what is written below it."""

    image: Image
    label: str = ""


Row: TypeAlias = Sequence[Panel | None]
"""Panels from left to right; None is an arrow."""
Figure: TypeAlias = Sequence[Row]


def space() -> Panel:
    """Some room between two pairs of panels."""
    return Panel(Image(np.full((1, GAP, 3), int(PAPER[1:3], 16), np.uint8)))


def figure(rows: Figure) -> Image:
    """Draw rows of panels, each in the middle of the width."""
    heights = [_height(row) for row in rows]
    whole = 2 * MARGIN + sum(heights) + GAP * (len(rows) - 1)
    sheet = Pictures.new("RGB", (WIDTH, whole), PAPER)
    top = MARGIN
    for row, height in zip(rows, heights, strict=True):
        _draw(sheet, row, top)
        top += height + GAP
    return Image(np.asarray(sheet))


def _height(row: Row) -> int:
    tallest = _tallest(row)
    return max(
        _above(panel, tallest) + panel.image.size[1] + _line(LETTERS) * len(_label(panel))
        for panel in row
        if panel
    )


def _above(panel: Panel, tallest: int) -> int:
    """The room that brings a panel to the middle of its row."""
    return (tallest - panel.image.size[1]) // 2


def _label(panel: Panel) -> list[str]:
    return wrap(panel.label, LETTERS, panel.image.size[0] + GAP - 2)


def _tallest(row: Row) -> int:
    return max(panel.image.size[1] for panel in row if panel)


def _draw(sheet: Pictures.Image, row: Row, top: int) -> None:
    widths = [panel.image.size[0] if panel else ARROW for panel in row]
    left = (WIDTH - sum(widths) - GAP * (len(row) - 1)) // 2
    if left < MARGIN:
        raise ValueError(f"a row is {2 * (MARGIN - left)} pixels too wide")
    tallest = _tallest(row)
    for panel, width in zip(row, widths, strict=True):
        if panel is None:
            sheet.paste(_arrow(), (left, top + (tallest - ARROW) // 2))
        else:
            _place(sheet, panel, (left, top + _above(panel, tallest)))
        left += width + GAP


def _place(sheet: Pictures.Image, panel: Panel, corner: tuple[int, int]) -> None:
    """Lay a panel down, and write its label centred below it."""
    sheet.paste(panel.image.pil(), corner)
    left, top = corner
    top += panel.image.size[1] + 3
    for line in _label(panel):
        start = left + (panel.image.size[0] - _length(line, LETTERS)) / 2
        _text(sheet, line, LETTERS, INK, (round(start), top))
        top += _line(LETTERS)


def _text(
    sheet: Pictures.Image, text: str, size: int, colour: str, corner: tuple[int, int]
) -> None:
    """Write a line, drawn large and scaled down: letters keep the distances they are made for."""
    room = (round(_length(text, size)) + 2 * size) * FINE, 2 * size * FINE
    large = Pictures.new("L", room)
    ImageDraw.Draw(large).text((0, 0), text, fill=255, font=_font(size))
    sheet.paste(colour, corner, large.reduce(FINE))


@cache
def _arrow() -> Pictures.Image:
    """An arrow to the right, drawn large and scaled down, so that its sides are smooth."""
    drawn = Pictures.new("RGB", (ARROW * FINE, ARROW * FINE), PAPER)
    pen, middle, end = ImageDraw.Draw(drawn), ARROW * FINE // 2, (ARROW - 2) * FINE
    pen.line([(2 * FINE, middle), (end - 4 * FINE, middle)], fill=FAINT, width=2 * FINE)
    head = [(end - 9 * FINE, middle - 6 * FINE), (end, middle), (end - 9 * FINE, middle + 6 * FINE)]
    pen.polygon(head, fill=FAINT)
    return drawn.resize((ARROW, ARROW), Pictures.Resampling.LANCZOS)


def card(width: int, *entries: tuple[str, str], height: int = 0) -> Image:
    """Names and texts on white, each text below its name; an empty name only leaves some room."""
    inside = width - 2 * GAP
    lines = [line for name, text in entries for line in _entry(name, text, inside)]
    needed = sum(room for _, _, room in lines) + 2 * GAP - 4
    drawn = Pictures.new("RGB", (width, max(height, needed)), CARD)
    ImageDraw.Draw(drawn).rectangle((0, 0, width - 1, drawn.height - 1), outline=EDGE)
    top = GAP - 3
    for text, size, room in lines:
        colour = INK if size == LETTERS else FAINT
        _text(drawn, text, size, colour, (GAP, top))
        top += room
    return Image(np.asarray(drawn))


def _entry(name: str, text: str, width: int) -> Iterator[tuple[str, int, int]]:
    """The lines of an entry: what is written, in which size, and the room it takes."""
    if name:
        yield name, SMALL, _line(SMALL)
    paragraphs = text.split("\n")
    lines = [line for paragraph in paragraphs for line in wrap(paragraph, LETTERS, width) or [""]]
    for index, line in enumerate(lines):
        yield line, LETTERS, _line(LETTERS) + 4 * (index == len(lines) - 1)


def wrap(text: str, size: int, width: int) -> list[str]:
    """Break a text into lines no wider than ``width`` pixels, within a word where it must be."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and _length(joined, size) <= width:
            lines[-1] = joined
            continue
        while len(word) > 1 and _length(word, size) > width:
            fits = next(n for n in range(len(word), 0, -1) if _length(word[:n], size) <= width)
            lines.append(word[:fits])
            word = word[fits:]  # noqa: PLW2901
        lines.append(word)
    return lines


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * FINE)


def _length(text: str, size: int) -> float:
    return _font(size).getlength(text) / FINE


def _line(size: int) -> int:
    return round(size * 1.3)


def small(drawn: Image) -> bytes:
    """A PNG of as many colours as keep it small."""
    for colours in COLOURS:
        few = drawn.pil().quantize(
            colours, Pictures.Quantize.MEDIANCUT, kmeans=1, dither=Pictures.Dither.NONE
        )
        file = BytesIO()
        few.save(file, "PNG", optimize=True)
        if len(file.getvalue()) <= LARGEST:
            return file.getvalue()
    raise ValueError(f"{len(file.getvalue()):,} bytes, over {LARGEST:,}: show less")
