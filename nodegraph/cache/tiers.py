"""A tier: entries within a byte budget, and which of them goes first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any, TypeAlias

Queued: TypeAlias = tuple[tuple[float, int], int, Hashable]


class Entry:
    """One thing held in memory: an output, or the weights of a model.

    Attributes:
        bytes: What it holds, at least 1.
        seconds: What it takes to get it back: computing, or loading.
        place: Where it lies: ``cpu``, ``cuda:0``, …
        homes: Of an output: for every leaf, whether it was made on a device. None for weights.
        leases: How many nodes are using it where it lies; then it cannot move.
        fixed: It is of no use elsewhere: it is not moved, but dropped.
        rank: Higher is kept longer; among equals, what was used later.
        aside: It was passed over when room was needed, and is not chosen until it is offered.
    """

    __slots__ = (
        "aside", "bytes", "fixed", "homes", "key", "leases", "place", "rank", "seconds", "ticket",
        "value",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 (a dataclass would write it, but slower)
        self,
        key: Hashable,
        value: Any,
        size: int,
        seconds: float,
        place: str = "cpu",
        homes: tuple[bool, ...] | None = None,
    ) -> None:
        self.key, self.value, self.bytes, self.seconds = key, value, max(size, 1), seconds
        self.place, self.homes, self.leases, self.fixed = place, homes, 0, False
        self.rank, self.ticket, self.aside = (0.0, 0), -1, True


class Tier:
    """Entries of one place, the cheapest to get back per byte going first.

    GreedyDual-Size (Cao and Irani 1997): ``clock`` is the rank of what went last, and a new or used
    entry starts from there, so that disuse ages an entry. Upcoming weights go after all of them.
    """

    def __init__(
        self, budget: int, pins: Mapping[Hashable, int], upcoming: Mapping[Hashable, int]
    ) -> None:
        self.budget, self.bytes, self.clock = budget, 0, 0.0
        self.entries: dict[Hashable, Entry] = {}
        self._pins, self._upcoming = pins, upcoming
        self._uses, self._tickets = count(), count()
        # Entries that left, or were queued anew, stay in the heaps until they come up: only the
        # entry's latest ticket counts. Keys, so that no value is kept alive by a heap.
        self._free: list[Queued] = []
        self._pinned: list[Queued] = []

    def add(self, entry: Entry) -> None:
        """Hold an entry, in place of one with the same key."""
        self.hold(entry)
        self.touch(entry)
        self.offer(entry)

    def touch(self, entry: Entry) -> None:
        """Note that an entry was used."""
        cost = inf if entry.key in self._upcoming else self.clock + entry.seconds / entry.bytes
        entry.rank = (cost, next(self._uses))

    def rank(self, entry: Entry) -> None:
        """Rank an entry anew that has become upcoming, or is not any more."""
        self.touch(entry)
        if not entry.aside:
            self._queue(self._free, entry)

    def offer(self, entry: Entry) -> None:
        """Let an entry be chosen, again where it was pinned or leased when room was needed."""
        if not entry.aside:
            return
        entry.aside = False
        self._queue(self._free, entry)

    def hold(self, entry: Entry) -> None:
        """Keep an entry that has nowhere to go."""
        before = self.entries.get(entry.key)
        if before is not None:
            self.bytes -= before.bytes
        self.entries[entry.key] = entry
        self.bytes += entry.bytes
        entry.aside = True

    def grow(self, entry: Entry, size: int) -> None:
        """Note that an entry that is held here has so many bytes more."""
        entry.bytes += size
        self.bytes += size

    def remove(self, key: Hashable) -> Entry | None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry.bytes
        return entry

    def victim(self, pinned: bool = True) -> Entry | None:
        """Take out what goes first; a pinned one only if asked for, and if nothing else is left."""
        entry = self._lowest(self._free, pinned=False)
        if entry is None and pinned:
            entry = self._lowest(self._pinned, pinned=True)
        if entry is not None:
            self.remove(entry.key)
            if entry.rank[0] < inf:
                self.clock = max(self.clock, entry.rank[0])
        return entry

    def _queue(self, heap: list[Queued], entry: Entry) -> None:
        entry.ticket = next(self._tickets)
        if len(heap) > 2 * len(self.entries) + 64:
            heap[:] = sorted(queued for queued in heap if self._is_current(queued))
        heappush(heap, (entry.rank, entry.ticket, entry.key))

    def _is_current(self, queued: Queued) -> bool:
        entry = self.entries.get(queued[2])
        return entry is not None and entry.ticket == queued[1]

    def _lowest(self, heap: list[Queued], pinned: bool) -> Entry | None:
        while heap:
            queued = heappop(heap)
            entry = self.entries.get(queued[2])
            if entry is None or entry.ticket != queued[1] or entry.aside != pinned:
                continue
            # Used since it was queued, so put where it belongs now. That is done here and not in
            # ``touch``, which is called at every read and may cost nothing.
            if queued[0] != entry.rank:
                self._queue(heap, entry)
            elif entry.leases:  # in no heap until its last lease ends and it is offered
                entry.aside = True
            elif pinned or entry.key not in self._pins:
                return entry
            else:
                # Set aside once a pin, so that a long run of pinned entries is not searched again.
                entry.aside = True
                self._queue(self._pinned, entry)
        return None
