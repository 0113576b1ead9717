"""Reservations of keys by whoever computes them, so that nothing is computed twice at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from ..base.keys import Key


class Reservations:
    """Keys that somebody is computing, and who waits for them."""

    def __init__(self) -> None:
        self._waiting: dict[Key, list[Callable[[], None]]] = {}
        self._lock = Lock()

    def reserve(self, key: Key, waiter: Callable[[], None]) -> bool:
        """Take a key on: True. Or have ``waiter`` called when whoever has it lets go: False."""
        with self._lock:
            waiters = self._waiting.get(key)
            if waiters is None:
                self._waiting[key] = []
                return True
            waiters.append(waiter)
            return False

    def release(self, key: Key) -> None:
        """Let go of a key and call all who wait, outside the lock: they may reserve it at once."""
        with self._lock:
            waiters = self._waiting.pop(key, ())
        for waiter in waiters:
            waiter()
