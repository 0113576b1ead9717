"""Upcoming weights: those that later tasks will lease, so that others make way before them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import Any

from ...cache import Cache
from ...node import ModelRef
from ...tasks.task import CallState, Task
from ...values.leaves import all_fields
from .affinity import Loaders, Model

_LOOK = 2000
"""Tasks that are looked at, the next ones: what comes long after makes no difference yet."""


class Upcoming:
    """Tells the cache which weights are still needed, as far as models are known by now."""

    def __init__(
        self, calls: Sequence[CallState], loaders: Loaders, cache: Cache, dtype: str
    ) -> None:
        self._calls, self._loaders, self._cache, self._dtype = calls, loaders, cache, dtype
        self._announced: set[Hashable] = set()

    def update(self) -> None:
        """Look again: a device is about to go on with other models."""
        coming = islice(self._coming(), _LOOK)
        models = {model for task in coming for model in self._loaders.models(task)}
        refs = [ref for model in models for ref in self._refs(model)]
        self._exchange({*self._cache.pool.keys(refs, self._dtype)})

    def close(self) -> None:
        """Nothing is to come any more."""
        self._exchange(set())

    def _exchange(self, keys: set[Hashable]) -> None:
        # Only the differences: of several runs that share the cache each counts its own.
        before, self._announced = self._announced, keys
        self._cache.want(keys - before)
        self._cache.unwant(before - keys)

    def _coming(self) -> Iterator[Task]:
        for call in self._calls:
            if call.planned.kind.lane == "device" and not call.done:
                yield from (task for task in call.tasks if task.state != "done")

    def _refs(self, model: Model) -> Iterator[ModelRef[Any]]:
        kind, key = model
        return _refs_in(self._cache.get(key, kind) if key else None)


def _refs_in(value: Any) -> Iterator[ModelRef[Any]]:
    """Yield the references to weights in a value, at whatever depth."""
    if hasattr(value, "load") and hasattr(value, "key"):
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _refs_in(entry)
    else:
        kind: Any = type(value)
        for name in all_fields(kind) or ():
            yield from _refs_in(getattr(value, name))
