"""Where a run was after its steps, so that one which begins alike goes on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, islice
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nodegraph.node import Context, Memo, Space, Wire

from .._packages import MODELS

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "Mapping[str, Any]"
"""Lists, dicts, numbers and tensors."""

NOTED = 40
"""At so many of a run's steps its state is noted."""
HELD = 80
"""So many states of runs that began alike are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Trail(Wire):
    """States of runs that began alike, newest first.

    Attributes:
        marks: All that each state depends on.
        states: Each as JSON, in which a tensor is its place among ``tensors``.
    """

    marks: tuple[bytes, ...]
    states: tuple[str, ...]
    tensors: tuple[Tensor, ...]


class Walked(Memo):
    """Where runs came by."""

    packages = MODELS
    trail: Trail


class Walk:
    """Knows where earlier runs were that began alike, and notes where this one comes by.

    Args:
        room: For what is noted, until it is kept.
        begin: All that every step depends on.
        steps: What each step depends on beside.
    """

    def __init__(
        self, context: Context, room: Space, begin: object, steps: Sequence[object]
    ) -> None:
        self._context, self._room, self._start = context, room, perf_counter()
        first = context.digest(begin)
        self._marks = list(accumulate(steps, lambda a, b: context.digest((a, b)), initial=first))
        found = context.recall(Walked, first)
        self._known = {} if found is None else unpacked(found.trail)
        self._every = -(-len(steps) // NOTED)
        self._noted: dict[bytes, State] = {}
        self._copies: dict[int, _Copied] = {}
        self._size = 0

    def known(self) -> tuple[int, State]:
        """The furthest step after which an earlier run was where this one will be, and its state.

        Of a run that nothing is known of, 0 and an empty state.
        """
        for done in range(len(self._marks) - 1, 0, -1):
            state = self._known.get(self._marks[done])
            if state is not None:
                return done, _copied(state, {}, {})
        return 0, {}

    def note(self, done: int, state: State) -> None:
        """Note a copy of the state after ``done`` steps, if there is room for it."""
        if done % self._every == 0 or done == len(self._marks) - 1:
            copies: dict[int, _Copied] = {}
            copy = _copied(state, self._copies, copies)
            before = {id(one.copy) for one in self._copies.values()}
            new = [one.copy for one in copies.values() if id(one.copy) not in before]
            size = sum(one.nbytes for one in new)
            if self._room.grow(size):
                self._noted[self._marks[done]], self._copies = copy, copies
                self._size += size

    def keep(self) -> None:
        """Keep what was noted for other runs, with what was known before as far as it fits."""
        if not self._noted:
            return
        newest = dict(reversed(self._noted.items()))
        # A scheduler may remember what cannot be kept: then the next run begins anew.
        with suppress(TypeError):
            trail = packed(dict(islice({**newest, **self._known}.items(), HELD)))
            seconds = perf_counter() - self._start
            self._room.grow(-self._size)  # from now on it is the cache's
            self._size = 0
            self._context.keep(Walked(trail=trail), self._marks[0], seconds=seconds)


class _Copied(NamedTuple):
    """A tensor, how often it had been written to, and its copy."""

    original: Tensor
    version: int
    copy: Tensor


def _copied(value: Any, before: Mapping[int, _Copied], copies: dict[int, _Copied]) -> Any:
    """Copy a state: schedulers write into their lists, and some into tensors.

    Args:
        before: The copies made for the last state. What is still the same is not copied again.
        copies: Takes in the copies made for this one.
    """
    if isinstance(value, dict):
        return {name: _copied(each, before, copies) for name, each in value.items()}
    if isinstance(value, list):
        return [_copied(each, before, copies) for each in value]
    if not hasattr(value, "untyped_storage"):
        return value
    found = copies.get(id(value)) or before.get(id(value))
    if found is None or found.version != value._version:
        found = _Copied(value, value._version, value.clone())
    copies[id(value)] = found
    return found.copy


def packed(states: Mapping[bytes, State]) -> Trail:
    """Lay states out; a tensor that several of them hold is there once.

    Raises:
        TypeError: a state holds what is neither plain nor a tensor.
    """
    tensors: dict[int, tuple[int, Tensor]] = {}

    def place(value: Any) -> dict[str, int]:
        if not hasattr(value, "untyped_storage"):
            raise TypeError(f"a {type(value).__name__} cannot be kept")
        return {"tensor": tensors.setdefault(id(value), (len(tensors), value))[0]}

    texts = tuple(json.dumps(state, default=place) for state in states.values())
    return Trail(tuple(states), texts, tuple(one for _, one in tensors.values()))


def unpacked(trail: Trail) -> dict[bytes, State]:
    """The states of a trail by what they depend on; their tensors are the trail's own."""

    def found(value: dict[str, Any]) -> Any:
        return trail.tensors[value["tensor"]] if "tensor" in value else value

    states = (json.loads(text, object_hook=found) for text in trail.states)
    return dict(zip(trail.marks, states, strict=True))
