"""Checkpoints of a denoising run: states after its steps, to resume one that begins alike."""

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

MOST_RECORDED = 40
"""Steps of one run whose state is recorded."""
MOST_STORED = 80
"""States of runs with the same beginning that are stored."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoints(Wire):
    """States of runs with the same beginning, newest first.

    Attributes:
        marks: The digest of all that each state depends on.
        states: Each as JSON, in which a tensor is its place among ``tensors``.
    """

    marks: tuple[bytes, ...]
    states: tuple[str, ...]
    tensors: tuple[Tensor, ...]


class StoredCheckpoints(Memo):
    """The checkpoints of all runs with one beginning."""

    packages = MODELS
    checkpoints: Checkpoints


class Resumption:
    """Finds the furthest step that an earlier run shares with this one, and records this one's.

    The mark of a step is a digest chained through all steps before it: of the beginning (model,
    scheduler, prompts, seeds, ...) and of what each step added to that, its open ControlNets. Two
    runs with equal marks after a step have computed the same thing up to there, whatever their
    ControlNets do later, so either may take over the other's state. Latents alone are no state:
    a multistep scheduler looks back at predictions and counts its steps, a stochastic one draws on
    from its generators. Without those the first resumed step would be another than the one of a
    run that was never interrupted; so a state is the latents with all that the solver changed.

    Args:
        room: For what is recorded, until it is stored.
        beginning: All that every step depends on.
        steps: What each step depends on beside.
    """

    def __init__(
        self, context: Context, room: Space, beginning: object, steps: Sequence[object]
    ) -> None:
        self._context, self._room, self._start = context, room, perf_counter()
        first = context.digest(beginning)
        self._marks = list(accumulate(steps, lambda a, b: context.digest((a, b)), initial=first))
        memo = context.recall(StoredCheckpoints, first)
        self._stored = {} if memo is None else unpacked(memo.checkpoints)
        self._every = -(-len(steps) // MOST_RECORDED)
        self._recorded: dict[bytes, State] = {}
        self._copies: dict[int, _Copied] = {}
        self._size = 0

    def furthest(self) -> tuple[int, State]:
        """The furthest step with a checkpoint, and its state; 0 and an empty one if there is none.

        After no step at all there is nothing to resume from, so the first mark is left out.
        """
        for done in range(len(self._marks) - 1, 0, -1):
            state = self._stored.get(self._marks[done])
            if state is not None:
                # A copy: the solver writes into it, and other runs may resume from it too.
                return done, _copied(state, {}, {})
        return 0, {}

    def record(self, done: int, state: State) -> None:
        """Copy the state after ``done`` steps, if there is room for it."""
        if done % self._every == 0 or done == len(self._marks) - 1:
            copies: dict[int, _Copied] = {}
            copy = _copied(state, self._copies, copies)
            # Predictions that a solver looks back at are in several states, and copied once.
            before = {id(earlier.copy) for earlier in self._copies.values()}
            new = [copied.copy for copied in copies.values() if id(copied.copy) not in before]
            size = sum(tensor.nbytes for tensor in new)
            if self._room.grow(size):
                self._recorded[self._marks[done]], self._copies = copy, copies
                self._size += size

    def store(self) -> None:
        """Store what was recorded, with as much of what was stored before as is allowed."""
        if not self._recorded:
            return
        newest = dict(reversed(self._recorded.items()))
        # A scheduler may remember what cannot be stored: then the next run begins anew.
        with suppress(TypeError):
            states = islice({**newest, **self._stored}.items(), MOST_STORED)
            memo = StoredCheckpoints(checkpoints=packed(dict(states)))
            seconds = perf_counter() - self._start
            self._room.grow(-self._size)  # from now on it is the cache's
            self._size = 0
            self._context.keep(memo, self._marks[0], seconds=seconds)


class _Copied(NamedTuple):
    """A tensor, its version (which every write raises), and its copy."""

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
        return {name: _copied(part, before, copies) for name, part in value.items()}
    if isinstance(value, list):
        return [_copied(part, before, copies) for part in value]
    if not hasattr(value, "untyped_storage"):
        return value
    # An id is as good as the tensor: the entry holds the original, so no other one can get it.
    copied = copies.get(id(value)) or before.get(id(value))
    if copied is None or copied.version != value._version:
        copied = _Copied(value, value._version, value.clone())
    copies[id(value)] = copied
    return copied.copy


def packed(states: Mapping[bytes, State]) -> Checkpoints:
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
    return Checkpoints(tuple(states), texts, tuple(tensor for _, tensor in tensors.values()))


def unpacked(checkpoints: Checkpoints) -> dict[bytes, State]:
    """States by what they depend on; their tensors are those of ``checkpoints``."""

    def tensor(value: dict[str, Any]) -> Any:
        return checkpoints.tensors[value["tensor"]] if "tensor" in value else value

    states = (json.loads(text, object_hook=tensor) for text in checkpoints.states)
    return dict(zip(checkpoints.marks, states, strict=True))
