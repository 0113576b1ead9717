"""Heavy work takes turns, so that there is always somebody to answer the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import BoundedSemaphore
from typing import TypeAlias

from ..errors import ApiError

Turn: TypeAlias = Callable[[], AbstractContextManager[object]]

PATIENCE = 20.0
"""Seconds that somebody waits for a turn."""


class Turns:
    """So many do something at once and some more wait; who comes then is to come again.

    Who waits keeps one of the threads that answer requests: all together leave some for others.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._turns = BoundedSemaphore(at_once)
        self._places = BoundedSemaphore(at_once + waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn.

        Raises:
            ApiError: too many wait already, or it took too long.
        """
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._turns.acquire(timeout=PATIENCE):
                raise _busy()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


def _busy() -> ApiError:
    return ApiError(503, "others are being answered; try again", headers={"Retry-After": "5"})
