"""Processes that train together, one thread each: on few cores faster than many threads in one."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.multiprocessing.spawn import spawn


@dataclass(frozen=True, slots=True)
class Rank:
    """This process among ``count``."""

    index: int
    count: int

    @property
    def first(self) -> bool:
        """Whether this process writes what all share."""
        return self.index == 0

    def mean(self, tensors: Sequence[Tensor], extra: Sequence[float] = ()) -> list[float]:
        """Make every tensor its mean over the ranks, in place; return the means of ``extra``."""
        flat = torch.cat([*(t.detach().reshape(-1) for t in tensors), torch.tensor(list(extra))])
        if self.count > 1:
            distributed.all_reduce(flat)
            flat /= self.count
        for tensor in tensors:
            part, flat = flat[: tensor.numel()], flat[tensor.numel() :]
            tensor.detach().copy_(part.view_as(tensor))
        return [float(value) for value in flat]

    def share(self, items: Iterable[int]) -> list[int]:
        """Every ``count``-th item, starting with our own."""
        return list(items)[self.index :: self.count]


def run_ranks(work: Callable[..., None], count: int, *arguments: object) -> None:
    """Call ``work(rank, *arguments)`` in ``count`` processes and wait; one rank runs right here."""
    if count == 1:
        work(Rank(0, 1), *arguments)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_enter, (count, port, work, arguments), nprocs=count)  # type: ignore[no-untyped-call]


def log_plainly() -> None:
    """Print one line an event, with the time of day."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


def _enter(
    index: int, count: int, port: int, work: Callable[..., None], arguments: Sequence[object]
) -> None:
    log_plainly()
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    distributed.init_process_group("gloo", rank=index, world_size=count)
    try:
        work(Rank(index, count), *arguments)
    finally:
        distributed.destroy_process_group()
