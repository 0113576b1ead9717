"""Texts put together, picked, varied and read from files."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Annotated

from pydantic import Field

from nodegraph.errors import UserError
from nodegraph.node import Context, Doubts, Node, Output

from .files.find import content_digest, file_digest, find_file, read_file
from .files.texts import Encoding, column_of, decode_text, lines_of
from .prompts.foreign import find_foreign_choices
from .prompts.wildcards import LONGEST, chosen, names_in

Seed = Annotated[int, Field(ge=0, lt=2**32, description="The same seed makes the same choice.")]


class Text(Output):
    """A text."""

    text: str


class Texts(Output):
    """Several texts: whatever takes one of them runs once for each."""

    texts: list[str]


class JoinText(Node):
    """Put texts together; empty ones are left out."""

    aliases = ("concatenate",)

    texts: Annotated[list[str], Field(description="In this order."), Doubts(find_foreign_choices)]
    separator: Annotated[str, Field(description="What stands between two of them.")] = ", "

    def run(self) -> Text:
        texts = [text for text in self.texts if text.strip()]
        count = sum(map(len, texts)) + len(self.separator) * max(len(texts) - 1, 0)
        if count > LONGEST:
            raise UserError(f"texts: make {count:,} letters; {LONGEST:,} are the most")
        return Text(text=self.separator.join(texts))


class PickText(Node):
    """Pick one of several texts: by its place, or at random by a seed."""

    aliases = ("random choice",)

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

    aliases = ("dynamic prompts",)

    text: Annotated[
        str,
        Field(description="{a|b} is a or b; __name__ a line of name.txt in the input folders."),
        Doubts(find_foreign_choices),
    ]
    seed: Seed = 0

    lane = "io"
    version = 2

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
                path = Path(f"{name}.txt")
                text = decode_text(read_file(path, context.folders), str(path))
                lists[name] = lines_of(text)
                left += [inner for line in lists[name] for inner in names_in(line)]
        return sorted(lists.items())


class LoadPrompts(Node):
    """Read prompts from a file: its lines, or a column of a .csv or .tsv file."""

    aliases = ("prompts from file",)

    path: Annotated[Path, Field(description="A file in the input folders.")]
    column: Annotated[
        str, Field(description="Of a table: which one; empty: its only one, or the one 'prompt'.")
    ] = ""
    encoding: Annotated[
        Encoding,
        Field(
            description="auto reads Unicode; cp1252 is what Windows calls ANSI in Western Europe."
        ),
    ] = "auto"

    lane = "io"
    version = 2

    def stamp(self, context: Context) -> object:
        """The content of the file."""
        return file_digest(find_file(self.path, context.folders))

    def run(self, context: Context) -> Texts:
        data = read_file(self.path, context.folders)
        hint = ", or say in `encoding` what it is" if self.encoding == "auto" else ""
        text = decode_text(data, str(self.path), self.encoding, hint)
        suffix = self.path.suffix.lower()
        if suffix in (".csv", ".tsv"):
            texts = column_of(text, self.column, "\t" if suffix == ".tsv" else "")
        elif self.column:
            raise UserError(f"column: {str(self.path)!r} is no table (.csv or .tsv)")
        else:
            texts = lines_of(text)
        if not texts:
            raise UserError(f"path: {str(self.path)!r} holds no prompts")
        return Texts(texts=texts)
