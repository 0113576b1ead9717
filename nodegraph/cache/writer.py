"""A thread that writes to disk behind the run's back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, Semaphore

PENDING = 32
"""How many values may wait to be written; with more the run waits, instead of filling memory."""

log = logging.getLogger("nodegraph.cache")


class Writer:
    """Does one thing after the other, on a thread that is started when there is something to do."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._room = Semaphore(PENDING)
        self._lock = Lock()

    def submit(self, work: Callable[[], None], heavy: bool) -> None:
        """Have something done soon; an error in it is logged, since nobody waits for it.

        Args:
            heavy: It keeps a value in memory until it is done, so not too many may wait.
        """
        if heavy:
            self._room.acquire()
        self._start(lambda: self._do(work, heavy))

    def _do(self, work: Callable[[], None], heavy: bool) -> None:
        try:
            work()
        except Exception as error:
            log.warning("a result was not kept on disk: %s: %s", type(error).__name__, error)
        finally:
            if heavy:
                self._room.release()

    def _start(self, work: Callable[[], None]) -> Future[None]:
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="nodegraph-cache")
            return self._thread.submit(work)

    def flush(self) -> None:
        """Wait until all that was submitted is done."""
        if self._thread is not None:
            self._start(lambda: None).result()

    def close(self) -> None:
        """Finish, and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()
