"""Admission to a device: room for items judged before they run, by what such work took before."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...cache.pool import Weights
from ...node import Node, Work
from ...savings import NO_SAVINGS, Savings
from ..context import RunContext

GUESSED = 1.5
"""By which a guess is multiplied: it knows no workspaces and no rounding of an allocator."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What items of one kind of work take of a device, and what there is.

    Attributes:
        residents: Keys of what must stay on the device: the weights and the inputs.
        missing: Bytes of weights that are not on the device yet.
    """

    context: RunContext
    work: Work
    name: str
    savings: Savings
    residents: Collection[Hashable]
    missing: int

    @classmethod
    def of(
        cls, node: Node, savings: Savings, inputs: Collection[Hashable], context: RunContext
    ) -> Admission | None:
        """Judge by ``node``, one of the items; None where it tells nothing, or nobody counts.

        Args:
            inputs: The keys of all that is linked in.
        """
        cache, work = context.cache, node.work()
        if work is None or cache.tensors.free(context.device) is None:
            return None
        # Offloaded weights wait on the host; the layers that come count as workspace.
        refs = () if savings.offload else work.weights
        weights = cache.pool.keys(refs, context.dtype)
        missing = sum(
            size or cache.needs.expect(_weights(key), 1) or 0
            for key, size in weights.items()
            if not cache.on(context.device, key)
        )
        # Measurements hold for one dtype, one kind of device and one set of savings.
        conditions = ", ".join((context.settings.signature(), *savings.words, str(savings.tiles)))
        name = f"{type(node).__qualname__} {work.name} ({conditions})"
        return cls(context, work, name, savings, {*weights, *inputs}, missing)

    def expected(self, count: int) -> int | None:
        """Bytes that so many items take beside their weights; None where nothing is known."""
        cache = self.context.cache
        measured = cache.needs.expect(self.name, count * self.work.size)
        # A guess takes seconds: only who bounds a device's memory is likely to gain by it.
        if (
            measured is None
            and self.work.guess
            and self.savings == NO_SAVINGS
            and cache.budgets.device
        ):
            guess = self.work.guess(self.context.dtype)
            return None if guess is None else int(guess * count * GUESSED)
        return measured

    @property
    def room(self) -> int:
        """Bytes they can have, once all that can go has gone."""
        return (self.context.cache.room(self.context.device, self.residents) or 0) - self.missing

    def most(self, count: int) -> int:
        """How many of so many items fit together: at least one, and all where nothing is known."""
        room = self.room
        for fewer in range(count, 1, -1):
            expected = self.expected(fewer)
            if expected is None or expected <= room:
                return fewer
        return 1

    @contextmanager
    def admitted(self, count: int) -> Iterator[None]:
        """Make room for so many items; measure what they take while the block runs."""
        cache, device = self.context.cache, self.context.device
        expected = self.expected(count)
        if expected is not None:
            cache.make_room(device, expected + self.missing, self.residents)
        # The allocator's peak counts weights that are loaded while the block runs. They stay, and
        # are in the cache's sum afterwards: what is left is what came and went, the workspace.
        before, bytes_before = cache.tensors.watch(device), cache.bytes_on(device)
        yield  # where it raises nothing is noted: what did not fit was not measured to its end
        grown = cache.bytes_on(device) - bytes_before
        workspace = cache.tensors.most(device) - before - grown
        cache.needs.note(self.name, count * self.work.size, max(workspace, 1))
        for key, size in cache.pool.keys(self.work.weights, self.context.dtype).items():
            if size:
                cache.needs.note(_weights(key), 1, size)

    def advice(self, count: int) -> str:
        """What would fit instead of so many items; empty where that is not known."""
        expected, room = self.expected(count), self.room
        if expected is None or expected <= room:
            return ""
        there = f"it takes about {_spelt(expected)} beside weights, {_spelt(room)} can be had"
        fewer, part = self.most(count), 100 * room * count // expected
        if fewer < count:
            return f"{there}: a batch of {fewer} would fit"
        half = ", or dtype float16" if self.context.dtype == "float32" else ""
        if part < 1:
            return f"{there}: a larger device would do{half}"
        return f"{there}: a picture of {part} % of the pixels would fit{half}"


def _weights(key: Weights) -> str:
    return " ".join(("weights", *key))


def _spelt(size: int) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{max(size, 0) / 2**20:.0f} MB"
