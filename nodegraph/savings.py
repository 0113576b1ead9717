"""What to do when memory runs out, as data: the rungs of a ladder, and which one comes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeAlias, TypeVar

Offload: TypeAlias = Literal["models", "layers"]
"""What is on the device at a time of weights that wait on the host: of several models one, whole,
or of each a layer."""
Saving: TypeAlias = Literal["tiles"] | Offload
"""What a node can do with less memory: ``Node.savings`` says which of them it knows."""
OnOom: TypeAlias = Literal["degrade", "fail"]
Shortages: TypeAlias = Mapping[str, tuple[str, ...]]
"""How nodes were made to fit into memory, by name: in the words of ``Attempt.degraded``."""
NONE: Shortages = {}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Thrift:
    """How sparing a node is asked to be with memory; at first not at all.

    Attributes:
        tiles: Into how many overlapping parts a picture's sides are cut.
        offload: Whether weights wait on the host, and what of them is on the device at a time.
    """

    tiles: int = 1
    offload: Offload | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What a result says that was made like this."""
        tiled = ("tiled",) if self.tiles > 1 else ()
        return tiled + ((f"{self.offload} offloaded",) if self.offload else ())


PLAIN = Thrift()

LADDER: tuple[tuple[Saving, Thrift], ...] = (
    ("tiles", Thrift(tiles=2)),
    ("tiles", Thrift(tiles=4)),
    ("models", Thrift(tiles=4, offload="models")),
    ("layers", Thrift(tiles=4, offload="layers")),
)
"""What follows when a single item does not fit, cheapest first, each with the saving it needs."""


def rungs(savings: Sequence[Saving]) -> list[Thrift]:
    """The rungs of a node that knows these savings; what it does not know it is not asked for."""
    known = [rung for saving, rung in LADDER if saving in savings]
    return known if "tiles" in savings else [replace(rung, tiles=1) for rung in known]


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """Items that are to be computed together, and how.

    Attributes:
        of: How many they would be if memory were no matter; 0 where it was none so far.
        retried: Memory was freed for them before.
        tried: What was in vain, in words.
    """

    items: tuple[T, ...]
    thrift: Thrift = PLAIN
    of: int = 0
    retried: bool = False
    tried: tuple[str, ...] = ()

    @property
    def degraded(self) -> tuple[str, ...]:
        """What its results say of how they were made; nothing where they are as asked for."""
        count = len(self.items)
        smaller = (f"batch {count} of {self.of}",) if count < self.of else ()
        return smaller + self.thrift.words

    @property
    def all_tried(self) -> tuple[str, ...]:
        """What was in vain when this one was, too."""
        return (*self.tried, _words(self))

    def cut(self, size: int) -> Iterator[Attempt[T]]:
        """Yield parts of at most ``size`` items, for want of memory."""
        of = self.of or len(self.items)
        for start in range(0, len(self.items), size):
            items = self.items[start : start + size]
            yield self if items == self.items else replace(self, items=items, of=of)


def lower(
    attempt: Attempt[T], waiting: Sequence[Attempt[T]], savings: Sequence[Saving], *, freed: bool
) -> list[Attempt[T]] | None:
    """What to try after memory ran out, the next one last; None where nothing is left.

    Retry with what was freed, halve the batch, then take the ladder's next rung. What ``waiting``
    attempts would run into as well they are spared.
    """
    tried = attempt.all_tried
    if freed and not attempt.retried:
        return [*waiting, replace(attempt, retried=True, tried=tried)]
    size, thrift = (len(attempt.items) + 1) // 2, attempt.thrift
    if len(attempt.items) == 1:
        known = rungs(savings)
        left = known[known.index(thrift) + 1 :] if thrift in known else known
        if not left:
            return None
        thrift = left[0]
    # The last one is taken first: parts are laid down in reverse.
    after: list[Attempt[T]] = []
    for one in (*waiting, attempt):
        if one is attempt or (attempt.of and one.of == attempt.of):
            spared = replace(one, thrift=thrift, retried=True, tried=tried)
            after += reversed(list(spared.cut(size)))
        else:
            after.append(one)
    return after


def together(shortages: Iterable[Shortages]) -> Shortages:
    """All of them as one, each word of a node once."""
    found: dict[str, dict[str, None]] = {}
    for one in shortages:
        for name, words in one.items():
            found.setdefault(name, {}).update(dict.fromkeys(words))
    return {name: tuple(words) for name, words in found.items()}


def _words(attempt: Attempt[T]) -> str:
    count = len(attempt.items)
    batch = f"a batch of {count}" if count > 1 or attempt.of else "as it is"
    return ", ".join((batch, *attempt.thrift.words))
