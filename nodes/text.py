"""Texts put together, picked, varied and read from files."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from random import Random
from typing import Annotated

from pydantic import Field

from nodegraph.errors import UserError, did_you_mean
from nodegraph.node import Context, Doubts, Node, Output

from .files.find import content_digest, file_digest, find_file, read_file
from .prompts.foreign import find_foreign_choices
from .prompts.wildcards import chosen, names_in

Seed = Annotated[int, Field(ge=0, lt=2**32, description="The same seed makes the same choice.")]


class Text(Output):
    """A text."""

    text: str


class Texts(Output):
    """Several texts: whatever takes one of them runs once for each."""

    texts: list[str]


class JoinText(Node):
    """Put texts together; empty ones are left out."""

    texts: Annotated[list[str], Field(description="In this order."), Doubts(find_foreign_choices)]
    separator: Annotated[str, Field(description="What stands between two of them.")] = ", "

    def run(self) -> Text:
        return Text(text=self.separator.join(text for text in self.texts if text.strip()))


class PickText(Node):
    """Pick one of several texts: by its place, or at random by a seed."""

    texts: Annotated[
        list[str], Field(min_length=1, description="To pick from."), Doubts(find_foreign_choices)
    ]
    index: Annotated[
        int | None, Field(ge=0, description="Its place, counted from 0; empty: as the seed says.")
    ] = None
    seed: Seed = 0

    def run(self) -> Text:
        count = len(self.texts)
        if self.index is None:
            return Text(text=self.texts[int(Random(self.seed).random() * count)])
        if self.index >= count:
            last = f"the last of {count} texts is {count - 1}"
            raise UserError(f"index: {self.index}, but {last}")
        return Text(text=self.texts[self.index])


class Wildcard(Node):
    """Settle the choices in a text, by a seed: {red|blue}, and __colours__ from colours.txt."""

    text: Annotated[
        str,
        Field(description="{a|b} is a or b; __name__ a line of name.txt in the input folders."),
        Doubts(find_foreign_choices),
    ]
    seed: Seed = 0

    lane = "io"

    def stamp(self, context: Context) -> object:
        """The content of every list that the text may lead to."""
        return {
            name: content_digest("\n".join(lines).encode()) for name, lines in self._lists(context)
        }

    def run(self, context: Context) -> Text:
        lists = dict(self._lists(context))
        return Text(text=chosen(self.text, self.seed, lists.__getitem__))

    def _lists(self, context: Context) -> list[tuple[str, list[str]]]:
        lists: dict[str, list[str]] = {}
        left = names_in(self.text)
        while left:
            name = left.pop()
            if name not in lists:
                lists[name] = _lines(Path(f"{name}.txt"), context)
                left += [inner for line in lists[name] for inner in names_in(line)]
        return sorted(lists.items())


class LoadPrompts(Node):
    """Read prompts from a file: its lines, or a column of a .csv or .tsv file."""

    path: Annotated[Path, Field(description="A file in the input folders.")]
    column: Annotated[
        str, Field(description="Of a table: which one; empty: its only one, or the one 'prompt'.")
    ] = ""

    lane = "io"

    def stamp(self, context: Context) -> object:
        """The content of the file."""
        return file_digest(find_file(self.path, context.folders))

    def run(self, context: Context) -> Texts:
        suffix = self.path.suffix.lower()
        if suffix in (".csv", ".tsv"):
            delimiter = "\t" if suffix == ".tsv" else ","
            texts = _column(_read(self.path, context), self.column, delimiter)
        elif self.column:
            raise UserError(f"column: {str(self.path)!r} is no table (.csv or .tsv)")
        else:
            texts = _lines(self.path, context)
        if not texts:
            raise UserError(f"path: {str(self.path)!r} holds no prompts")
        return Texts(texts=texts)


def _read(path: Path, context: Context) -> str:
    try:
        return read_file(path, context.folders).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{str(path)!r} is no UTF-8 text") from error


def _lines(path: Path, context: Context) -> list[str]:
    """The lines of a file; empty ones, and those that begin with #, are left out."""
    lines = [line.strip() for line in _read(path, context).splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _column(text: str, name: str, delimiter: str) -> list[str]:
    """A column of a table, by the name in its first row; rows without any entry are left out."""
    try:
        rows = list(csv.DictReader(StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise UserError(f"path: the table cannot be read: {error}") from error
    columns = [column for column in (rows[0] if rows else {}) if column]
    column = name or (columns[0] if len(columns) == 1 else "prompt")
    if rows and column not in columns:
        raise UserError(f"column: {did_you_mean(column, columns)}")
    return [row[column] or "" for row in rows if _filled(row)]


def _filled(row: Mapping[str, object]) -> bool:
    return any(isinstance(entry, str) and entry.strip() for entry in row.values())
