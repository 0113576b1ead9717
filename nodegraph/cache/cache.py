"""The cache: what every call gave, kept on devices, on the host and on disk within byte budgets."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Semaphore
from time import perf_counter

from ..keys import Key
from ..node import Node, Output
from ..ports import output_of
from ..tensors import TENSORS, Tensors
from ..values import changed, digests, leaves
from .budget import Budgets
from .memory import Memory
from .pool import Pool
from .record import Record
from .store import Store
from .tiers import Entry

WORTH_WRITING = 0.02
"""Seconds from which a value is written to disk: reading a cheaper one back would cost as much."""
WORTH_NOTING = 0.001
"""Seconds from which a record is."""
RECORDS = 200_000
RECENT = 200
PENDING = 32
"""Values that may wait to be written; more, and the run waits for the disk instead of filling memory."""
PLAIN_BYTES = 256

log = logging.getLogger("nodegraph.cache")


@dataclass(frozen=True, slots=True)
class Size:
    """How full a tier is, in bytes; ``entries`` counts outputs and, in memory, weights."""

    entries: int
    bytes: int
    budget: int


def default_folder() -> Path:
    """``NODEGRAPH_CACHE``, else the platform's cache folder."""
    if named := os.environ.get("NODEGRAPH_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path  # noqa: PLC0415 (a memory-only cache needs none)

    return user_cache_path("nodegraph", appauthor=False)


class Cache:
    """Outputs by key, with a record of each that outlives it. Every method may be called by any thread.

    Args:
        folder: Where the disk tier lies, by default ``default_folder()``. One that cannot be written to
            is done without, with a warning.
        disk: False keeps everything in memory.
        tensors: What knows tensors; tests pretend a device of a few megabytes.
    """

    def __init__(
        self,
        folder: Path | None = None,
        budgets: Budgets = Budgets(),  # noqa: B008 (it is frozen)
        tensors: Tensors = TENSORS,
        disk: bool = True,
    ) -> None:
        self.budgets, self.tensors = budgets, tensors
        self._memory = Memory(budgets, tensors, self._spill)
        self.pool = Pool(self._memory, tensors)
        self._store = _opened(folder or default_folder(), budgets.disk, tensors) if disk else None
        self._writer: ThreadPoolExecutor | None = None
        self._pending = Semaphore(PENDING)
        self._records: dict[Key, Record] = {}
        self._kinds: dict[str, deque[Record]] = {}
        self._noted: dict[str, float] = {}
        self._names: dict[Key, str] = {}
        self._claims: dict[Key, list[Callable[[], None]]] = {}
        self._lock = Lock()

    @classmethod
    def in_memory(cls, budgets: Budgets = Budgets(), tensors: Tensors = TENSORS) -> Cache:  # noqa: B008
        """A cache that leaves nothing behind."""
        return cls(None, budgets, tensors, disk=False)

    @property
    def folder(self) -> Path | None:
        """Where the disk tier lies, if there is one."""
        return self._store.folder if self._store else None

    def record(self, key: Key) -> Record | None:
        """What is known of a call, whether or not its value is still there."""
        found = self._records.get(key)
        if found is None and self._store is not None:
            stored = self._store.record(key)
            if stored is not None:
                found = stored.record
                self._remember(key, found)
        return found

    def _remember(self, key: Key, record: Record) -> None:
        with self._lock:
            if len(self._records) >= RECORDS and key not in self._records:
                del self._records[next(iter(self._records))]
            self._records[key] = record

    def has(self, key: Key) -> bool:
        """Tell whether a value can be had without running anything."""
        if self._memory.find(key) is not None:
            return True
        return self._store is not None and self._store.has(key)

    def get(self, key: Key, kind: type[Node], device: str | None = None) -> Output | None:
        """Fetch a value; what was made on a device is moved to ``device``, if one is given.

        Args:
            kind: The node that made it; its annotations are all that a value on disk may consist of.
        """
        entry = self._memory.find(key) or self._loaded(key, kind)
        if entry is None:
            return None
        if device is None or device == entry.place or not any(entry.homes or ()):
            return entry.value  # type: ignore[no-any-return]
        return self._promoted(entry, device)

    def _loaded(self, key: Key, kind: type[Node]) -> Entry | None:
        found = self._store.load(key, output_of(kind)) if self._store else None
        if found is None:
            return None
        output, stored = found
        output = changed(output, self.tensors.settle, self.tensors)
        entry = Entry(key, output, stored.record.bytes, stored.record.seconds, "cpu", stored.homes)
        self._memory.add(entry)
        return entry

    def _promoted(self, entry: Entry, device: str) -> Output:
        memory = self._memory
        memory.settle(device, entry.bytes)
        output: Output = memory.move(entry, device)
        if entry.place == "cpu":
            new = Entry(entry.key, output, entry.bytes, entry.seconds, device, entry.homes)
            with memory.lock:
                # Unless somebody dropped it meanwhile.
                still = memory.find(entry.key) is entry
            if still:
                memory.add(new)
        return output

    def put(
        self,
        key: Key,
        output: Output,
        *,
        kind: type[Node],
        seconds: float,
        parts: Callable[[], Mapping[str, str]],
    ) -> Record:
        """Keep what a call gave. Its arrays become read-only, since from now on they are shared."""
        output, size, place, homes = self._settled(output)
        name = kind.__qualname__
        known = digests(output, key, self.tensors)
        said = parts() if self._tells(name, seconds) else {}
        record = Record(known, seconds, size, said)
        self._remember(key, record)
        if said:
            self._kinds.setdefault(name, deque(maxlen=RECENT)).append(record)
        self._memory.add(Entry(key, output, size, seconds, place, homes))
        if self._store is not None:
            if seconds >= WORTH_NOTING:
                self._write(key, name, record, output if seconds >= WORTH_WRITING else None, homes)
            else:
                self._names[key] = name
        return record

    def _settled(self, output: Output) -> tuple[Output, int, str, tuple[bool, ...]]:
        """Make an output fit to be shared; also tell its bytes, where it lies, and which leaves a device made."""
        found = leaves(output, self.tensors)
        if not found:
            return output, PLAIN_BYTES, "cpu", ()
        output = changed(output, self.tensors.settle, self.tensors)
        places = [self.tensors.device(leaf) for leaf in found]
        size = PLAIN_BYTES + sum(map(self.tensors.size, found))
        place = next((each for each in places if each != "cpu"), "cpu")
        return output, size, place, tuple(each != "cpu" for each in places)

    def _tells(self, name: str, seconds: float) -> bool:
        """Whether a call's parts are worth spelling: of calls quicker than that itself, only some are."""
        if seconds >= WORTH_NOTING or len(self._kinds.get(name, ())) < RECENT:
            return True
        now = perf_counter()
        if now - self._noted.get(name, 0.0) < WORTH_NOTING:
            return False
        self._noted[name] = now
        return True

    def _write(
        self, key: Key, name: str, record: Record, output: Output | None, homes: tuple[bool, ...]
    ) -> None:
        store = self._store
        assert store is not None

        def write() -> None:
            try:
                store.save(key, name, record, output, homes)
                store.trim(lambda: list(self._memory.pins))
            except Exception:
                log.warning("a result was not kept on disk", exc_info=True)
            finally:
                self._pending.release()

        self._pending.acquire()
        self._submit(write)

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        with self._lock:
            if self._writer is None:
                self._writer = ThreadPoolExecutor(1, thread_name_prefix="nodegraph-cache")
            return self._writer.submit(work)

    def _spill(self, entry: Entry) -> bool:
        """Bring a value that is still needed to disk, so that memory can do without it."""
        key, record = entry.key, self._records.get(entry.key)  # type: ignore[call-overload]
        if self._store is None or record is None or entry.homes is None:
            return False
        self.flush()
        if self._store.has(key):  # type: ignore[arg-type]
            return True
        name = self._names.get(key, "spilled")  # type: ignore[call-overload]
        return self._store.save(key, name, record, entry.value, entry.homes)  # type: ignore[arg-type]

    def drop(self, key: Key) -> None:
        """Forget a call whose value was spoiled."""
        with self._lock:
            self._records.pop(key, None)
        self._memory.remove(key)
        if self._store is not None:
            self.flush()
            self._store.remove(key)

    def pin(self, key: Key) -> None:
        """Keep a value until ``unpin`` was called as often: it may move, but is not lost."""
        self._memory.pin(key)

    def unpin(self, key: Key) -> None:
        self._memory.unpin(key)

    def claim(self, key: Key, waiter: Callable[[], None]) -> bool:
        """Take on to compute a value: True. False where somebody already does; ``waiter`` is called after that."""
        with self._lock:
            waiters = self._claims.get(key)
            if waiters is None:
                self._claims[key] = []
                return True
            waiters.append(waiter)
            return False

    def release(self, key: Key) -> None:
        """Give up a claim, whether or not the value was put; whoever waits is told."""
        with self._lock:
            waiters = self._claims.pop(key, ())
        for waiter in waiters:
            waiter()

    def recent(self, kind: type[Node], limit: int = RECENT) -> list[Record]:
        """List records of a kind of node, newest first: of this process, then of others."""
        found = list(reversed(self._kinds.get(kind.__qualname__, ())))[:limit]
        if self._store is not None and len(found) < limit:
            self.flush()
            known = {id(record.digests) for record in found}
            found += [
                record
                for record in self._store.recent(kind.__qualname__, limit)
                if id(record.digests) not in known
            ][: limit - len(found)]
        return found

    def shrink(self, size: int | None = None) -> int:
        """Free bytes on the devices after memory ran out, by default all that can go; tells how many."""
        return self._memory.shrink(size)

    def is_oom(self, error: BaseException) -> bool:
        """Tell whether an error says that memory ran out."""
        return self.tensors.is_oom(error)

    def flush(self) -> None:
        """Wait until everything is on disk that is going there."""
        if self._writer is not None:
            self._submit(lambda: None).result()

    def close(self) -> None:
        """Write what is left, and stop writing."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.shutdown()

    def clear(self) -> None:
        """Forget everything, in memory and on disk, except for what a running plan needs."""
        self.flush()
        self._memory.clear()
        with self._lock:
            self._records.clear()
            self._kinds.clear()
        if self._store is not None:
            self._store.clear()

    def sizes(self) -> Mapping[str, Size]:
        """How full every tier is: ``host``, each device in use, and ``disk``."""
        self.flush()
        found = {
            "host" if place == "cpu" else place: Size(len(tier.entries), tier.bytes, tier.budget)
            for place, tier in self._memory.tiers()
        }
        if self._store is not None:
            found["disk"] = Size(self._store.count(), sum(self._store.size()), self.budgets.disk)
        return found


def _opened(folder: Path, budget: int, tensors: Tensors) -> Store | None:
    try:
        return Store(folder, budget, tensors)
    except OSError as error:
        log.warning("results are kept in memory only: %s", error)
        return None
