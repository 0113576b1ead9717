"""Kinds are found by the words of the field, as by the palette, which reads the same table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nodegraph.cli.kinds import load_kinds
from nodegraph.graph.search import find_kinds
from nodegraph.node import Composite, Node
from nodes import NODES

ROOT = Path(__file__).parents[2]
KINDS = load_kinds([])
WORDS: dict[str, str] = json.loads((ROOT / "editor/src/testing/words.json").read_text())


@pytest.mark.parametrize(("words", "kind"), WORDS.items())
def test_a_word_of_the_field_finds_its_node_first(words: str, kind: str) -> None:
    assert find_kinds(words, KINDS)[0] == kind


def test_what_nothing_is_called_finds_nothing() -> None:
    assert find_kinds("zzz", KINDS) == find_kinds(" ", KINDS) == []


@pytest.mark.parametrize("kind", NODES, ids=lambda kind: kind.__name__)
def test_aliases_are_words_and_not_the_name_again(kind: type[Node] | type[Composite]) -> None:
    assert isinstance(kind.aliases, tuple)
    assert all(alias.strip() and alias.lower() != kind.__name__.lower() for alias in kind.aliases)
