"""Text files as people's programs write them: byte order marks, ends of lines, tables."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Literal, TypeAlias

from nodegraph.errors import UserError, did_you_mean

Encoding: TypeAlias = Literal[
    "auto", "utf-8", "utf-16", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "gb18030",
    "big5", "cp949",
]  # fmt: skip
"""What a text's bytes mean, as Python names it; auto tells Unicode by itself."""

# UTF-32's begins as UTF-16's does, so it goes first.
_MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SEPARATORS = ",;\t|"
_NONE = "\x1f"  # ASCII's own separator of units: in no table that anybody writes by hand
_ENDS = re.compile(r"\r\n|\r|\n")


def decode_text(data: bytes, name: str, encoding: Encoding = "auto", hint: str = "") -> str:
    """The text in a file.

    Args:
        hint: What to do about bytes that are no text, beside saving them as UTF-8.

    Raises:
        UserError: Its bytes are no text in this encoding.
    """
    codec = next((codec for mark, codec in _MARKS.items() if data.startswith(mark)), "")
    if not codec:
        codec = _unmarked(data) if encoding == "auto" else encoding
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        kind = codec.removesuffix("-sig").upper()
        raise UserError(f"{name!r} is no {kind} text; save it as UTF-8{hint}") from error


def _unmarked(data: bytes) -> str:
    """UTF-8, unless every other byte at the beginning is a zero: letters of UTF-16."""
    start = data[:64]
    if len(start) >= 4 and len(data) % 2 == 0:
        high, low = start[::2], start[1::2]
        if not any(low) and all(high):
            return "utf-16-le"
        if not any(high) and all(low):
            return "utf-16-be"
    return "utf-8"


def lines_of(text: str) -> list[str]:
    """The lines of a text; empty ones, and those that begin with #, are left out.

    Only line feeds and carriage returns end one: Unicode's separators and vertical tabs are what
    people paste without seeing them.
    """
    lines = [line.strip() for line in _ENDS.split(text)]
    return [line for line in lines if line and not line.startswith("#")]


def column_of(text: str, name: str, separator: str = "") -> list[str]:
    """A column of a table, by the name in its first row; rows without any entry are left out.

    Args:
        name: Of the column; empty: the only one, or the one called "prompt".
        separator: What parts its columns; empty: as a line ``sep=;`` or the first row tells.

    Raises:
        UserError: It is no table, or has no such column.
    """
    said = re.match(r"sep=(.)(?:\r\n|\r|\n|\Z)", text)
    body = text[said.end() :] if said else text
    parted = said[1] if said else separator or _separator(body)
    rows = [*_rows(body, parted, skipped=1 if said else 0)]
    if not rows:
        return []
    (_, header), *entries = rows
    columns = [column.strip() for column in header]
    named = [column for column in columns if column]
    wanted = name or (named[0] if len(named) == 1 else "prompt")
    if wanted not in named:
        raise UserError(f"column: {did_you_mean(wanted, named)}")
    if columns.count(wanted) > 1:
        raise UserError(f"column: the table has {columns.count(wanted)} columns {wanted!r}")
    place = columns.index(wanted)
    for line, row in entries:
        if any(entry.strip() for entry in row[len(columns) :]):
            sign = {"\t": "tab"}.get(parted, parted)
            raise UserError(
                f"path: line {line} has {len(row)} columns, but the first row names {len(columns)};"
                f' put a text with {sign} in it in quotes: "…"'
            )
    return [row[place] if place < len(row) else "" for _, row in entries]


def _rows(text: str, separator: str, skipped: int) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows that have any entry, each with the line that it begins in.

    Raises:
        UserError: A quote is not closed, or closed amid an entry.
    """
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            unclosed = str(error) == "unexpected end of data"
            problem = "a quote that opens there is never closed" if unclosed else str(error)
            raise UserError(f"path: the table cannot be read from line {line} on: {problem}") from (
                error
            )
        if any(entry.strip() for entry in row):
            yield line, row


def _separator(text: str) -> str:
    """What parts the columns, by the first row: the sign that stands there most often.

    Signs in quotes do not count. Without any the table has one column, and its texts may hold all.
    """
    first = next((line for line in _ENDS.split(text) if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    counts = {sign: bare.count(sign) for sign in _SEPARATORS}
    best = max(_SEPARATORS, key=counts.__getitem__)
    return best if counts[best] else _NONE
