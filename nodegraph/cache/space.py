"""Room for what a running node holds beside its inputs and results."""

from __future__ import annotations

from .memory import Memory
from .tiers import Entry


class Space:
    """Bytes that are in use on a device, or on the host: part of its budget until they are left."""

    def __init__(self, memory: Memory, place: str) -> None:
        self._memory = memory
        # Leased, so that it goes nowhere; it holds nothing, the node does.
        self._entry = Entry(object(), None, 1, 0.0, place)
        self._entry.leases = 1
        with memory.lock:
            memory.tier(place).hold(self._entry)

    def grow(self, size: int) -> bool:
        """Count so many bytes more, after making room; False, and nothing more, without any."""
        entry, memory = self._entry, self._memory
        tier = memory.tier(entry.place)
        memory.settle(entry.place, size)
        with memory.lock:
            fits = tier.bytes + size <= tier.budget
            if fits:
                tier.grow(entry, size)
        return fits

    def leave(self) -> None:
        """Give all of it back."""
        self._memory.remove(self._entry.key)
