"""Which lane does what, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property
from heapq import heappop, heappush
from threading import Event as Flag
from typing import TypeAlias

from .cache import Cache
from .context import RunContext, Settings
from .events import Started
from .lanes import Idle, Lane
from .node import LaneName, Node
from .order import predecessors
from .perform import Report, Worker
from .plan import Plan
from .prefetch import Prefetch
from .tasks import CallState, Task

_CPU = "cpu"
_QUICK = 1e-3
"""Seconds. A kind that has always been quicker runs in place: changing threads costs as much."""


_Queued: TypeAlias = tuple[int, tuple[int, ...], int, Task]
"""The call's place in the plan, the rank of the models it uses, the item, and the task itself."""


class _Models:
    """Tells items apart by the models they use, so that those with the same run one after another.

    Else a sweep over two models that do not fit into memory together would load both again and
    again.
    """

    def __init__(self, calls: Sequence[CallState]) -> None:
        self._behind: list[tuple[CallState, ...]] = []
        self._first: dict[tuple[int, object], int] = {}
        for call in calls:
            found: dict[int, CallState] = {}
            for index in predecessors(call.planned):
                found |= {other.index: other for other in self._behind[index]}
                if calls[index].planned.kind.pins is not Node.pins:
                    found[index] = calls[index]
            self._behind.append(tuple(found.values()))

    def rank(self, task: Task) -> tuple[int, ...]:
        """For each loader that gives every item its own model, the first item that had this one."""
        item = task.item
        if item is None:
            return ()
        return tuple(
            self._first.setdefault((loader.index, loader.tasks[item].key), item)
            for loader in self._behind[task.call.index]
            if loader.count == task.call.count
        )


class Dispatcher:
    """Queues of tasks, one for each kind of lane, in the order of the plan; and the lanes.

    Devices have a thread each, except for the CPU: its lane is the thread that drives the run. A
    second thread would bring a second team of OpenMP workers, and both teams would sleep and wake
    at every operation instead of spinning (measured: half as fast again without).
    """

    def __init__(
        self,
        plan: Plan,
        calls: Sequence[CallState],
        cache: Cache,
        settings: Settings,
        post: Callable[[object], None],
    ) -> None:
        names: dict[LaneName, list[str]] = {
            "io": ["io"],
            "cpu": ["cpu"],
            "device": [f"device {device}" for device in settings.devices if device != _CPU],
        }
        self._queues: dict[LaneName, list[_Queued]] = {kind: [] for kind in names}
        self._lanes = {kind: [Lane(name, post) for name in names[kind]] for kind in names}
        self._loading = Lane("loading", post)
        self._by_name = {lane.name: lane for lanes in self._lanes.values() for lane in lanes}
        self._by_name[self._loading.name] = self._loading
        self._contexts = {
            f"device {device}": RunContext(settings, device, plan.workflow, cache, plan)
            for device in settings.devices
        }
        self._context = next(iter(self._contexts.values()))
        self._here = self._contexts.get(f"device {_CPU}")
        self._quick: dict[type[Node], int] = {}
        self._stop = Flag()
        self._worker = Worker(calls, cache, self._stop)
        self._ahead = Prefetch(calls, cache, self._context.device, settings.dtype)
        self._largest = settings.batch
        self._calls = calls

    @cached_property
    def _models(self) -> _Models:
        """Made for the first task that needs a device: a run that only looks up goes without."""
        return _Models(self._calls)

    @property
    def busy(self) -> bool:
        return any(lane.busy for lane in self._by_name.values())

    def idle(self, report: Idle) -> None:
        """Take note that a lane has finished its job."""
        self._by_name[report.lane].busy = False

    def close(self) -> None:
        """Stop what still runs, within a step, and wait for it."""
        self._stop.set()
        for lane in self._by_name.values():
            lane.close()

    def push(self, task: Task) -> None:
        """Queue ``task``, whose state says what is to be done with it: ``run`` or ``stamp``."""
        lane: LaneName = task.call.planned.kind.lane if task.state == "run" else "io"
        rank = self._models.rank(task) if lane == "device" else ()
        heappush(self._queues[lane], (task.call.index, rank, task.item or 0, task))

    def give(self) -> Iterator[Report]:
        """Give every idle lane its next task; yields what can be told of them at once."""
        for kind, queue in self._queues.items():
            for lane in self._lanes[kind]:
                if queue and not lane.busy:
                    if self._in_place(queue[0][-1]):
                        yield from self._follow([heappop(queue)[-1]], self._context)
                        return
                    yield from self._start(lane, self._batch(queue))

    def load_ahead(self) -> None:
        """Load what will be leased by tasks that wait for what the lanes are busy with."""
        if not self._loading.busy and (refs := self._ahead.wanted()):
            self._loading.start(lambda: self._ahead.load(refs, self._stop))

    def own(self) -> Generator[Report, None, None] | None:
        """The next job of the driver's own thread, if there is one: a generator of its reports."""
        queue = self._queues["device"]
        if self._here is None or not queue:
            return None
        return self._follow(self._batch(queue), self._here)

    def _follow(self, tasks: list[Task], context: RunContext) -> Generator[Report, None, None]:
        yield _started(tasks)
        yield from self._ahead.around(tasks, self._worker.run(tasks, context))

    def note_speed(self, task: Task, seconds: float) -> None:
        """Learn how long a kind of node takes."""
        kind = task.call.planned.kind
        if kind.lane != "device":
            self._quick[kind] = self._quick.get(kind, 0) + 1 if seconds < _QUICK else -(10**9)

    def _in_place(self, task: Task) -> bool:
        return task.state == "run" and self._quick.get(task.call.planned.kind, 0) >= 3

    def _batch(self, queue: list[_Queued]) -> list[Task]:
        """Take the first task, and with it the items of its call that may run together with it."""
        first = heappop(queue)[-1]
        tasks = [first]
        if first.state == "run" and hasattr(first.call.planned.kind, "run_batch"):
            while queue and len(tasks) < self._largest and queue[0][-1].call is first.call:
                tasks.append(heappop(queue)[-1])
        return tasks

    def _start(self, lane: Lane, tasks: list[Task]) -> Iterator[Report]:
        context = self._contexts.get(lane.name, self._context)
        if tasks[0].state == "stamp":
            lane.start(lambda: self._worker.stamp(tasks[0], context))
            return
        yield _started(tasks)
        job = self._ahead.around(tasks, self._worker.run(tasks, context))
        lane.start(lambda: job)


def _started(tasks: Sequence[Task]) -> Started:
    items = tuple(task.item for task in tasks if task.item is not None)
    return Started(tasks[0].call.planned.name, items)
