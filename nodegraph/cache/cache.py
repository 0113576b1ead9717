"""The cache: outputs by key in memory and on disk, records that outlive them, and the pool."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import NamedTuple

from ..base.keys import Key, canonical, digest
from ..graph.ports import output_of
from ..node import Node, Output
from ..values.leaves import SCALARS, digests, leaves, replace_leaves
from ..values.tensors import TENSORS, Tensors
from .budget import DEFAULTS, Budgets
from .folder import default_folder
from .keyring import Keyring
from .memory import Memory
from .needs import Needs
from .notes import RECENT, WORTH_NOTING, Notes
from .pool import Pool
from .record import Record
from .reservations import Reservations
from .space import Space
from .store import Store
from .tiers import Entry
from .writer import Writer

NEEDS = "needs.json"
"""The file, in the cache's folder, of how much memory work takes."""
WORTH_WRITING = 0.02
"""Seconds from which a value is written to disk: reading a quicker one back would cost as much.
What weights were lent for is written however quick it was."""
PLAIN_BYTES = 256
"""What an output is taken to hold beside its leaves."""

log = logging.getLogger("nodegraph.cache")


@dataclass(frozen=True, slots=True)
class Size:
    """How full a tier is, in bytes; ``entries`` counts outputs and, in memory, weights."""

    entries: int
    bytes: int
    budget: int


class _Settled(NamedTuple):
    output: Output
    size: int
    place: str
    homes: tuple[bool, ...]


class Cache:
    """Outputs by key, with a record of each that outlives it. Any thread may call any method.

    Args:
        folder: Where the disk tier lies, by default ``default_folder()``. One that cannot be
            written to is done without, with a warning.
        disk: False keeps everything in memory.
        tensors: What knows tensors; tests pretend a device of a few megabytes.

    Attributes:
        keyring: Makes the keys, and remembers them.
        needs: How much memory work took, by its name.
        pool: Lends weights.
        pin: Keep a value in memory or on disk until ``unpin``, called as often.
        want: Let values and weights go last, until ``unwant``: they will be needed.
        room: Bytes that computing on a device could have; ``make_room`` has others go for them.
        reserve_key: Compute a key alone, or be called when ``release_key`` lets it go.
    """

    def __init__(
        self,
        folder: Path | None = None,
        budgets: Budgets = DEFAULTS,
        tensors: Tensors = TENSORS,
        disk: bool = True,
    ) -> None:
        self.budgets, self.tensors = budgets, tensors
        self._store = _opened(folder or default_folder(), budgets.disk, tensors) if disk else None
        self.keyring = Keyring()
        self._writer = Writer()
        self._notes = Notes()
        self.needs = Needs(self._store.folder / NEEDS if self._store else None)
        self._memory = Memory(budgets, tensors, self._spill)
        self.pool = Pool(self._memory, tensors)
        # Parts' own methods, not methods that pass on: tasks call these by the thousand.
        self.pin, self.unpin = self._memory.pin, self._memory.unpin
        self.want, self.unwant = self._memory.want, partial(self._memory.want, more=-1)
        self.room, self.make_room = self._memory.room, self._memory.make_room
        keys = Reservations()
        self.reserve_key, self.release_key = keys.reserve, keys.release

    @classmethod
    def in_memory(cls, budgets: Budgets = DEFAULTS, tensors: Tensors = TENSORS) -> Cache:
        """A cache that leaves nothing behind."""
        return cls(None, budgets, tensors, disk=False)

    @property
    def folder(self) -> Path | None:
        """Where the disk tier lies, if there is one."""
        return self._store.folder if self._store else None

    def record(self, key: Key) -> Record | None:
        """The record of a call, whether or not its value is still there."""
        record = self._notes.get(key)
        if record is None and self._store is not None:
            stored = self._store.record(key)
            if stored is not None:
                record = stored.record
                self._notes.add(key, record)
        return record

    def has(self, key: Key) -> bool:
        """Whether a value can be had without running anything."""
        if self._memory.find(key) is not None:
            return True
        return self._store is not None and self._store.has(key)

    def get(self, key: Key, kind: type[Node], device: str | None = None) -> Output | None:
        """Fetch a value; what was made on a device is moved to ``device``, if one is given.

        Args:
            kind: The node that made it: a value on disk may hold only what its annotations name.
        """
        entry = self._memory.find(key) or self._loaded(key, output_of(kind))
        return None if entry is None else self._value_on(entry, device)

    def recall(self, key: Key, kind: type[Output], device: str | None = None) -> Output | None:
        """Fetch a memo that ``keep`` stored, as ``get`` does."""
        entry = self._memory.find(key) or self._loaded(key, kind)
        return None if entry is None else self._value_on(entry, device)

    def _value_on(self, entry: Entry, device: str | None) -> Output:
        if device is None or device == entry.place or not any(entry.homes or ()):
            return entry.value  # type: ignore[no-any-return]
        return self._promoted(entry, device)

    def _loaded(self, key: Key, kind: type[Output]) -> Entry | None:
        loaded = self._store.load(key, kind) if self._store else None
        if loaded is None:
            return None
        output, stored = loaded
        entry = Entry(key, output, stored.record.bytes, stored.record.seconds, homes=stored.homes)
        self._memory.add(entry)
        return entry

    def _promoted(self, entry: Entry, device: str) -> Output:
        memory = self._memory
        # Room first, then a copy outside the lock; ``replace`` looks whether the entry is still
        # there. Two readers may copy at once: one copy is held, the other is its reader's alone.
        memory.settle(device, entry.bytes)
        output: Output = memory.move(entry, device)
        if entry.place == "cpu":  # what lies on another device stays there, and is only copied
            new = Entry(entry.key, output, entry.bytes, entry.seconds, device, entry.homes)
            memory.replace(entry, new)
        return output

    def put(  # noqa: PLR0913 (all but two by name)
        self,
        key: Key,
        output: Output,
        *,
        kind: type[Node],
        seconds: float,
        parts: Callable[[], Mapping[str, str]],
        upstream_seconds: float = 0.0,
        leased: bool = False,
        degraded: tuple[str, ...] = (),
        resumed: str = "",
    ) -> Record:
        """Keep what a call gave. Its arrays become read-only: from now on they are shared.

        Args:
            seconds: What the call took.
            upstream_seconds: What the slowest call took that this one depends on: making it again
                may take that again, so even a quick call is worth writing to disk.
            leased: Weights were lent for it: its seconds do not tell what it takes to make it again
                where they are not loaded yet.
            degraded: How it was made to fit into memory.
            resumed: Where it went on from what an earlier run had done.
        """
        output, size, place, homes = self._settled(output)
        name = kind.__qualname__
        texts = self._notes.parts(name, seconds, parts)
        # A value that cannot be hashed is identified by its call, and by how that was degraded.
        own = digest(key, canonical(degraded)) if degraded else key
        record = Record(digests(output, own, self.tensors), seconds, size, texts, degraded, resumed)
        self._notes.add(key, record)
        if texts:
            self._notes.note(name, record)
        self._memory.add(Entry(key, output, size, seconds, place, homes))
        worth = inf if leased else max(seconds, upstream_seconds)
        if self._store is not None and worth >= WORTH_NOTING:
            settled = _Settled(output, size, place, homes)
            self._write(key, name, record, settled, value=worth >= WORTH_WRITING)
        return record

    def keep(self, key: Key, output: Output, seconds: float) -> None:
        """Keep what a node made on its way: a value like any other, of which no record tells.

        Args:
            seconds: What it takes to make it again.
        """
        settled = self._settled(output)
        output, size, place, homes = settled
        self._memory.add(Entry(key, output, size, seconds, place, homes))
        if self._store is not None and seconds >= WORTH_WRITING:
            self._write(key, "", Record({}, seconds, size), settled, value=True)

    def _settled(self, output: Output) -> _Settled:
        """Make an output fit to be shared, and tell what it holds and where."""
        if SCALARS.issuperset(map(type, output.__dict__.values())):
            return _Settled(output, PLAIN_BYTES, "cpu", ())
        output = replace_leaves(output, self.tensors.settle, self.tensors)
        parts = leaves(output, self.tensors)
        devices = [self.tensors.device(leaf) for leaf in parts]
        size = PLAIN_BYTES + sum(map(self.tensors.size, parts))
        place = next((device for device in devices if device != "cpu"), "cpu")
        return _Settled(output, size, place, tuple(device != "cpu" for device in devices))

    def _write(self, key: Key, name: str, record: Record, settled: _Settled, value: bool) -> None:
        store = self._store
        assert store is not None
        output = settled.output if value else None

        def write() -> None:
            store.save(key, name, record, output, settled.homes)
            store.trim(lambda: list(self._memory.pins))

        self._writer.submit(write, heavy=value)

    def _spill(self, entry: Entry) -> bool:
        """Bring a value that is still needed to disk, so that memory can do without it."""
        key = entry.key
        record = self._notes.get(key) if isinstance(key, bytes) else None
        if self._store is None or record is None or not isinstance(key, bytes):
            return False
        # It may be on its way to disk already: to wait is cheaper than to write it twice.
        self._writer.flush()
        return self._store.has(key) or self._store.save(
            key, "", record, entry.value, entry.homes or ()
        )

    def drop(self, key: Key) -> None:
        """Lose a value that was spoiled; what it should be stays on record in memory."""
        self._memory.remove(key)
        if self._store is not None:
            self._writer.flush()  # else a write that is under way would bring it back
            self._store.remove(key)

    def recent(self, kind: type[Node], limit: int = RECENT) -> list[Record]:
        """List records of a kind of node, newest first: this process's, then others'."""
        name = kind.__qualname__
        records = self._notes.recent(name)
        if self._store is not None and len(records) < limit:
            self._writer.flush()
            # Records do not hold their keys; seconds, measured to the nanosecond, tell them apart.
            own = {record.seconds for record in records}
            stored = self._store.recent(name, limit)
            records += [record for record in stored if record.seconds not in own]
        return records[:limit]

    def shrink(self, size: int | None = None) -> int:
        """Free bytes of devices after memory ran out, by default all that can go; say how many."""
        return self._memory.shrink(size)

    @contextmanager
    def reserve_room(self, device: str) -> Iterator[Space]:
        """Room of a device for what lies there while the block runs and is none of the cache's."""
        space = Space(self._memory, device)
        try:
            yield space
        finally:
            space.leave()

    def forget(self, key: Hashable) -> None:
        """Drop an entry of ``pool.hold``."""
        self._memory.remove(key)

    def bytes_on(self, device: str) -> int:
        """Bytes of outputs and weights on a device."""
        return self._memory.tier(device).bytes

    def on(self, device: str, key: Hashable) -> bool:
        """Whether an output or weights lie on a device."""
        return key in self._memory.tier(device).entries

    def is_oom(self, error: BaseException) -> bool:
        """Whether an error says that memory ran out."""
        return self.tensors.is_oom(error)

    def flush(self) -> None:
        """Wait until everything is on disk that is going there."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is left, and stop writing."""
        self._writer.close()

    def clear(self) -> None:
        """Forget everything, in memory and on disk, except for what a running plan needs."""
        self._writer.flush()
        self._memory.clear()
        self._notes.clear()
        self.keyring.clear()
        if self._store is not None:
            self._store.clear()

    def sizes(self) -> Mapping[str, Size]:
        """How full every tier is: ``host``, each device in use, and ``disk``."""
        self._writer.flush()
        sizes = {
            "host" if place == "cpu" else place: Size(len(tier.entries), tier.bytes, tier.budget)
            for place, tier in self._memory.tiers()
        }
        if self._store is not None:
            size = sum(self._store.size())
            sizes["disk"] = Size(self._store.count(), size, self.budgets.disk)
        return sizes


def _opened(folder: Path, budget: int, tensors: Tensors) -> Store | None:
    try:
        return Store(folder, budget, tensors)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        log.warning("results are kept in memory only: %s: %s", folder, reason)
        return None
