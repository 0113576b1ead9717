"""A pretend device of a few megabytes: what a GPU does to the cache, without one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from nodegraph.cache.pool import Pool
from nodegraph.node import ModelRef, Node, Output, Wire
from nodegraph.values.tensors import Content

MB = 2**20
DEVICE = "pretend:0"
OTHER = "pretend:1"


class PretendOutOfMemoryError(RuntimeError):
    """The pretend device is full."""


class Block:
    """So many bytes somewhere. They are given back when nobody holds the block any more."""

    def __init__(self, pretend: Pretend, data: bytes, device: str) -> None:
        pretend.take(device, len(data))
        self.pretend, self.data, self.device = pretend, data, device

    def __del__(self) -> None:
        if hasattr(self, "device"):
            self.pretend.give(self.device, len(self.data))


class PretendWeights:
    """Weights that are moved in place."""

    def __init__(self, block: Block) -> None:
        self.block = block


class Pretend:
    """Tensors whose leaves are Blocks; counts the bytes of every device, and the moves."""

    def __init__(self, capacity: int = 8 * MB) -> None:
        self.capacity = capacity
        self.used: Counter[str] = Counter()
        self.moves: list[tuple[str, str]] = []
        self.trims = self.refused = 0
        self.peaks: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, device: str, size: int) -> None:
        with self._lock:
            if device != "cpu" and self.used[device] + size > self.capacity:
                self.refused += 1
                raise PretendOutOfMemoryError(f"{device} is out of memory")
            self.used[device] += size
            self.peaks[device] = max(self.peaks[device], self.used[device])

    def give(self, device: str, size: int) -> None:
        with self._lock:
            self.used[device] -= size

    def block(self, size: int, device: str = DEVICE, fill: int = 7) -> Block:
        return Block(self, bytes([fill]) * size, device)

    def owns(self, value: object) -> bool:
        return isinstance(value, Block)

    def size(self, leaf: Block) -> int:
        return len(leaf.data)

    def device(self, leaf: Block) -> str:
        return leaf.device

    def move(self, leaf: Block, device: str) -> Block:
        if leaf.device == device:
            return leaf
        self.moves.append((leaf.device, device))
        return Block(self, leaf.data, device)

    def settle(self, leaf: Block) -> Block:
        return leaf

    def content(self, leaf: Block) -> Content:
        return Content("pretend", "U8", (len(leaf.data),), leaf.data)

    def restore(self, content: Content) -> Block:
        return Block(self, bytes(content.data), "cpu")

    def mark(self, leaf: Block) -> str:
        return str(hash(leaf.data))

    def weights_size(self, weights: Any) -> int:
        return len(weights.block.data)

    def move_weights(self, weights: PretendWeights, device: str) -> PretendWeights:
        weights.block = self.move(weights.block, device)
        return weights

    def memory(self, device: str) -> int:
        return self.capacity - self.used[device] if device != "cpu" else 64 * MB

    def free(self, device: str) -> int | None:
        return self.capacity - self.used[device] if device != "cpu" else None

    def watch(self, device: str) -> int:
        self.peaks[device] = self.used[device]
        return self.used[device]

    def most(self, device: str) -> int:
        return self.peaks[device]

    def ooms(self, device: str) -> int:  # noqa: ARG002
        return self.refused

    def trim(self) -> None:
        self.trims += 1

    def is_oom(self, error: BaseException) -> bool:
        return isinstance(error, PretendOutOfMemoryError)


@dataclass(slots=True)
class PretendRef:
    """A reference to weights of ``size`` bytes; counts how often they are loaded."""

    key: str
    size: int
    pretend: Pretend
    loads: list[str] = field(default_factory=list)

    def load(self, device: str, dtype: str) -> PretendWeights:
        self.loads.append(f"{device} {dtype}")
        return PretendWeights(self.pretend.block(self.size, device))


@dataclass(frozen=True, slots=True, eq=False)
class Blob(Wire):
    """A tensor, in pretence."""

    block: Block
    name: str = "blob"


class Blobbed(Output):
    blob: Blob


class Paint(Node):
    """Make a blob."""

    def run(self) -> Blobbed:
        raise NotImplementedError


class Number(Output):
    value: int


class Count(Node):
    """Make a number."""

    def run(self) -> Number:
        raise NotImplementedError


def load(pool: Pool, ref: ModelRef[Any], device: str, dtype: str) -> None:
    """Bring weights to a device, as somebody does who uses them and has done."""
    with pool.lease(ref, device, dtype):
        pass
