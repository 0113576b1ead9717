"""The disk tier: a JSON record a call, and safetensors files by content, shared by processes."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..base.files import TEMPORARY
from ..base.keys import Key
from ..node import Output
from ..values.leaves import OpaqueError
from ..values.skeleton import flatten, rebuild
from ..values.tensors import Tensors
from .files import publish, remove, sweep, walk
from .mapped import Views
from .payload import name_of, pack, unpack
from .record import Record, Stored, from_json, to_json

LAYOUT = "v1"
FRESH = 60.0
"""Seconds for which a file is left alone: its record may be on its way."""
LOW_WATER = 0.9

log = logging.getLogger("nodegraph.cache")


class Store:
    """Records and values in a folder. Nothing in it makes a run fail: the unreadable is a miss.

    ``records/ab/….json`` is named by a call's key, ``payloads/ab/….safetensors`` by content, and
    ``kinds/Canny/…`` are empty files that tell which records a kind of node has.

    Written in the order payload, record, marker, and only ever pointed at what is there already::

        crash after the payload: a file that no record names; it is evicted once it is not FRESH
        crash after the record:  a sound entry that ``recent`` does not list
        marker without a record: ``recent`` removes it

    Removed in any order: a record whose payload has gone is a miss, but still tells the digests.
    Processes share the folder without a lock. Names follow from content or key, and files appear
    whole, so two writers of one file write the same.
    """

    def __init__(self, folder: Path, budget: int, tensors: Tensors) -> None:
        self.folder, self.budget, self._tensors = folder, budget, tensors
        self._views = Views()
        self._root = folder / LAYOUT
        self._records = str(self._root / "records")
        self._written: int | None = None  # bytes; None before the folder has been measured
        self._warned = False
        self._root.mkdir(parents=True, exist_ok=True)
        if not os.access(self._root, os.W_OK | os.X_OK):
            raise PermissionError(f"{self._root} is not writable")

    def record(self, key: Key) -> Stored | None:
        """Read a record; a damaged one is removed."""
        name = key.hex()
        path = f"{self._records}/{name[:2]}/{name[2:]}.json"
        # Most calls are asked about before they ever ran: cheaper than an exception.
        if not os.access(path, os.F_OK):
            return None
        try:
            with open(path, "rb") as file:
                return from_json(key, file.read())
        except OSError:
            return None
        except ValueError:
            remove(Path(path))
            return None

    def has(self, key: Key) -> bool:
        """Whether a value seems to be there; only reading it tells whether it is sound."""
        stored = self.record(key)
        return stored is not None and self._has_value(stored)

    def _has_value(self, stored: Stored) -> bool:
        if stored.skeleton is None:
            return False
        return not stored.payload or os.access(self._payload(stored.payload), os.F_OK)

    def load(self, key: Key, kind: type[Output]) -> tuple[Output, Stored] | None:
        """Read a value, its leaves on the host; if anything is wrong with it, it goes."""
        stored = self.record(key)
        if stored is None or not self._has_value(stored):
            return None
        try:
            output = rebuild(kind, stored.skeleton, self._leaves(stored))
        except OSError:
            return None
        except Exception:
            # The wires' own classes judge the parts, so any exception may come of a foreign value.
            self.remove(key)
            return None
        # The time of change is that of last use, for _evict; the time of access is often not kept.
        with suppress(OSError):
            os.utime(self._payload(stored.payload) if stored.payload else self._path(key))
        return output, stored

    def _leaves(self, stored: Stored) -> list[Any]:
        if not stored.payload:
            return []
        path = self._payload(stored.payload)
        data = self._views.open(path)
        if name_of([data]) != stored.payload:
            remove(path)
            raise ValueError("the payload is not what its name says")
        return [self._tensors.restore(content) for content in unpack(data)]

    def save(
        self,
        key: Key,
        kind: str,
        record: Record,
        output: Output | None,
        homes: tuple[bool, ...] = (),
    ) -> bool:
        """Write a record, and its value if one is given; tell whether the value is there now."""
        try:
            stored = (
                self._with_value(record, output, homes) if output is not None else Stored(record)
            )
            # Not durable: a record that a power cut damaged is recognised by its checksum. The
            # payload was durable before this line: no sound record names a damaged one.
            self._publish(self._path(key), [to_json(key, stored)], durable=False)
            if kind:
                self._mark(kind, key)
        except (OSError, TypeError, ValueError) as error:
            self._warn(error)
            return False
        return stored.skeleton is not None

    def _with_value(self, record: Record, output: Output, homes: tuple[bool, ...]) -> Stored:
        try:
            skeleton, leaves = flatten(output, self._tensors)
        except (OpaqueError, RecursionError):
            return Stored(record)
        if not leaves:
            return Stored(record, skeleton)
        chunks = pack([self._tensors.content(leaf) for leaf in leaves])
        name = name_of(chunks)
        if sum(map(len, chunks)) > self.budget:
            return Stored(record)
        self._publish(self._payload(name), chunks, durable=True)
        return Stored(record, skeleton, name, homes)

    def _mark(self, kind: str, key: Key) -> None:
        marker = self._root / "kinds" / kind / key.hex()
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()

    def _publish(self, path: Path, chunks: list[Any], durable: bool) -> None:
        size = publish(path, chunks, durable)
        if self._written is not None:
            self._written += size

    def remove(self, key: Key) -> None:
        """Forget a call, its record and its value."""
        stored = self.record(key)
        if stored is not None and stored.payload:
            remove(self._payload(stored.payload))
        remove(self._path(key))

    def recent(self, kind: str, limit: int) -> list[Record]:
        """List records of a kind of node, newest first."""
        dated: list[tuple[float, str]] = []
        with suppress(OSError), os.scandir(self._root / "kinds" / kind) as markers:
            for marker in markers:
                with suppress(OSError):
                    dated.append((marker.stat().st_mtime, marker.name))
        records: list[Record] = []
        for _, name in sorted(dated, reverse=True):
            stored = self.record(bytes.fromhex(name))
            if stored is None:
                remove(self._root / "kinds" / kind / name)
            elif len(records) < limit:
                records.append(stored.record)
            else:
                break
        return records

    def trim(self, pinned: Callable[[], Iterable[Hashable]]) -> None:
        """Bring the folder within its budget; the first time, sweep up after dead writers, too."""
        if self._written is None:
            self._written = sum(sweep(self._root / part) for part in ("records", "payloads"))
        if self._written > self.budget:
            self._evict(set(pinned()))

    def size(self) -> tuple[int, int]:
        """Bytes of records and of payloads."""
        records, payloads = (
            sum(status.st_size for _, status in walk(self._root / part))
            for part in ("records", "payloads")
        )
        return records, payloads

    def count(self) -> int:
        """How many values there are; only records can tell, so all are read."""
        stored = (self.record(key) for key, _, _ in self._entries())
        return sum(1 for entry in stored if entry is not None and self._has_value(entry))

    def _entries(self) -> Iterable[tuple[Key, Path, os.stat_result]]:
        for path, status in walk(self._root / "records"):
            with suppress(ValueError):
                yield bytes.fromhex(path.parent.name + path.stem), path, status

    def _evict(self, pinned: set[Hashable]) -> None:
        """Remove what is longest unused and quickest to make again, to just below the budget."""
        pinned_payloads: set[str] = set()
        seconds: dict[str, float] = {}
        now = time.time()
        candidates: list[tuple[float, Path, int]] = []
        total = 0
        for key, path, status in self._entries():
            total += status.st_size
            stored = self.record(key)
            if stored is None:
                continue
            if key in pinned:
                pinned_payloads.add(stored.payload)
            elif stored.payload:
                seconds[stored.payload] = max(seconds.get(stored.payload, 0), stored.record.seconds)
            # A record is tiny and answers for all below it: it goes as if it took an hour to make.
            if key not in pinned:
                candidates.append((_score(status, now, 3600), path, status.st_size))
        for path, status in walk(self._root / "payloads"):
            total += status.st_size
            # No record names it: a writer died between the two, or is between them at this moment.
            fresh = path.stem not in seconds and now - status.st_mtime <= FRESH
            if path.stem not in pinned_payloads and not fresh:
                score = _score(status, now, seconds.get(path.stem, 0))
                candidates.append((score, path, status.st_size))
        for _, path, size in sorted(candidates, reverse=True):
            if total <= self.budget * LOW_WATER:
                break
            remove(path)
            total -= size
        self._written = total

    def clear(self) -> None:
        """Delete every record and value; what other processes are writing stays."""
        for part in ("records", "payloads", "kinds"):
            for path, _ in walk(self._root / part):
                if not path.name.endswith(TEMPORARY):
                    remove(path)
        self._written = None

    def _path(self, key: Key) -> Path:
        name = key.hex()
        return Path(f"{self._records}/{name[:2]}/{name[2:]}.json")

    def _payload(self, name: str) -> Path:
        return self._root / "payloads" / name[:2] / f"{name}.safetensors"

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            log.warning("results are not kept on disk: %s (%s)", error, self.folder)


def _score(status: os.stat_result, now: float, seconds: float) -> float:
    return max(now - status.st_mtime, 1e-3) * status.st_size / max(seconds, 1e-6)
