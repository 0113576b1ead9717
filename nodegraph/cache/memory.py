"""Memory in tiers, one for every device and one for the host, and moves from one to the other."""

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

    One lock guards tiers, pins, leases and ``moving``. It is never held while a value is copied,
    loaded or spilled, which takes seconds and may wait for other threads. A move has three parts::

        _leaving   locked     out of its tier, into ``moving``: still found, never chosen again
        _send      unlocked   copied down, spilled or given up
        _arrive    locked     into the lower tier, if it is still the one in ``moving``

    Between the parts the key may be removed or added anew: then it is not in ``moving`` any more,
    and what arrives is thrown away. A reader who found the entry on its way has its value, which
    is whole on both sides. Weights are not read on their way: the pool waits for ``moved``.
    """

    def __init__(self, budgets: Budgets, tensors: Tensors, spill: Callable[[Entry], bool]) -> None:
        self.lock = RLock()
        self.moved = Condition(self.lock)
        self.moving: dict[Hashable, Entry] = {}
        self.pins: dict[Hashable, int] = {}
        self._upcoming: dict[Hashable, int] = {}
        self._budgets, self._tensors, self._spill = budgets, tensors, spill
        self._tiers: dict[str, Tier] = {}

    def tier(self, place: str) -> Tier:
        """The tier of a place, made when it is first needed: only then is memory measured."""
        with self.lock:
            tier = self._tiers.get(place)
            if tier is None:
                tier = self._tiers[place] = Tier(self._budget(place), self.pins, self._upcoming)
            return tier

    def _budget(self, place: str) -> int:
        budget = self._budgets.host if place == "cpu" else self._budgets.device
        share = HOST_SHARE if place == "cpu" else DEVICE_SHARE
        return int(self._tensors.memory(place) * share) if budget is None else budget

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
        if full:  # outside the lock, as all that moves
            self.settle()

    def replace(self, old: Entry, new: Entry) -> None:
        """Hold an entry instead of another, unless that has been dropped meanwhile."""
        with self.lock:
            if self.find(old.key) is old:
                self.add(new)

    def remove(self, key: Hashable) -> Entry | None:
        with self.lock:
            self.moving.pop(key, None)
            removed = [tier.remove(key) for tier in self._tiers.values()]
            return next((entry for entry in removed if entry is not None), None)

    def pin(self, key: Hashable) -> None:
        """Keep an entry, there or yet to come, from being dropped; once more for each call."""
        with self.lock:
            self.pins[key] = self.pins.get(key, 0) + 1

    def unpin(self, key: Hashable) -> None:
        """Take back one pin; after the last the entry may go."""
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
                self._upcoming[key] = self._upcoming.get(key, 0) + more
                if self._upcoming[key] <= 0:
                    del self._upcoming[key]
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
        # One entry at a time: it may make the host too full, which the next turn sees.
        while (leaving := self._surplus(place, extra)) is not None:
            self._send(leaving)

    def shrink(self, size: int | None = None) -> int:
        """Free bytes of the devices, or else of the host; by default all that can go."""
        freed = 0
        while (size is None or freed < size) and (entry := self._any_victim()) is not None:
            self._send(entry)
            freed += entry.bytes
        self.settle()
        self._tensors.trim()
        return freed

    def room(self, place: str, residents: Collection[Hashable]) -> int | None:
        """Bytes that computing on a device could have at most; None where they are not counted.

        Args:
            residents: Keys of what stays, beside what is leased.
        """
        free = self._tensors.free(place)
        if free is None:
            return None
        with self.lock:
            entries = self.tier(place).entries.values()
            return free + sum(e.bytes for e in entries if not e.leases and e.key not in residents)

    def make_room(self, place: str, size: int, residents: Collection[Hashable]) -> None:
        """Have so many bytes of a device free for computing, as far as entries can go.

        Args:
            residents: Keys of what stays, beside what is leased.
        """
        # Asked again after every move: an allocator gives back more or less than an entry counts.
        while (free := self._tensors.free(place)) is not None and free < size:
            with self.lock:
                tier = self.tier(place)
                spared = [tier.entries[key] for key in residents if key in tier.entries]
                # A lease for as long as the choice takes makes ``victim`` pass them over. Nobody
                # sees it: leases are read under the lock only. ``offer`` puts them back in line.
                for entry in spared:
                    entry.leases += 1
                victim = tier.victim()
                for entry in spared:
                    entry.leases -= 1
                    tier.offer(entry)
                if victim is None:
                    return
                self._leaving(victim)
            self._send(victim)

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
        """Take out of a tier over its budget what is to be sent; None if there is nothing.

        A tier that stays over budget has nothing left to choose: all is leased or set aside.
        """
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
            self._arrive(entry, None)
        elif entry.place != "cpu":
            try:
                value = self.move(entry, "cpu")
            except BaseException:
                self._arrive(entry, entry, stays=True)
                raise
            lower = Entry(entry.key, value, entry.bytes, entry.seconds, homes=entry.homes)
            self._arrive(entry, lower)
        # Pinned after this look, it is dropped all the same: whoever reads it finds it gone, and
        # has it computed again (Lost). A pin promises no value, it only makes that rare.
        elif entry.key in self.pins and not self._spill(entry):
            self._arrive(entry, entry, stays=True)
        else:
            self._arrive(entry, None)

    def _arrive(self, entry: Entry, lower: Entry | None, stays: bool = False) -> None:
        """End a move, with the entry in its lower tier, or with None where it was given up.

        Args:
            stays: It had nowhere to go. It is not offered while it is pinned: ``settle`` would
                choose it again at once, and never end.
        """
        with self.moved:
            in_time = self.moving.pop(entry.key, None) is entry
            if in_time and lower is not None:
                tier = self.tier(lower.place)
                (tier.hold if stays else tier.add)(lower)
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
