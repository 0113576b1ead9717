"""Work that a device records once and repeats by itself, without being told every operation."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

from nodegraph.node import Context

Work: TypeAlias = "Callable[[Sequence[Tensor]], Tensor]"
Repeat: TypeAlias = "Callable[[], None]"


class Capturer(Protocol):
    """What a device can record with."""

    def capture(self, work: Work, inputs: Sequence[Tensor]) -> tuple[Tensor, Repeat, int]:
        """Record what ``work`` does with ``inputs``, reading them where they lie.

        Returns:
            Where its result lies after every repetition, what repeats it, and the bytes that stay
            taken for it.
        """
        ...


class CudaGraphs:
    """Records CUDA graphs, which take their memory from one pool: only one runs at a time."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        with torch.cuda.device(self._device):
            self._pool = torch.cuda.graph_pool_handle()

    def capture(self, work: Work, inputs: Sequence[Tensor]) -> tuple[Tensor, Repeat, int]:
        with torch.cuda.device(self._device):
            self._warm_up(work, inputs)
            graph, before = torch.cuda.CUDAGraph(), torch.cuda.memory_reserved()
            # Other threads may allocate and copy meanwhile: that is no business of this graph.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                result = work(inputs)
            # What others take meanwhile is counted too: better too much than too little.
            grown = torch.cuda.memory_reserved() - before
        return result, graph.replay, max(grown, result.nbytes)

    def _warm_up(self, work: Work, inputs: Sequence[Tensor]) -> None:
        """Run once beside the current stream: what libraries set up first cannot be recorded."""
        here = torch.cuda.current_stream()
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            work(inputs)
        here.wait_stream(beside)


class Recording:
    """Work recorded for inputs of these shapes, repeated for whatever else is put in their place.

    Args:
        fresh: So many of the first inputs are others every time. The rest is only copied when it
            is not the very tensor of the last time.

    Attributes:
        bytes: What it takes of the device for as long as it is kept.

    Raises:
        RuntimeError: it cannot be recorded, or what is repeated is not what was done.
    """

    def __init__(
        self, capturer: Capturer, work: Work, inputs: Sequence[Tensor], fresh: int
    ) -> None:
        self._fresh = fresh
        self._inputs = [one.clone() for one in inputs]
        self._given = [weakref.ref(one) for one in inputs]
        expected = work(self._inputs)
        self._result, self._repeat, taken = capturer.capture(work, self._inputs)
        self.bytes = taken + sum(one.nbytes for one in self._inputs)
        self._repeat()
        if not _alike(self._result, expected):
            raise RuntimeError("a recording gives other numbers than what was recorded")

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """Repeat the work on other values of the same shapes."""
        for at, (own, given) in enumerate(zip(self._inputs, inputs, strict=True)):
            if at < self._fresh or self._given[at]() is not given:
                own.copy_(given)
                self._given[at] = weakref.ref(given)
        self._repeat()
        return self._result.clone()


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two results differ by rounding at most."""
    bound = 0.01 * float(other.abs().nan_to_num(0, 0, 0).max()) + 1e-6
    return torch.allclose(one, other, rtol=0, atol=bound, equal_nan=True)


class _Held(NamedTuple):
    recording: Recording
    watching: Sequence[weakref.ref[torch.UntypedStorage]]


class Recordings:
    """Recordings by what they do, each for as long as the weights lie where it reads them.

    They are part of the device's budget and go where room is short.

    Args:
        leases: Until they close, what was found stays.
    """

    def __init__(self, context: Context, leases: ExitStack) -> None:
        self._context, self._leases = context, leases

    def find(
        self, how: Hashable, weights: Iterable[Tensor], make: Callable[[], Recording]
    ) -> Recording:
        """The recording of work of this kind on these very weights, made where there is none."""
        storages = [one.untyped_storage() for one in weights]
        key = "recording", how, tuple(one.data_ptr() for one in storages)

        def held() -> tuple[_Held, int]:
            recording = make()
            # An address says which weights only while they live: it is forgotten with them, be
            # it that they are dropped or that they are moved.
            forget = partial(_forget, self._context, key)
            return _Held(recording, [weakref.ref(one, forget) for one in storages]), recording.bytes

        return self._leases.enter_context(self._context.hold(key, held)).recording


def _forget(context: Context, key: Hashable, storage: object) -> None:  # noqa: ARG001 (of a weak reference)
    context.forget(key)
