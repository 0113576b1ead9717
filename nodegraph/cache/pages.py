"""Pages of weights that lie in mapped files: let go of while nobody uses them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from threading import Lock
from typing import Any

from ..node import ModelRef, Paged
from .memory import Memory
from .tiers import Entry

SHARE = 0.5
"""Of the host's budget: so many bytes of weights keep their pages, even if nobody uses them."""


class Pages:
    """The weights on the host that were read lately; those used longest ago lose their pages.

    The system could take such pages back by itself, but it waits until memory is short for all, and
    until then they count as this process's. They stay in its file cache, and are there again when
    they are touched.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory, self._lock = memory, Lock()
        self._read: dict[Hashable, tuple[Paged, int]] = {}

    def used(self, entry: Entry, ref: ModelRef[Any]) -> None:
        """Note that weights are about to be read; of idle ones go the pages that are too many."""
        if entry.place != "cpu" or not isinstance(ref, Paged):
            return
        # The order of locks: this one, then the memory's, which is never held when this is called.
        with self._lock:
            self._read.pop(entry.key, None)
            self._read[entry.key] = ref, entry.bytes
            idle = list(self._idle())
            over = sum(size for _, size in self._read.values()) - self._most
            for unused in idle:
                if over <= 0:
                    return
                over -= self._let_go(unused, over)

    @property
    def _most(self) -> int:
        return int(self._memory.tier("cpu").budget * SHARE)

    def _idle(self) -> Iterator[Entry]:
        """Those nobody leases, used longest ago first; what is not held any more is forgotten."""
        with self._memory.lock:
            entries = self._memory.tier("cpu").entries
            for key in [*self._read]:
                if key not in entries:
                    del self._read[key]
                elif not entries[key].leases:
                    yield entries[key]

    def _let_go(self, entry: Entry, size: int) -> int:
        ref, read = self._read.pop(entry.key)
        gone = ref.let_go(entry.value, size)
        if gone >= size:  # else it has none left
            self._read = {entry.key: (ref, max(read - gone, 0)), **self._read}
        return gone
