"""Kinds found by the words that people have for them: titles, aliases, groups, descriptions."""

from __future__ import annotations

import re

from .registry import Kind, Registry, Template
from .schema import describe


def find_kinds(words: str, registry: Registry) -> list[str]:
    """The types in which every word begins a word of what they are called, the best first.

    Exactly so called comes first, then so called in part, then so described; nodes come before
    workflows that are found as well.
    """
    wanted = words.lower().split()
    if not wanted:
        return []
    ranks = {name: _rank(wanted, kind, registry) for name, kind in registry.items()}
    found = [name for name, rank in ranks.items() if rank is not None]
    return sorted(found, key=lambda name: (ranks[name], isinstance(registry[name], Template)))


def _rank(wanted: list[str], kind: Kind, registry: Registry) -> int | None:
    described = describe(kind, registry)
    called = [described["title"], described["type"], *described.get("aliases", ())]
    if " ".join(wanted) in map(str.lower, called):
        return 0
    for rank, texts in enumerate([called, [*called, described["group"], described["doc"]]], 1):
        begun = " ".join(map(_words, texts))
        if all(f" {word}" in f" {begun}" for word in wanted):
            return rank
    return None


def _words(text: str) -> str:
    """The text in small letters, and its words where capitals begin them too."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^\w-]+", " ", text)
    return f"{text} {parted}".lower()
