"""CUDA graphs: work recorded once, then launched as one, without a launch for every operation."""

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
    """Records work on a device; CUDA graphs do, and tests pretend to."""

    def capture(self, work: Work, inputs: Sequence[Tensor]) -> tuple[Tensor, Repeat, int]:
        """Record what ``work`` does with ``inputs``, reading them where they lie.

        Returns:
            The tensor that holds the result after every repetition, the repetition, and the bytes
            of the device that stay taken for it.
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
        """Run once on a side stream: what libraries set up at first use cannot be recorded."""
        here = torch.cuda.current_stream()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(here)
        with torch.cuda.stream(side):
            work(inputs)
        here.wait_stream(side)


class Recording:
    """Work recorded on tensors of its own, repeated for any values that are copied into them.

    A graph reads and writes fixed addresses. So its inputs are copies that it owns, and its result
    is copied out before the next repetition, or another graph of the pool, writes over it.

    Args:
        fresh: So many of the first inputs have new values every time. The rest is only copied when
            it is not the very tensor of the last time.

    Attributes:
        bytes: What it takes of the device for as long as it lives.

    Raises:
        RuntimeError: it cannot be recorded, or what is repeated is not what was done.
    """

    def __init__(
        self, capturer: Capturer, work: Work, inputs: Sequence[Tensor], fresh: int
    ) -> None:
        self._fresh = fresh
        self._inputs = [tensor.clone() for tensor in inputs]
        # Weak: the id of a tensor that is gone may be another one's, and nothing is kept alive.
        self._sources = [weakref.ref(tensor) for tensor in inputs]
        expected = work(self._inputs)
        self._result, self._repeat, size = capturer.capture(work, self._inputs)
        self.bytes = size + sum(tensor.nbytes for tensor in self._inputs)
        self._repeat()
        if not _is_close(self._result, expected):
            raise RuntimeError("a recording gives other numbers than what was recorded")

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """Repeat the work on other values of the same shapes."""
        for at, (own, source) in enumerate(zip(self._inputs, inputs, strict=True)):
            if at < self._fresh or self._sources[at]() is not source:
                own.copy_(source)
                self._sources[at] = weakref.ref(source)
        self._repeat()
        return self._result.clone()


def _is_close(result: Tensor, expected: Tensor) -> bool:
    """Whether two results differ by rounding at most.

    A graph may pick other kernels than eager work does; one that reads a wrong address, or before
    a copy has arrived, is off by far more than a hundredth.
    """
    bound = 0.01 * float(expected.abs().nan_to_num(0, 0, 0).max()) + 1e-6
    return torch.allclose(result, expected, rtol=0, atol=bound, equal_nan=True)


class _Watched(NamedTuple):
    """A recording, and the weak references that tell when its weights are gone."""

    recording: Recording
    storages: Sequence[weakref.ref[torch.UntypedStorage]]


class Recordings:
    """Recordings by their work, each for as long as the weights lie where it reads them.

    They are part of the device's budget and go where room is short.

    Args:
        leases: Until they close, a recording that was asked for stays.
    """

    def __init__(self, context: Context, leases: ExitStack) -> None:
        self._context, self._leases = context, leases

    def find(
        self, kind: Hashable, weights: Iterable[Tensor], make: Callable[[], Recording]
    ) -> Recording:
        """The recording of work of a kind on these very weights, made where there is none."""
        storages = [tensor.untyped_storage() for tensor in weights]
        key = "recording", kind, tuple(storage.data_ptr() for storage in storages)

        def watched() -> tuple[_Watched, int]:
            recording = make()
            # An address says which weights only while they live: it is forgotten with them, be
            # it that they are dropped or that they are moved.
            forget = partial(_forget, self._context, key)
            references = [weakref.ref(storage, forget) for storage in storages]
            return _Watched(recording, references), recording.bytes

        return self._leases.enter_context(self._context.hold(key, watched)).recording


def _forget(context: Context, key: Hashable, storage: object) -> None:  # noqa: ARG001 (of a weak reference)
    context.forget(key)
