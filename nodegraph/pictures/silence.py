"""Silence of warnings while pictures are decoded, by several threads at once."""

from __future__ import annotations

import warnings
from threading import Lock
from types import TracebackType


class _Silence:
    """A block in which nothing warns.

    The filters are the whole process's. With ``catch_warnings`` alone, a thread that leaves would
    restore them under another that is still inside, or keep the other's silence for good; so the
    first that comes sets them aside and the last that goes puts them back.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(kind, error, traceback)


SILENCE = _Silence()
"""To be entered with ``with``: Pillow warns of metadata that we pass over, and of sizes."""
