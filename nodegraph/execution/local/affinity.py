"""A lane's queue: plan order, except that work for loaded models goes first.

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
from ...values.skeleton import value_classes

Model: TypeAlias = tuple[type[Node], Key]
"""A loader's kind, and the key of the item that names the model."""
Models: TypeAlias = tuple[Model, ...]
_Place: TypeAlias = tuple[int, int]
_Queued: TypeAlias = tuple[int, int, Task]
"""The call's place in the plan, the item, and the task itself."""
_Kinds: TypeAlias = tuple[type[Node], ...]
_Mask: TypeAlias = tuple[bool, ...]
"""At which positions of a group's models a view looks."""
_Pattern: TypeAlias = tuple[Model | None, ...]
"""A group's models, with None where a view does not look."""
_Candidate: TypeAlias = tuple[_Place, int, Models]
"""The place of a group's first task, a number that no other has, and the group's models."""
_Rank: TypeAlias = tuple[float, bool, _Place, int, Models]
"""What it costs to change to a group, whether another lane has what is missing, and the group."""

_WEIGHED = 8
"""Models of a task that are weighed: what a later one would add is next to nothing."""


class Loaders:
    """Tells which models a task uses: those that come to it on wires."""

    def __init__(self, calls: Sequence[CallState]) -> None:
        self._loaders: list[tuple[CallState, ...]] = []
        passed: list[dict[int, CallState]] = []
        for call in calls:
            incoming: dict[int, CallState] = {}
            for index in call.planned.upstream:
                incoming |= passed[index]
            self._loaders.append(tuple(incoming.values()))
            kind = call.planned.kind
            own = {} if kind.pins is Node.pins else {call.index: call}
            # A model goes on through nodes that give models themselves (a LoRA added to a base
            # model), and ends at those that give none: who takes the picture needs no weights.
            passed.append(incoming | own if _gives_models(kind) else {})

    def models(self, task: Task) -> Models:
        """The models of ``task``, each once; of a loader with as many items, that of its item."""
        models: dict[Model, None] = {}
        for loader in self._loaders[task.call.index]:
            if loader.count in (None, task.call.count):
                item = 0 if loader.count is None else task.item or 0
                models[loader.planned.kind, loader.tasks[item].key or b""] = None
        return tuple(models)


@cache
def _gives_models(kind: type[Node]) -> bool:
    """Whether some output holds a reference to weights (see ModelRef), at whatever depth."""
    return any(hasattr(part, "load") for part in value_classes(output_of(kind)).values())


class LoadedModels:
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

    The cost of changing to a group is a binary fraction: 1 for a first model that is missing, 1/2
    for a second, 1/4 for a third. One model so weighs more than all that come after it, and the
    cheapest groups are found position by position, without looking at all of them::

        lane has (a, m)       groups (a, n) (b, m) (a, o) (b, n)
        position 0: any of (a, *)?   yes: only these from now on
        position 1: any of (a, m)?   no: costs 1/2, and (a, *) stays
        of (a, n) and (a, o) the one whose first task comes first in the plan

    "Any of (a, *)" is answered by a view: a heap of groups, by the place of their first task, for
    every pattern of one mask (a mask says at which positions is looked). Views are made when first
    asked for; few of the 2**n masks ever are.

    Why heaps: a sweep over 1,000 models has 1,000 groups, and to scan them for every task takes
    milliseconds a task, quadratic in all (docs/decisions.md has the figures). Groups change their
    first task or become empty all the time, so nothing is searched for in the heaps: a candidate
    that is out of date stays in them, and is put right when it comes up (_first).
    """

    def __init__(self, groups: Mapping[Models, list[_Queued]], kinds: _Kinds) -> None:
        self._groups, self._kinds = groups, kinds
        self._tickets = count()
        self._views: dict[_Mask, dict[_Pattern, list[_Candidate]]] = {}

    def note(self, models: Models) -> None:
        """Take note of a group, or that its first task is another one."""
        for mask, view in self._views.items():
            self._enter(models, mask, view)

    def nearest(self, loaded: LoadedModels, lanes: Collection[LoadedModels]) -> _Rank | None:
        """What to go on with; None if there is nothing."""
        patterns: list[_Pattern] = [(None,) * len(self._kinds)]
        cost = 0.0
        for i, kind in enumerate(self._kinds):
            # A lane may have several models of a kind (a task that uses two ControlNets).
            nearer = [
                (*pattern[:i], model, *pattern[i + 1 :])
                for pattern in patterns
                for model in loaded.of(kind)
            ]
            nearer = [pattern for pattern in nearer if self._first(self._heap(pattern))]
            patterns = nearer or patterns
            cost += 0.0 if nearer else 2.0**-i
        # Where nothing is missing, no other lane can have what is.
        rivals = [lane for lane in lanes if lane is not loaded] if cost else []
        ranks = [
            rank
            for pattern in patterns
            if (rank := self._best(self._heap(pattern), cost, loaded, rivals))
        ]
        return min(ranks, default=None)

    def _best(
        self, heap: list[_Candidate], cost: float, loaded: LoadedModels, rivals: list[LoadedModels]
    ) -> _Rank | None:
        """Of groups that cost the same the first that needs nothing which another lane has."""
        passed = list[_Candidate]()
        while (first := self._first(heap)) and _elsewhere(first[-1], loaded, rivals):
            passed.append(heappop(heap))
        for candidate in passed:
            heappush(heap, candidate)
        chosen = first or self._first(heap)
        return (cost, first is None, *chosen) if chosen else None

    def _first(self, heap: list[_Candidate]) -> _Candidate | None:
        """The candidate at the top of a heap, after those out of date have been put right.

        A group loses its first task, or gets an earlier one by ``note``: it always has a candidate
        at its true place or before it, so the first that is up to date is the least of all.
        """
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

    def _heap(self, pattern: _Pattern) -> list[_Candidate]:
        mask = tuple(model is not None for model in pattern)
        view = self._views.get(mask)
        if view is None:
            view = self._views[mask] = {}
            for models in self._groups:
                if _kinds(models) == self._kinds:
                    self._enter(models, mask, view)
        return view.get(pattern, [])

    def _enter(self, models: Models, mask: _Mask, view: dict[_Pattern, list[_Candidate]]) -> None:
        pattern = tuple(
            model if looked else None for model, looked in zip(models, mask, strict=False)
        )
        candidate = (self._groups[models][0][:2], next(self._tickets), models)
        heappush(view.setdefault(pattern, []), candidate)


def _kinds(models: Models) -> _Kinds:
    return tuple(kind for kind, _ in models[:_WEIGHED])


def _elsewhere(models: Models, loaded: LoadedModels, rivals: list[LoadedModels]) -> bool:
    """Whether one of the models that would have to be loaded is in use on another lane."""
    return any(rival.has(model) for rival in rivals for model in models if not loaded.has(model))


class AffinityQueue:
    """The tasks of a lane in groups, by the models they use."""

    def __init__(self) -> None:
        self._groups: dict[Models, list[_Queued]] = {}
        self._peers: dict[_Kinds, _Peers] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def push(self, task: Task, models: Models = ()) -> None:
        queued = (task.call.index, task.item or 0, task)
        group = self._groups.setdefault(models, [])
        heappush(group, queued)
        # Views order groups by their first tasks; a later task changes nothing there.
        if group[0] is queued:
            kinds = _kinds(models)
            if kinds not in self._peers:
                self._peers[kinds] = _Peers(self._groups, kinds)
            self._peers[kinds].note(models)

    def nearest(self, loaded: LoadedModels, lanes: Collection[LoadedModels] = ()) -> Models:
        """The models to go on with: those the lane holds, else some that no other lane does."""
        if len(self._groups) == 1:
            return next(iter(self._groups))
        ranks = (peers.nearest(loaded, lanes) for peers in self._peers.values())
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


def closest(lanes: Mapping[str, LoadedModels], queue: AffinityQueue) -> str:
    """Of several idle lanes, the one that needs the least loaded to go on."""
    if len(lanes) == 1:
        return next(iter(lanes))
    return min(lanes, key=lambda name: lanes[name].missing(queue.nearest(lanes[name])))
