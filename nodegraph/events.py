"""Events of a run, as its driver gets them one by one, and the outcome at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .base.keys import Key
from .errors import NodeError
from .savings import Shortages

Items: TypeAlias = tuple[int, ...]
"""Which items of a call an event is about; empty for a call that is not mapped."""


@dataclass(frozen=True, slots=True)
class Started:
    """A node began to work on these items."""

    name: str
    items: Items


@dataclass(frozen=True, slots=True)
class Progressed:
    """A running node has done ``done`` of ``total`` steps on these items.

    Attributes:
        resumed: An earlier run did these steps; this one goes on from there.
    """

    name: str
    items: Items
    done: int
    total: int
    preview: object = None
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """One item is known: computed in ``seconds`` or, when ``cached``, from before.

    Attributes:
        degraded: How it was made to fit into memory: ``batch 2 of 4``, ``tiled``, …
        resumed: Where it went on from what an earlier run had done: ``at step 16 of 20``; empty
            where it began anew, or was known.
    """

    name: str
    items: Items
    seconds: float
    cached: bool
    key: Key
    degraded: tuple[str, ...] = ()
    resumed: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A node raised on one item."""

    name: str
    items: Items
    error: NodeError


@dataclass(frozen=True, slots=True)
class Skipped:
    """One item cannot be computed because the node ``because`` failed."""

    name: str
    items: Items
    because: str


Event: TypeAlias = Started | Progressed | Finished | Failed | Skipped


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the results that could be had, and what failed.

    Attributes:
        keys: The key of every result, in words; one for each item of a list.
        degraded: What had to be made to fit into memory, by address: in which words.
        shortages: How every result and all it depends on was made to fit; one for each item.
    """

    results: Mapping[str, object]
    failures: tuple[NodeError, ...]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    degraded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shortages: Mapping[str, tuple[Shortages, ...]] = field(default_factory=dict)


class Interrupted(KeyboardInterrupt):
    """A run that Ctrl-C, or a signal like it, has cancelled.

    Attributes:
        outcome: What had been finished. A list has None for each item that had not.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("cancelled")
        self.outcome = outcome
