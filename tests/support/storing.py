"""A value with a leaf, and what saves such values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from nodegraph.base.keys import Key, digest
from nodegraph.cache.record import Record
from nodegraph.cache.store import Store
from nodegraph.node import Node, Output, Wire
from nodegraph.values.leaves import digests
from nodegraph.values.tensors import TENSORS


@dataclass(frozen=True, slots=True, eq=False)
class Pixels(Wire):
    array: Any


class Pixelated(Output):
    pixels: Pixels
    seed: int


class Draw(Node):
    """Draw noise."""

    seed: int = 0

    def run(self) -> Pixelated:
        return made(self.seed)


def made(seed: int, size: int = 64) -> Pixelated:
    """Draw a picture of noise, of ``size`` x ``size`` bytes."""
    noise = np.random.default_rng(seed).integers(0, 255, (size, size), np.uint8)
    return Pixelated(pixels=Pixels(noise), seed=seed)


def key_of(seed: int) -> Key:
    return digest(b"noise", str(seed).encode())


def save(store: Store, seed: int, seconds: float = 1.0, size: int = 64) -> bool:
    """Save a picture of noise under its key."""
    output, key = made(seed, size), key_of(seed)
    record = Record(digests(output, key), seconds, size * size, {"seed": str(seed)})
    return store.save(key, "Draw", record, output, (False,))


def is_whole(store: Store, seed: int, size: int = 64) -> bool:
    """Tell whether a picture is there and is the right one."""
    found = store.load(key_of(seed), Pixelated)
    if found is None:
        return False
    assert isinstance(found[0], Pixelated)
    return bool((found[0].pixels.array == made(seed, size).pixels.array).all())


def write(folder: str, number: int | None = None) -> None:
    """Save one picture after the other, and say so."""
    store = Store(Path(folder), 2**30, TENSORS)
    for seed in islice(count(), number):
        save(store, seed, size=256)
        print(seed, flush=True)
