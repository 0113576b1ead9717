"""Weights loaded ahead, for calls that are sure to come, while the lanes do what these wait for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from inspect import isgeneratorfunction
from itertools import islice
from threading import Event as Flag
from threading import Lock
from typing import Any

from ...cache import Cache
from ...node import Composed, ModelRef, Node
from ...planning.types import Link, Source
from ...tasks.items import constants
from ...tasks.task import CallState, Task
from ..reports import Report

_LOOK = 8
"""Calls, and items of a list, that are looked at: the next ones; looking is to cost nothing."""


class Prefetch:
    """Knows what the lanes compute, and which weights will be leased after it; loads these.

    Nothing is begun while a device is at work in steps: denoising is not disturbed.
    """

    def __init__(self, calls: Sequence[CallState], cache: Cache, device: str, dtype: str) -> None:
        self._calls, self._cache = calls, cache
        self._device, self._dtype = device, dtype
        self._asked = [call for call in reversed(calls) if _tells(call.planned.kind)]
        self._named: set[str] = set()
        self._computing: set[Task] = set()
        self._lock = Lock()

    def around(self, tasks: Sequence[Task], job: Iterator[Report]) -> Iterator[Report]:
        """Take note that a job is being done, until it has ended."""
        if not self._asked:
            return job
        with self._lock:
            self._computing.update(tasks)
        return self._noted(tasks, job)

    def _noted(self, tasks: Sequence[Task], job: Iterator[Report]) -> Iterator[Report]:
        try:
            yield from job
        finally:
            with self._lock:
                self._computing.difference_update(tasks)

    @property
    def _stepping(self) -> bool:
        with self._lock:
            kinds = {task.call.planned.kind for task in self._computing}
        return any(kind.lane == "device" and _in_steps(kind) for kind in kinds)

    def wanted(self) -> list[ModelRef[Any]]:
        """What will be leased and was not named before, in the order of the plan.

        A call is sure to come if it waits for something that is being computed and takes its time:
        had that been made before, there would be a record of it.
        """
        while self._asked and self._asked[-1].done:
            self._asked.pop()
        if not self._asked or self._stepping:
            return []
        found = {
            part.key: part
            for call in reversed(self._asked[-_LOOK:])
            for ref in self._leases(call)
            for part in (ref.parts if isinstance(ref, Composed) and ref.parts else [ref])
        }
        new = [ref for key, ref in found.items() if key not in self._named]
        self._named.update(found)
        return new

    def _leases(self, call: CallState) -> Sequence[ModelRef[Any]]:
        task = next((one for one in islice(call.tasks, _LOOK) if one.state == "waiting"), None)
        if task is None or not self._is_sure(task):
            return ()
        try:
            return list(call.planned.kind.leases(_Known(task, self._calls, self._cache)))
        except Exception:  # a node is somebody's code; what is wrong is told when it runs
            return ()

    def load(self, refs: Sequence[ModelRef[Any]], stop: Flag) -> Iterator[Report]:
        """Load what fits in beside all that is there. What fails is told by whoever leases it."""
        for ref in refs:
            if self._stepping or stop.is_set():
                return
            with suppress(Exception):
                self._cache.pool.prefetch(ref, self._device, self._dtype)
        yield from ()

    def _is_sure(self, task: Task) -> bool:
        """Whether it waits, directly or not, for something that is being computed."""
        with self._lock:
            computing = frozenset(self._computing)
        before, seen = [task], {task}
        while before and computing:
            for needed in _needed(before.pop(), self._calls):
                if needed in computing:
                    return True
                if needed.state == "waiting" and needed not in seen:
                    seen.add(needed)
                    before.append(needed)
        return False


class _Known(Mapping[str, Any]):
    """The inputs of a task that is still waiting, as far as they are known; fetched when asked."""

    def __init__(self, task: Task, calls: Sequence[CallState], cache: Cache) -> None:
        self._task, self._calls, self._cache = task, calls, cache
        self._links, self._constants = task.call.planned.links, constants(task)

    def __getitem__(self, name: str) -> Any:
        if name not in self._links:
            return self._constants[name]
        link = self._links[name]
        found = [value for source in link.sources for value in self._values(link, source)]
        if link.mode != "map":
            return found
        if not found:
            raise KeyError(name)
        return found[0]

    def _values(self, link: Link, source: Source) -> Iterator[Any]:
        call = self._calls[source.call]
        for task in _sources(self._task, link, source, self._calls):
            if task.state == "done" and source.output not in call.lists:
                output = self._cache.get(task.key or b"", call.planned.kind)
                if output is not None:
                    yield getattr(output, source.output)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._constants, *self._links])

    def __len__(self) -> int:
        return len(self._constants) + len(self._links)


def _needed(task: Task, calls: Sequence[CallState]) -> Iterator[Task]:
    for link in task.call.planned.links.values():
        for source in link.sources:
            yield from _sources(task, link, source, calls)


def _sources(task: Task, link: Link, source: Source, calls: Sequence[CallState]) -> Sequence[Task]:
    """The tasks of an earlier call whose output an input takes; of very many, the first."""
    call = calls[source.call]
    if (
        link.mode in ("map", "gather")
        and call.count is not None
        and source.output not in call.lists
    ):
        return call.tasks[task.item or 0 : (task.item or 0) + 1]
    return call.tasks[:_LOOK]


def _tells(kind: type[Node]) -> bool:
    return getattr(kind.leases, "__func__", None) is not getattr(Node.leases, "__func__", None)


def _in_steps(kind: type[Node]) -> bool:
    return isgeneratorfunction(getattr(kind, "run_batch", None) or getattr(kind, "run", None))
