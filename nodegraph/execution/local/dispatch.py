"""The dispatcher: queues of tasks, the lanes that take from them, and models that lanes keep."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property
from threading import Event as Flag
from typing import Literal, TypeAlias

from ...cache import Cache
from ...events import Started
from ...node import LaneName, Node
from ...planning.types import Plan
from ...settings import Settings
from ...tasks.task import CallState, Task, runs_together
from ..context import RunContext
from ..instances import stamp
from ..reports import Idle, Report
from .affinity import AffinityQueue, LoadedModels, Loaders, Models, closest
from .lanes import Lane
from .perform import Performer
from .prefetch import Prefetch
from .upcoming import Upcoming

_CPU = "cpu"
_READERS = 4
"""Lanes for reading and fetching: such nodes wait for disks and networks, not for one another."""
_Queue: TypeAlias = LaneName | Literal["writing"]
_QUICK = 1e-3
"""Seconds. A kind that is quicker as a rule runs in place: changing threads costs as much."""
_ENOUGH, _MOST = 2e-3, 50e-3
"""Seconds that quick calls of a kind must have spared for it to run in place, and what they can
spare: one slow call (another process had its turn) does not send a kind to its lane for good."""


class Dispatcher:
    """Queues of tasks, one for each kind of lane, in the order of the plan; and the lanes.

    Several lanes are for files (``io``), one for files that are written, so that they are numbered
    in order, one for the processor (``cpu``), one for each device, and one loads weights ahead. The
    processor has one, as libraries use all of it for one node at a time. The CPU as a device has
    none: its lane is the thread that drives the run. A second thread would bring a second team of
    OpenMP workers, and both teams would sleep and wake at every operation instead of spinning.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a run's parts)
        self,
        plan: Plan,
        calls: Sequence[CallState],
        cache: Cache,
        settings: Settings,
        post: Callable[[object], None],
        cancelled: Callable[[], bool] = bool,
        at_work: Callable[[Sequence[Started]], None] | None = None,
    ) -> None:
        names: dict[_Queue, list[str]] = {
            "io": ["io", *(f"io {number}" for number in range(2, _READERS + 1))],
            "writing": ["writing"],
            "cpu": ["cpu"],
            "device": [f"device {device}" for device in settings.devices if device != _CPU],
        }
        self._stop, self._unwanted = Flag(), cancelled
        self._queues = {kind: AffinityQueue() for kind in names}
        self._lanes = {kind: [Lane(name, post) for name in names[kind]] for kind in names}
        self._loading = Lane("loading", post)
        self._by_name = {lane.name: lane for lanes in self._lanes.values() for lane in lanes}
        self._by_name[self._loading.name] = self._loading
        self._contexts = {
            f"device {device}": RunContext(
                settings, device, plan.workflow, cache, plan, cancelled=self._cancelled
            )
            for device in settings.devices
        }
        self._loaded = {name: LoadedModels() for name in (*self._by_name, *self._contexts)}
        self._context = next(iter(self._contexts.values()))
        self._here = self._contexts.get(f"device {_CPU}")
        self._spared: dict[type[Node], float] = {}
        self._performer = Performer(calls, cache, self._stop)
        self._prefetch = Prefetch(calls, cache, self._context.device, settings.dtype)
        self._largest = settings.batch
        self._calls, self._cache = calls, cache
        # Only for who wants to know: what has begun and not ended yet, lane for lane.
        self._tell, self._at_work = at_work, dict[str, list[Task]]()

    @cached_property
    def _loaders(self) -> Loaders:
        """Made for the first task that needs a device: a run that only looks up goes without."""
        return Loaders(self._calls)

    @cached_property
    def _upcoming(self) -> Upcoming:
        return Upcoming(self._calls, self._loaders, self._cache, self._context.dtype)

    @property
    def busy(self) -> bool:
        return any(lane.busy for lane in self._by_name.values())

    def _cancelled(self) -> bool:
        return self._stop.is_set() or self._unwanted()

    def idle(self, report: Idle) -> None:
        """Take note that a lane has nothing to do any more."""
        self._by_name[report.lane].busy = False

    def stop(self) -> None:
        """Have what still runs stop, within a step; nothing is given to lanes any more."""
        self._stop.set()

    def close(self) -> None:
        """Stop what still runs, within a step, and wait for it."""
        self.stop()
        for lane in self._by_name.values():
            lane.close()
        if "_upcoming" in self.__dict__:  # else asking would make it
            self._upcoming.close()

    def push(self, task: Task) -> None:
        """Queue ``task``, whose state says what is to be done with it: ``run`` or ``stamp``."""
        kind = task.call.planned.kind
        lane: _Queue = kind.lane if task.state == "run" else "io"
        if lane == "io" and task.state == "run" and not kind.pure:
            lane = "writing"
        models = self._loaders.models(task) if lane == "device" else ()
        self._queues[lane].push(task, models)

    def give(self) -> Iterator[Report]:
        """Give every idle lane its next task; yields what can be told of them at once."""
        for kind, queue in self._queues.items() if not self._stop.is_set() else ():
            # Lane and model are chosen together: the lane that needs the least loaded goes first.
            while queue and (idle := [lane.name for lane in self._lanes[kind] if not lane.busy]):
                name = idle[0]
                if len(idle) > 1 and kind == "device":
                    name = closest({name: self._loaded[name] for name in idle}, queue)
                models = self._nearest(name, queue)
                if self._in_place(queue.first(models)):
                    # In the driver's thread, and one at a time: it hears of others in between.
                    yield from self._follow(name, queue.take(models, 1), self._context)
                    return
                yield from self._start(self._by_name[name], self._batch(name, queue, models))

    def load_ahead(self) -> None:
        """Load what will be leased by tasks that wait for what the lanes are busy with."""
        if not self._loading.busy and (refs := self._prefetch.next_refs()):
            self._loading.start(lambda: self._prefetch.load(refs, self._stop))

    def own(self) -> Generator[Report, None, None] | None:
        """Run the next tasks of the driver's own thread, if there are any, reporting on them."""
        queue = self._queues["device"]
        if self._here is None or not queue:
            return None
        name = f"device {_CPU}"
        return self._follow(name, self._batch(name, queue, self._nearest(name, queue)), self._here)

    def _nearest(self, name: str, queue: AffinityQueue) -> Models:
        return queue.nearest(self._loaded[name], self._loaded.values())

    def _batch(self, name: str, queue: AffinityQueue, models: Models) -> list[Task]:
        """Take the first task, and with it the items of its call that may run together with it."""
        # Only when models change: looking over all tasks to come is too dear for every task.
        if self._loaded[name].missing(models):
            self._upcoming.update()
        self._loaded[name].use(models)
        first = queue.first(models)
        together = first.state == "run" and runs_together(first.call.planned.kind)
        return queue.take(models, self._largest if together else 1)

    def _follow(
        self, name: str, tasks: list[Task], context: RunContext
    ) -> Generator[Report, None, None]:
        yield _started(tasks)
        self._begin(name, tasks)
        yield from self._prefetch.around(tasks, self._performer.run(tasks, context))

    def _begin(self, lane: str, tasks: Sequence[Task]) -> None:
        if self._tell is not None:
            self._at_work[lane] = list(tasks)
            self._tell([_started(row) for row in self._at_work.values() if row])

    def ended(self, task: Task) -> None:
        """Take note that a task is no longer at work."""
        for tasks in self._at_work.values():
            if task in tasks:
                tasks.remove(task)

    def note_speed(self, task: Task, seconds: float) -> None:
        """Learn how long a kind of node takes."""
        kind = task.call.planned.kind
        if kind.lane != "device":
            self._spared[kind] = min(self._spared.get(kind, 0.0) + _QUICK - seconds, _MOST)

    def _in_place(self, task: Task) -> bool:
        return task.state == "run" and self._spared.get(task.call.planned.kind, 0.0) >= _ENOUGH

    def _start(self, lane: Lane, tasks: list[Task]) -> Iterator[Report]:
        context = self._contexts.get(lane.name, self._context)
        self._begin(lane.name, tasks)
        if tasks[0].state == "stamp":
            # Asked in the lane's thread: it may read a large file.
            lane.start(lambda: iter([stamp(tasks[0], self._calls, context)]))
            return
        yield _started(tasks)
        # Noted by _prefetch before the lane starts: else its task could end before it is noted.
        reports = self._prefetch.around(tasks, self._performer.run(tasks, context))
        lane.start(lambda: reports)


def _started(tasks: Sequence[Task]) -> Started:
    items = tuple(task.item for task in tasks if task.item is not None)
    return Started(tasks[0].call.planned.name, items)
