"""Lanes: one for input and output, one for the processor, one for every device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from typing import TypeAlias

from ..reports import Crashed, Idle, Report, Stopped

Job: TypeAlias = Callable[[], Iterator[Report]]


class Lane:
    """Does one job at a time, in a thread of the job's own, and posts what it reports.

    Not in one thread for all: OpenMP keeps a team of workers for every thread that ever computed,
    and with more of them than processors, all teams sleep and wake at every operation. A thread
    that ends takes its team along.
    """

    def __init__(self, name: str, post: Callable[[object], None]) -> None:
        self.name, self.busy = name, False
        self._post = post
        self._thread: Thread | None = None

    def start(self, job: Job) -> None:
        """Give the lane ``job``; it must be idle."""
        self.close()
        self.busy = True
        self._thread = Thread(
            target=self._work, args=(job,), name=f"nodegraph {self.name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Wait for the lane to end its job (a cancelled one ends within a step)."""
        if self._thread is not None:
            self._thread.join()

    def _work(self, job: Job) -> None:
        try:
            for report in job():
                self._post(report)
        except Stopped:
            pass
        except BaseException as error:
            self._post(Crashed(error))
        self._post(Idle(self.name))
