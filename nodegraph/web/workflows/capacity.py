"""Capacity for heavy work: few at once, some waiting, so that a thread is left for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import BoundedSemaphore
from typing import TypeAlias

from ..errors import ApiError

Place: TypeAlias = Callable[[], AbstractContextManager[object]]

PATIENCE = 20.0
"""Seconds that a request waits for a place."""


class Capacity:
    """So many do something at once and some more wait; who comes then is to come again.

    Who waits keeps one of the threads that answer requests: all together leave some for others.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once = BoundedSemaphore(at_once)
        self._admitted = BoundedSemaphore(at_once + waiting)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place, and have it for the block.

        Raises:
            ApiError: too many wait already, or it took too long.
        """
        if not self._admitted.acquire(blocking=False):
            raise busy()
        try:
            if not self._at_once.acquire(timeout=PATIENCE):
                raise busy()
            try:
                yield
            finally:
                self._at_once.release()
        finally:
            self._admitted.release()


def busy() -> ApiError:
    """The refusal of what may well be taken later."""
    return ApiError(503, "others are being answered; try again", headers={"Retry-After": "5"})
