"""The ladder of attempts when memory runs out: retry, halve the batch, then ask for savings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ...savings import NO_SAVINGS, Saving, Savings

T = TypeVar("T")

LADDER: tuple[tuple[Saving, Savings], ...] = (
    ("tiles", Savings(tiles=2)),
    ("tiles", Savings(tiles=4)),
    ("models", Savings(tiles=4, offload="models")),
    ("layers", Savings(tiles=4, offload="layers")),
)
"""What follows when a single item does not fit, cheapest first, each with the saving it needs."""


def rungs(supported: Sequence[Saving]) -> list[Savings]:
    """The rungs for a node that supports these savings; it is never asked for another one."""
    ladder = [savings for saving, savings in LADDER if saving in supported]
    return ladder if "tiles" in supported else [replace(savings, tiles=1) for savings in ladder]


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """Items that are to be computed together, and with which savings.

    Attributes:
        of: How many they would be if memory were no matter; 0 where it was none so far.
        retried: Memory was freed for them before.
        tried: What was in vain, in words.
    """

    items: tuple[T, ...]
    savings: Savings = NO_SAVINGS
    of: int = 0
    retried: bool = False
    tried: tuple[str, ...] = ()

    @property
    def degraded(self) -> tuple[str, ...]:
        """How its results differ from what was asked for, in words; empty where they do not."""
        count = len(self.items)
        smaller = (f"batch {count} of {self.of}",) if count < self.of else ()
        return smaller + self.savings.words

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
    attempt: Attempt[T], waiting: Sequence[Attempt[T]], supported: Sequence[Saving], *, freed: bool
) -> list[Attempt[T]] | None:
    """The attempts to make after memory ran out, the next one last; None where nothing is left.

    Retry with what was freed, halve the batch, then take the ladder's next rung. What ``waiting``
    attempts would run into as well they are spared.
    """
    tried = attempt.all_tried
    # Retry first, and once: often other results filled the device, not this attempt, and the same
    # computation then fits. Only after that it is known to be too large itself.
    if freed and not attempt.retried:
        return [*waiting, replace(attempt, retried=True, tried=tried)]
    # Halving comes before savings: a smaller batch costs little time and changes no picture, while
    # tiles leave seams and offloading is slow. So savings are asked for one item at a time only.
    size, savings = (len(attempt.items) + 1) // 2, attempt.savings
    if len(attempt.items) == 1:
        ladder = rungs(supported)
        rest = ladder[ladder.index(savings) + 1 :] if savings in ladder else ladder
        if not rest:
            return None
        savings = rest[0]
    # The last one is taken first: parts are laid down in reverse.
    after: list[Attempt[T]] = []
    for queued in (*waiting, attempt):
        # Parts of the same batch (an equal ``of``) would fail alike; others may be smaller.
        if queued is attempt or (attempt.of and queued.of == attempt.of):
            spared = replace(queued, savings=savings, retried=True, tried=tried)
            after += reversed(list(spared.cut(size)))
        else:
            after.append(queued)
    return after


def _words(attempt: Attempt[T]) -> str:
    count = len(attempt.items)
    batch = f"a batch of {count}" if count > 1 or attempt.of else "as it is"
    return ", ".join((batch, *attempt.savings.words))
