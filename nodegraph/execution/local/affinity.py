"""What waits for a lane: in the order of the plan, but first what needs no other model loaded.

Else a sweep over two models that do not fit into memory together would load both again and again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from heapq import heappop, heappush, heapreplace
from itertools import count
from typing import TypeAlias

from ...base.keys import Key
from ...graph.ports import output_of
from ...node import Node
from ...tasks.task import CallState, Task
from ...values.skeleton import classes

Model: TypeAlias = tuple[type[Node], Key]
"""A loader's kind, and the key of the item that names the model."""
Models: TypeAlias = tuple[Model, ...]
_Place: TypeAlias = tuple[int, int]
_Queued: TypeAlias = tuple[int, int, Task]
"""The call's place in the plan, the item, and the task itself."""
_Kinds: TypeAlias = tuple[type[Node], ...]
_Seen: TypeAlias = tuple[Model | None, ...]
"""A group's models, of which only some are looked at."""
_Found: TypeAlias = tuple[_Place, int, Models]
"""The place of a group's first task, a number that no other has, and the group's models."""
_Rank: TypeAlias = tuple[float, bool, _Place, int, Models]
"""What it costs to change to a group, whether another lane has what is missing, and the group."""

_WEIGHED = 8
"""Models of a task that are weighed: what a later one would add is next to nothing."""


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
        self._used: dict[type[Node], Models] = {}

    def use(self, models: Models) -> None:
        """Note that these are in use now, and no others of their kinds."""
        for kind, _ in models:
            self._used[kind] = tuple(model for model in models if model[0] is kind)

    def of(self, kind: type[Node]) -> Models:
        return self._used.get(kind, ())

    def has(self, model: Model) -> bool:
        return model in self.of(model[0])

    def missing(self, models: Models) -> float:
        """What changing to ``models`` costs: those that a node names first weigh most."""
        return sum(2.0**-i for i, model in enumerate(models) if not self.has(model))


class _Peers:
    """Groups of tasks whose first models are of the same kinds, found by any of these models.

    Which group needs the least loaded is told without looking at all of them: a model weighs more
    than all that come after it, so it is enough to ask, from the first on, whether any of the
    groups that were nearest so far has the one that is held.
    """

    def __init__(self, groups: Mapping[Models, list[_Queued]], kinds: _Kinds) -> None:
        self._groups, self._kinds = groups, kinds
        self._tickets = count()
        self._views: dict[tuple[bool, ...], dict[_Seen, list[_Found]]] = {}

    def note(self, models: Models) -> None:
        """Take note of a group, or that its first task is another one."""
        for looked, view in self._views.items():
            self._enter(models, looked, view)

    def nearest(self, held: Held, lanes: Collection[Held]) -> _Rank | None:
        """What to go on with; None if there is nothing."""
        found: list[_Seen] = [(None,) * len(self._kinds)]
        cost = 0.0
        for i, kind in enumerate(self._kinds):
            nearer = [(*seen[:i], one, *seen[i + 1 :]) for seen in found for one in held.of(kind)]
            nearer = [seen for seen in nearer if self._first(self._heap(seen))]
            found = nearer or found
            cost += 0.0 if nearer else 2.0**-i
        others = [lane for lane in lanes if lane is not held] if cost else []
        ranks = [rank for seen in found if (rank := self._best(seen, cost, held, others))]
        return min(ranks, default=None)

    def _best(self, seen: _Seen, cost: float, held: Held, others: list[Held]) -> _Rank | None:
        """Of groups that cost the same the first that needs nothing which another lane has."""
        heap, passed = self._heap(seen), list[_Found]()
        while (first := self._first(heap)) and _elsewhere(first[-1], held, others):
            passed.append(heappop(heap))
        for each in passed:
            heappush(heap, each)
        chosen = first or self._first(heap)
        return (cost, first is None, *chosen) if chosen else None

    def _first(self, heap: list[_Found]) -> _Found | None:
        while heap:
            place, ticket, models = heap[0]
            group = self._groups.get(models)
            if group is None:
                heappop(heap)
            elif group[0][:2] != place:
                heapreplace(heap, (group[0][:2], ticket, models))
            else:
                return heap[0]
        return None

    def _heap(self, seen: _Seen) -> list[_Found]:
        looked = tuple(model is not None for model in seen)
        view = self._views.get(looked)
        if view is None:
            view = self._views[looked] = {}
            for models in self._groups:
                if _kinds(models) == self._kinds:
                    self._enter(models, looked, view)
        return view.get(seen, [])

    def _enter(
        self, models: Models, looked: tuple[bool, ...], view: dict[_Seen, list[_Found]]
    ) -> None:
        seen = tuple(one if look else None for one, look in zip(models, looked, strict=False))
        found = (self._groups[models][0][:2], next(self._tickets), models)
        heappush(view.setdefault(seen, []), found)


def _kinds(models: Models) -> _Kinds:
    return tuple(kind for kind, _ in models[:_WEIGHED])


def _elsewhere(models: Models, held: Held, others: list[Held]) -> bool:
    """Whether one of the models that would have to be loaded is in use on another lane."""
    return any(other.has(model) for other in others for model in models if not held.has(model))


class Queue:
    """Tasks by the models they use."""

    def __init__(self) -> None:
        self._groups: dict[Models, list[_Queued]] = {}
        self._peers: dict[_Kinds, _Peers] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def push(self, task: Task, models: Models = ()) -> None:
        queued = (task.call.index, task.item or 0, task)
        group = self._groups.setdefault(models, [])
        heappush(group, queued)
        if group[0] is queued:
            kinds = _kinds(models)
            if kinds not in self._peers:
                self._peers[kinds] = _Peers(self._groups, kinds)
            self._peers[kinds].note(models)

    def nearest(self, held: Held, lanes: Collection[Held] = ()) -> Models:
        """The models to go on with: those the lane holds, else some that no other lane does."""
        if len(self._groups) == 1:
            return next(iter(self._groups))
        ranks = (peers.nearest(held, lanes) for peers in self._peers.values())
        return min((rank for rank in ranks if rank), key=lambda rank: rank[:3])[-1]

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
