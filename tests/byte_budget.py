"""Memory that runs out on the CPU exactly where a test says so, and a cache that can see it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nodes._counting import LiveBytes


class ByteBudget(LiveBytes):  # type: ignore[no-untyped-call]
    """Raises the error that CUDA raises, at the very operation that goes over the limit.

    Args:
        limit: Bytes; None only counts.
        weights: Bytes of what lies on the device beside what operations make.
    """

    def __init__(self, limit: int | None = None, weights: Callable[[], int] = lambda: 0) -> None:
        super().__init__()
        self.limit, self.weights, self.ooms = limit, weights, 0

    def judge(self, operation: str) -> None:
        live = self.live + self.weights()
        if self.limit is not None and live > self.limit:
            self.ooms += 1
            raise torch.OutOfMemoryError(f"{live} bytes, {self.limit} there are, in {operation}")
