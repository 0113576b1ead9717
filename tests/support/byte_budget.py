"""Memory that runs out on the CPU exactly where a test says so, and a cache that can see it."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from nodegraph.values.tensors import Arrays
from nodes.diffusion.live_bytes import LiveBytes


class ByteBudget(LiveBytes):  # type: ignore[no-untyped-call]
    """Raises the error that CUDA raises, at the very operation that goes over the limit.

    Args:
        limit: Bytes; None only counts.
    """

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit, self.ooms = limit, 0

    def hold(self, tensors: Iterable[torch.Tensor]) -> None:
        """Count what lies there without an operation having made it: weights read from a file."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            self._release(storage._cdata)
            self._note(tensor, storage.nbytes())
        self.judge("loading")

    def judge(self, operation: str) -> None:
        if self.limit is not None and self.live > self.limit:
            self.ooms += 1
            raise torch.OutOfMemoryError(f"{self.live} of {self.limit} bytes, in {operation}")


class Metered(Arrays):
    """The CPU as if it were a device whose bytes are counted."""

    def __init__(self, budget: ByteBudget) -> None:
        self.budget = budget

    def free(self, device: str) -> int | None:  # noqa: ARG002
        return (self.budget.limit or 0) - self.budget.live

    def watch(self, device: str) -> int:  # noqa: ARG002
        self.budget.most = self.budget.live
        return self.budget.live

    def most(self, device: str) -> int:  # noqa: ARG002
        return self.budget.most
