"""Notes of records in memory: of every call by key, and the latest of every kind of node."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from time import perf_counter

from ..base.keys import Key
from .record import Record

RECORDS = 200_000
RECENT = 200
WORTH_NOTING = 0.001
"""Seconds from which a call's parts are always spelled out; of quicker ones only some are."""


class Notes:
    """What is known of calls. The oldest record goes when there are ``RECORDS``."""

    def __init__(self) -> None:
        self._records: dict[Key, Record] = {}
        self._kinds: dict[str, deque[Record]] = {}
        self._spelled: dict[str, float] = {}
        self._lock = Lock()
        self.get = self._records.get

    def add(self, key: Key, record: Record) -> None:
        with self._lock:
            if len(self._records) >= RECORDS and key not in self._records:
                del self._records[next(iter(self._records))]
            self._records[key] = record

    def parts(
        self, kind: str, seconds: float, spell: Callable[[], Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Spell a call's parts out, unless many such calls would take less time themselves."""
        if seconds < WORTH_NOTING and len(self._kinds.get(kind, ())) >= RECENT:
            now = perf_counter()
            if now - self._spelled.get(kind, 0.0) < WORTH_NOTING:
                return {}
            self._spelled[kind] = now
        return spell()

    def note(self, kind: str, record: Record) -> None:
        """List a record under its kind."""
        with self._lock:
            self._kinds.setdefault(kind, deque(maxlen=RECENT)).append(record)

    def recent(self, kind: str) -> list[Record]:
        """List the records of a kind, newest first."""
        with self._lock:
            return list(reversed(self._kinds.get(kind, ())))

    def clear(self) -> None:
        with self._lock:
            self._records.clear()
            self._kinds.clear()
