"""The tiers in memory: every device's and the host's, and what moves from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from threading import Condition, RLock
from typing import Any

from ..values.leaves import replace_leaves
from ..values.tensors import Tensors
from .budget import Budgets
from .tiers import Entry, Tier

DEVICE_SHARE = 0.8
HOST_SHARE = 0.25


class Memory:
    """Entries on devices and on the host: over budget, the first go to the host, the others away.

    What is pinned is never dropped: it leaves the host only if ``spill`` put it elsewhere.
    Copies are made outside the lock; an entry on its way is still found.
    """

    def __init__(self, budgets: Budgets, tensors: Tensors, spill: Callable[[Entry], bool]) -> None:
        self.lock = RLock()
        self.moved = Condition(self.lock)
        self.moving: dict[Hashable, Entry] = {}
        self.pins: dict[Hashable, int] = {}
        self._wanted: dict[Hashable, int] = {}
        self._budgets, self._tensors, self._spill = budgets, tensors, spill
        self._tiers: dict[str, Tier] = {}

    def tier(self, place: str) -> Tier:
        """The tier of a place, made when it is first needed: only then is memory measured."""
        with self.lock:
            found = self._tiers.get(place)
            if found is None:
                found = self._tiers[place] = Tier(self._budget(place), self.pins, self._wanted)
            return found

    def _budget(self, place: str) -> int:
        given = self._budgets.host if place == "cpu" else self._budgets.device
        share = HOST_SHARE if place == "cpu" else DEVICE_SHARE
        return int(self._tensors.memory(place) * share) if given is None else given

    def devices(self) -> list[Tier]:
        return [tier for place, tier in self._tiers.items() if place != "cpu"]

    def find(self, key: Hashable) -> Entry | None:
        """Look for an entry everywhere, and note that it was used."""
        with self.lock:
            for tier in self._tiers.values():
                if (entry := tier.entries.get(key)) is not None:
                    tier.touch(entry)
                    return entry
            return self.moving.get(key)

    def add(self, entry: Entry) -> None:
        """Hold an entry where it lies, and nowhere else."""
        with self.lock:
            tier = self._tiers.get(entry.place) or self.tier(entry.place)
            if self.moving or len(self._tiers) > 1:
                self.remove(entry.key)
            tier.add(entry)
            full = tier.bytes > tier.budget
        if full:
            self.settle()

    def replace(self, old: Entry, new: Entry) -> None:
        """Hold an entry instead of another, unless that has been dropped meanwhile."""
        with self.lock:
            if self.find(old.key) is old:
                self.add(new)

    def remove(self, key: Hashable) -> Entry | None:
        with self.lock:
            self.moving.pop(key, None)
            found = [tier.remove(key) for tier in self._tiers.values()]
            return next((entry for entry in found if entry is not None), None)

    def pin(self, key: Hashable) -> None:
        with self.lock:
            self.pins[key] = self.pins.get(key, 0) + 1

    def unpin(self, key: Hashable) -> None:
        with self.lock:
            left = self.pins.get(key, 0) - 1
            if left > 0:
                self.pins[key] = left
                return
            self.pins.pop(key, None)
            self.offer(key)

    def want(self, keys: Collection[Hashable], more: int = 1) -> None:
        """Have what will be needed go last; with ``more`` of -1 it is needed once less."""
        with self.lock:
            for key in keys:
                self._wanted[key] = self._wanted.get(key, 0) + more
                if self._wanted[key] <= 0:
                    del self._wanted[key]
                for tier in self._tiers.values():
                    if (entry := tier.entries.get(key)) is not None:
                        tier.rank(entry)

    def offer(self, key: Hashable) -> None:
        """Let an entry go again that was pinned or leased, at once where memory is short."""
        with self.lock:
            full = False
            for tier in self._tiers.values():
                if (entry := tier.entries.get(key)) is not None:
                    tier.offer(entry)
                    full = tier.bytes > tier.budget
        if full:
            self.settle()

    def settle(self, place: str = "", extra: int = 0) -> None:
        """Move and drop until all tiers are within budget, ``place`` with ``extra`` to spare."""
        while (found := self._surplus(place, extra)) is not None:
            self._send(found)

    def shrink(self, size: int | None = None) -> int:
        """Free bytes of the devices, or else of the host; by default all that can go."""
        freed = 0
        while (size is None or freed < size) and (entry := self._any_victim()) is not None:
            self._send(entry)
            freed += entry.bytes
        self.settle()
        self._tensors.trim()
        return freed

    def room(self, place: str, kept: Collection[Hashable]) -> int | None:
        """Bytes that computing on a device could have at most; None where they are not counted.

        Args:
            kept: What stays, beside what is leased.
        """
        free = self._tensors.free(place)
        if free is None:
            return None
        with self.lock:
            entries = self.tier(place).entries.values()
            return free + sum(e.bytes for e in entries if not e.leases and e.key not in kept)

    def make_room(self, place: str, size: int, kept: Collection[Hashable]) -> None:
        """Have so many bytes of a device free for computing, as far as what is not kept can go."""
        while (free := self._tensors.free(place)) is not None and free < size:
            with self.lock:
                tier = self.tier(place)
                spared = [tier.entries[key] for key in kept if key in tier.entries]
                for entry in spared:
                    entry.leases += 1
                found = tier.victim()
                for entry in spared:
                    entry.leases -= 1
                    tier.offer(entry)
                if found is None:
                    return
                self._leaving(found)
            self._send(found)

    def move(self, entry: Entry, place: str) -> Any:
        """Bring a value to ``place``: weights whole, of an output what was made on a device."""
        if entry.homes is None:
            return self._tensors.move_weights(entry.value, place)
        homes = iter(entry.homes)
        return replace_leaves(
            entry.value,
            lambda leaf: self._tensors.move(leaf, place) if next(homes) else leaf,
            self._tensors,
        )

    def _surplus(self, place: str, extra: int) -> Entry | None:
        with self.lock:
            for name, tier in self._tiers.items():
                if tier.bytes + (extra if name == place else 0) <= tier.budget:
                    continue
                entry = self._dropped(name, tier, extra if name == place else 0)
                if entry is not None:
                    return self._leaving(entry)
        return None

    def _dropped(self, place: str, tier: Tier, extra: int) -> Entry | None:
        """Drop from the host what can be until there is room; else find what has to move."""
        entry = tier.victim()
        while entry is not None and place == "cpu" and entry.key not in self.pins:
            if tier.bytes + extra <= tier.budget:
                return None
            entry = tier.victim()
        return entry

    def _any_victim(self) -> Entry | None:
        with self.lock:
            devices = self.devices()
            for tier in devices or self._tiers.values():
                if (entry := tier.victim(pinned=bool(devices))) is not None:
                    return self._leaving(entry)
        return None

    def _leaving(self, entry: Entry) -> Entry:
        self.moving[entry.key] = entry
        return entry

    def _send(self, entry: Entry) -> None:
        """Take an entry one tier down, outside the lock: it may be removed meanwhile."""
        if entry.fixed:
            self._arrive(entry, None, held=False)
        elif entry.place != "cpu":
            try:
                value = self.move(entry, "cpu")
            except BaseException:
                self._arrive(entry, entry, held=True)
                raise
            lower = Entry(entry.key, value, entry.bytes, entry.seconds, homes=entry.homes)
            self._arrive(entry, lower, held=False)
        elif entry.key in self.pins and not self._spill(entry):
            self._arrive(entry, entry, held=True)
        else:
            self._arrive(entry, None, held=False)

    def _arrive(self, entry: Entry, lower: Entry | None, held: bool) -> None:
        with self.moved:
            wanted = self.moving.pop(entry.key, None) is entry
            if wanted and lower is not None:
                tier = self.tier(lower.place)
                (tier.hold if held else tier.add)(lower)
                if lower.key not in self.pins:
                    tier.offer(lower)
            self.moved.notify_all()

    def tiers(self) -> list[tuple[str, Tier]]:
        """Every place that holds or held something; the host always."""
        self.tier("cpu")
        with self.lock:
            return list(self._tiers.items())

    def clear(self) -> None:
        """Drop all that is neither pinned nor leased."""
        with self.lock:
            for tier in self._tiers.values():
                for entry in list(tier.entries.values()):
                    if not entry.leases and entry.key not in self.pins:
                        tier.remove(entry.key)
        self._tensors.trim()
