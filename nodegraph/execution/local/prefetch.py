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
    """The tasks that lanes compute, and the weights to be leased after them; loads these.

    Nothing is begun while a device is at work in steps: denoising is not disturbed.

    Three threads meet here: the driver asks for ``next_refs``, lanes add and remove what they
    compute, and the loading lane reads it between two models. Only ``_computing`` is shared, and
    only under the lock, which is never held while a node's code or the cache is called.
    """

    def __init__(self, calls: Sequence[CallState], cache: Cache, device: str, dtype: str) -> None:
        self._calls, self._cache = calls, cache
        self._device, self._dtype = device, dtype
        self._coming = [call for call in reversed(calls) if _tells(call.planned.kind)]
        self._named: set[str] = set()
        self._computing: set[Task] = set()
        self._lock = Lock()

    def around(self, tasks: Sequence[Task], reports: Iterator[Report]) -> Iterator[Report]:
        """Take note that ``tasks`` are being computed, until their reports have ended."""
        if not self._coming:
            return reports
        with self._lock:
            self._computing.update(tasks)
        return self._noted(tasks, reports)

    def _noted(self, tasks: Sequence[Task], reports: Iterator[Report]) -> Iterator[Report]:
        try:
            yield from reports
        finally:
            with self._lock:
                self._computing.difference_update(tasks)

    @property
    def _stepping(self) -> bool:
        with self._lock:
            kinds = {task.call.planned.kind for task in self._computing}
        return any(kind.lane == "device" and _in_steps(kind) for kind in kinds)

    def next_refs(self) -> list[ModelRef[Any]]:
        """What will be leased and was not named before, in the order of the plan.

        A call is sure to come if it waits for something that is being computed and takes its time:
        had that been made before, there would be a record of it.
        """
        # In reverse, so that what is done goes from the end: no call is looked at for ever.
        while self._coming and self._coming[-1].done:
            self._coming.pop()
        if not self._coming or self._stepping:
            return []
        refs = {
            part.key: part
            for call in reversed(self._coming[-_LOOK:])
            for ref in self._leases(call)
            for part in (ref.parts if isinstance(ref, Composed) and ref.parts else [ref])
        }
        new = [ref for key, ref in refs.items() if key not in self._named]
        # Named once only: weights that had to go again would come back against what is running.
        self._named.update(refs)
        return new

    def _leases(self, call: CallState) -> Sequence[ModelRef[Any]]:
        task = next((item for item in islice(call.tasks, _LOOK) if item.state == "waiting"), None)
        if task is None or not self._is_sure(task):
            return ()
        try:
            return list(call.planned.kind.leases(_WaitingInputs(task, self._calls, self._cache)))
        except Exception:  # a node is somebody's code; what is wrong is told when it runs
            return ()

    def load(self, refs: Sequence[ModelRef[Any]], stop: Flag) -> Iterator[Report]:
        """Load what fits in beside all that is there. What fails is told by whoever leases it."""
        for ref in refs:
            # Asked before each: a lane may have begun to denoise while the last one was loaded.
            if self._stepping or stop.is_set():
                return
            with suppress(Exception):
                self._cache.pool.prefetch(ref, self._device, self._dtype)
        yield from ()

    def _is_sure(self, task: Task) -> bool:
        """Whether it waits, directly or not, for something that is being computed."""
        # A copy: an answer that is a little old loads weights early or late, nothing worse.
        with self._lock:
            computing = frozenset(self._computing)
        before, visited = [task], {task}
        while before and computing:
            for needed in _needed(before.pop(), self._calls):
                if needed in computing:
                    return True
                if needed.state == "waiting" and needed not in visited:
                    visited.add(needed)
                    before.append(needed)
        return False


class _WaitingInputs(Mapping[str, Any]):
    """The inputs of a task that is still waiting, as far as they are known; fetched when asked."""

    def __init__(self, task: Task, calls: Sequence[CallState], cache: Cache) -> None:
        self._task, self._calls, self._cache = task, calls, cache
        self._links, self._constants = task.call.planned.links, constants(task)

    def __getitem__(self, name: str) -> Any:
        if name not in self._links:
            return self._constants[name]
        link = self._links[name]
        values = [value for source in link.sources for value in self._values(link, source)]
        if link.mode != "map":
            return values
        if not values:
            raise KeyError(name)
        return values[0]

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
