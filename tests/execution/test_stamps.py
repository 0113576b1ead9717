"""Stamps of nodes: what else a result depends on, and what is fetched to find out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from nodegraph import Builder, Cache
from nodegraph.node import Context, Node, Output


class Number(Output):
    """A number."""

    number: int


class Words(Output):
    """A text."""

    text: str


class Counts(Node):
    """Stands for what is large and dear to fetch."""

    start: int = 1

    def run(self) -> Number:
        return Number(number=self.start + 1)


class Says(Node):
    """Gives a text."""

    text: str = "a"

    def run(self) -> Words:
        return Words(text=self.text)


class Letters(Node):
    """A number and a text, whose stamp looks at the text alone."""

    number: int
    text: str
    size: int = 3

    stamp_inputs = ("text", "size")

    def stamp(self, context: Context) -> object:
        """By the text."""
        return self.stamp_by({"text": self.text, "size": self.size}, context)

    @classmethod
    def stamp_by(cls, inputs: Mapping[str, Any], context: Context) -> object:  # noqa: ARG003
        """By the text."""
        return [inputs["text"], inputs["size"], STAMPS[0], *sorted(inputs)]

    def run(self) -> Number:
        return Number(number=self.number)


STAMPS = [0]


def test_a_stamp_that_looks_at_some_inputs_fetches_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    builder, cache, fetched = Builder(), Cache.in_memory(), list[str]()
    get = Cache.get

    def noted(self: Cache, key: bytes, kind: type[Node], device: str | None = None) -> Any:
        fetched.append(kind.__name__)
        return get(self, key, kind, device)

    numbers, words = builder.add("numbers", Counts), builder.add("words", Says)
    last = builder.add("last", Letters, number=numbers.number, text=words.text)
    first = builder.run(last, cache).number
    monkeypatch.setattr(Cache, "get", noted)

    again = builder.run(last, cache).number
    known = [*fetched]
    STAMPS[0] += 1
    builder.run(last, cache)

    assert (first, again) == (2, 2)
    assert "Counts" not in known
    assert "Counts" in fetched[len(known) :]
