"""A lane: a thread that runs the tasks it is given and posts their reports to the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

from ...errors import Stopped
from ..reports import Crashed, Idle, Report


class Lane:
    """Runs one thing at a time, each in a thread of its own, and posts what it reports.

    Not in one thread for all: OpenMP keeps a team of workers for every thread that ever computed,
    and with more of them than processors, all teams sleep and wake at every operation. A thread
    that ends takes its team along.
    """

    def __init__(self, name: str, post: Callable[[object], None]) -> None:
        self.name, self.busy = name, False
        self._post = post
        self._thread: Thread | None = None

    def start(self, run: Callable[[], Iterator[Report]]) -> None:
        """Have the lane call ``run`` and go through its reports; it must be idle."""
        self.close()
        self.busy = True
        self._thread = Thread(
            target=self._work, args=(run,), name=f"nodegraph {self.name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Wait until the lane is idle (what was cancelled ends within a step)."""
        if self._thread is not None:
            self._thread.join()

    def _work(self, run: Callable[[], Iterator[Report]]) -> None:
        try:
            for report in run():
                self._post(report)
        except Stopped:
            pass
        except BaseException as error:
            self._post(Crashed(error))
        self._post(Idle(self.name))
