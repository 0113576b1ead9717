"""Savings of memory as data: those a node supports, those it is asked for, and shortages met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Offload: TypeAlias = Literal["models", "layers"]
"""What is on the device at a time of weights that wait on the host: of several models one, whole,
or of each a layer."""
Saving: TypeAlias = Literal["tiles"] | Offload
"""What a node can do with less memory: ``Node.savings`` says which of them it knows."""
OnOom: TypeAlias = Literal["degrade", "fail"]
Shortages: TypeAlias = Mapping[str, tuple[str, ...]]
"""How nodes were made to fit into memory, by name: ``batch 2 of 4``, ``tiled``, …"""
NO_SHORTAGES: Shortages = {}


@dataclass(frozen=True, slots=True)
class Savings:
    """How sparing a node is asked to be with memory; at first not at all.

    Attributes:
        tiles: Into how many overlapping parts a picture's sides are cut.
        offload: Whether weights wait on the host, and what of them is on the device at a time.
    """

    tiles: int = 1
    offload: Offload | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Short descriptions for the record of a result that was computed like this."""
        tiled = ("tiled",) if self.tiles > 1 else ()
        return tiled + ((f"{self.offload} offloaded",) if self.offload else ())


NO_SAVINGS = Savings()


def merge_shortages(shortages: Iterable[Shortages]) -> Shortages:
    """All of them as one, each word of a node once."""
    merged: dict[str, dict[str, None]] = {}
    for part in shortages:
        for name, words in part.items():
            merged.setdefault(name, {}).update(dict.fromkeys(words))
    return {name: tuple(words) for name, words in merged.items()}
