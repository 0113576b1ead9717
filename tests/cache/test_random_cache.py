"""60,000 random operations on the memory of the cache: whatever happens, its promises hold.

Values are numbers, so it takes seconds; moves between tiers fail now and then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from contextlib import ExitStack, suppress
from random import Random
from typing import Any

import pytest

from nodegraph.cache.budget import Budgets
from nodegraph.cache.memory import Memory
from nodegraph.cache.pool import Pool
from nodegraph.cache.space import Space
from nodegraph.cache.tiers import Entry
from nodegraph.values.tensors import Arrays

PLACES = ("cpu", "toy:0", "toy:1")
BUDGETS = Budgets(device=1000, host=1500)
OPERATIONS = 30_000


class MoveError(RuntimeError):
    """A move failed."""


class Numbers(Arrays):
    """Weights and values that are their size; one move in twenty fails."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def weights_size(self, weights: Any) -> int:
        return int(weights)

    def move_weights(self, weights: Any, device: str) -> Any:  # noqa: ARG002
        if self.random.random() < 0.05:
            raise MoveError(self.random.choice(["out of memory", "the bus is loose"]))
        return weights

    def trim(self) -> None:
        """There is nothing to trim."""


class Ref:
    """Weights of a size."""

    def __init__(self, index: int) -> None:
        self.key, self.size = f"weights {index}", 40 + 50 * index

    def load(self, device: str, dtype: str) -> int:  # noqa: ARG002
        return self.size


class Story:
    """Does something at random, and knows what has to hold afterwards."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.spilled: set[Hashable] = set()
        self.memory = Memory(BUDGETS, Numbers(self.random), self.spill)
        self.pool = Pool(self.memory, Numbers(self.random))
        self.refs = [Ref(index) for index in range(6)]
        self.pins: Counter[bytes] = Counter()
        self.owed: set[bytes] = set()  # pinned values that were put: they must be there
        self.leases: list[tuple[Hashable, str, ExitStack]] = []
        self.spaces: list[Space] = []
        self.wanted: list[list[Hashable]] = []

    def spill(self, entry: Entry) -> bool:
        if self.random.random() < 0.5:
            self.spilled.add(entry.key)
            return True
        return False

    def step(self) -> None:
        do = self.random.choice(
            [self.put] * 4
            + [self.get] * 4
            + [self.pin, self.unpin, self.unpin, self.lease, self.end, self.end, self.promote]
            + [self.grow, self.grow, self.leave, self.want]
            + [self.remove, self.shrink] * (self.random.random() < 0.2)
            + [self.memory.clear] * (self.random.random() < 0.02)
        )
        with suppress(MoveError):
            do()

    def key(self) -> bytes:
        return bytes([self.random.randrange(40)])

    def put(self) -> None:
        key, size = self.key(), self.random.randrange(1, 400)
        self.spilled.discard(key)
        if self.pins[key]:
            self.owed.add(key)
        place = self.random.choice(PLACES)
        self.memory.add(Entry(key, size, size, self.random.random(), place))

    def get(self) -> None:
        key = self.key()
        found = self.memory.find(key)
        assert found is None or found.key == key

    def pin(self) -> None:
        key = self.key()
        self.pins[key] += 1
        self.memory.pin(key)
        if self.memory.find(key):
            self.owed.add(key)

    def unpin(self) -> None:
        held = sorted(key for key in self.pins if self.pins[key])
        if held:
            key = self.random.choice(held)
            self.pins[key] -= 1
            if not self.pins[key]:
                self.owed.discard(key)
            self.memory.unpin(key)

    def lease(self) -> None:
        taken = {key: place for key, place, _ in self.leases}
        ref, place = self.random.choice(self.refs), self.random.choice(PLACES[1:])
        if len(self.leases) < 4 and taken.get((ref.key, "f"), place) == place:  # else it would wait
            stack = ExitStack()
            stack.enter_context(self.pool.lease(ref, place, "f"))
            self.leases.append(((ref.key, "f"), place, stack))

    def end(self) -> None:
        if self.leases:
            *_, stack = self.leases.pop(self.random.randrange(len(self.leases)))
            stack.close()

    def grow(self) -> None:
        if len(self.spaces) < 2 and self.random.random() < 0.1:
            self.spaces.append(Space(self.memory, self.random.choice(PLACES)))
        elif self.spaces:
            space, size = self.random.choice(self.spaces), self.random.randrange(100)
            before = space._entry.bytes
            grown = space.grow(size)
            assert space._entry.bytes - before == (size if grown else 0)

    def want(self) -> None:
        keys: list[Hashable] = [self.key(), (self.random.choice(self.refs).key, "f")]
        if self.wanted and self.random.random() < 0.5:
            self.memory.want(self.wanted.pop(), -1)
        elif len(self.wanted) < 4:
            self.memory.want(keys)
            self.wanted.append(keys)

    def leave(self) -> None:
        if self.spaces and self.random.random() < 0.2:
            self.spaces.pop().leave()

    def promote(self) -> None:
        entry = self.memory.find(self.key())
        if entry is not None and entry.place == "cpu":
            device = self.random.choice(PLACES[1:])
            self.memory.settle(device, entry.bytes)
            value = self.memory.move(entry, device)
            new = Entry(entry.key, value, entry.bytes, entry.seconds, device)
            self.memory.replace(entry, new)

    def remove(self) -> None:
        key = self.key()
        self.memory.remove(key)
        self.owed.discard(key)

    def shrink(self) -> None:
        size = self.random.choice([None, 1, 500])
        assert self.memory.shrink(size) >= 0

    def check(self) -> None:
        held: Counter[Hashable] = Counter()
        for place, tier in self.memory.tiers():
            entries = tier.entries
            held.update(entries.keys())
            assert tier.bytes == sum(entry.bytes for entry in entries.values())
            assert all(entry.key == key and entry.place == place for key, entry in entries.items())
        assert max(held.values(), default=1) == 1
        assert not self.memory.moving
        assert {key for key in self.owed if key not in held} <= self.spilled
        for key, place, _ in self.leases:
            entry = self.memory.find(key)
            assert entry is not None
            assert (entry.place, entry.leases > 0) == (place, True)

    def settled(self) -> None:
        """Nothing is over its budget but what has nowhere to go."""
        for _ in range(200):
            with suppress(MoveError):
                self.memory.settle()
                break
        for place, tier in self.memory.tiers():
            if tier.bytes > tier.budget:
                stuck = [e.leases > 0 or e.key in self.memory.pins for e in tier.entries.values()]
                assert all(stuck), (place, tier.bytes)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_done_the_cache_keeps_its_promises(seed: int) -> None:
    story = Story(seed)

    for number in range(OPERATIONS):
        story.step()
        story.check()
        if number % 50 == 0:
            story.settled()

    while story.leases:
        with suppress(MoveError):
            story.end()
    for space in story.spaces:
        space.leave()
    for key in list(story.pins):
        for _ in range(story.pins[key]):
            with suppress(MoveError):
                story.memory.unpin(key)
    story.settled()
    story.memory.clear()
    assert {place: tier.bytes for place, tier in story.memory.tiers()} == dict.fromkeys(PLACES, 0)
