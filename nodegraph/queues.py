"""What waits for a lane: in the order of the plan, but first what needs no other model loaded.

Else a sweep over two models that do not fit into memory together would load both again and again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from heapq import heappop, heappush
from typing import TypeAlias

from .keys import Key
from .node import Node
from .ports import output_of
from .skeleton import classes
from .tasks import CallState, Task

Model: TypeAlias = tuple[type[Node], Key]
"""A loader's kind, and the key of the item that names the model."""
Models: TypeAlias = tuple[Model, ...]
_Queued: TypeAlias = tuple[int, int, Task]
"""The call's place in the plan, the item, and the task itself."""


class Loaders:
    """Tells which models a task uses: those that come to it on wires."""

    def __init__(self, calls: Sequence[CallState]) -> None:
        self._given: list[tuple[CallState, ...]] = []
        passed: list[dict[int, CallState]] = []
        for call in calls:
            found: dict[int, CallState] = {}
            for index in call.planned.before:
                found |= passed[index]
            self._given.append(tuple(found.values()))
            kind = call.planned.kind
            own = {} if kind.pins is Node.pins else {call.index: call}
            passed.append(found | own if _gives_models(kind) else {})

    def models(self, task: Task) -> Models:
        """The models of ``task``, each once; of a loader with as many items, that of its item."""
        found: dict[Model, None] = {}
        for loader in self._given[task.call.index]:
            if loader.count in (None, task.call.count):
                item = 0 if loader.count is None else task.item or 0
                found[loader.planned.kind, loader.tasks[item].key or b""] = None
        return tuple(found)


@cache
def _gives_models(kind: type[Node]) -> bool:
    """Whether some output holds a reference to weights (see ModelRef), at whatever depth."""
    return any(hasattr(part, "load") for part in classes(output_of(kind)).values())


class Held:
    """The models that a lane used last, of each kind of loader."""

    def __init__(self) -> None:
        self._keys: dict[type[Node], set[Key]] = {}

    def use(self, models: Models) -> None:
        """Note that these are in use now, and no others of their kinds."""
        self._keys |= {kind: {key for other, key in models if other is kind} for kind, _ in models}

    def any(self, models: Models) -> bool:
        return any(key in self._keys.get(kind, ()) for kind, key in models)

    def missing(self, models: Models) -> float:
        """What changing to ``models`` costs: those that a node names first weigh most."""
        return sum(
            2.0**-i for i, (kind, key) in enumerate(models) if key not in self._keys.get(kind, ())
        )


class Queue:
    """Tasks by the models they use."""

    def __init__(self) -> None:
        self._groups: dict[Models, list[_Queued]] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def push(self, task: Task, models: Models = ()) -> None:
        queued = (task.call.index, task.item or 0, task)
        heappush(self._groups.setdefault(models, []), queued)

    def nearest(self, held: Held, lanes: Collection[Held] = ()) -> Models:
        """The models to go on with: those the lane holds, else some that no other lane does."""
        if len(self._groups) == 1:
            return next(iter(self._groups))
        return min(self._groups, key=lambda models: self._rank(models, held, lanes))

    def _rank(
        self, models: Models, held: Held, lanes: Collection[Held]
    ) -> tuple[float, bool, tuple[int, int]]:
        missing = held.missing(models)
        elsewhere = missing > 0 and any(one is not held and one.any(models) for one in lanes)
        return missing, elsewhere, self._groups[models][0][:2]

    def first(self, models: Models) -> Task:
        return self._groups[models][0][-1]

    def take(self, models: Models, most: int) -> list[Task]:
        """Take the first task that uses ``models``, and of its call up to ``most`` in all."""
        group = self._groups[models]
        tasks = [heappop(group)[-1]]
        while group and len(tasks) < most and group[0][-1].call is tasks[0].call:
            tasks.append(heappop(group)[-1])
        if not group:
            del self._groups[models]
        return tasks


def closest(lanes: Mapping[str, Held], queue: Queue) -> str:
    """Of several idle lanes, the one that needs the least loaded to go on."""
    if len(lanes) == 1:
        return next(iter(lanes))
    return min(lanes, key=lambda name: lanes[name].missing(queue.nearest(lanes[name])))
