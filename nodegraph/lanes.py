"""Lanes: one thread each for input/output, for the processor, and for every device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

from .perform import Report, Stopped

Job: TypeAlias = Callable[[], Iterator[Report]]


@dataclass(frozen=True, slots=True)
class Idle:
    """A lane has finished its job and can take another."""

    lane: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The engine itself failed in a lane; the run cannot go on."""

    error: BaseException


class Lane:
    """A thread that does one job at a time and posts what it reports."""

    def __init__(self, name: str, post: Callable[[object], None]) -> None:
        self.name, self.busy = name, False
        self._post = post
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=f"nodegraph {name}", daemon=True)
        self._started = False

    def start(self, job: Job) -> None:
        """Give the lane ``job``; it must be idle."""
        if not self._started:
            self._thread.start()
            self._started = True
        self.busy = True
        self._jobs.put(job)

    def close(self) -> None:
        """Let the lane end its job (a cancelled one within a step) and wait for it."""
        if self._started:
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        for job in iter(self._jobs.get, None):
            try:
                for report in job():
                    self._post(report)
            except Stopped:
                pass
            except BaseException as error:
                self._post(Crashed(error))
            self._post(Idle(self.name))
