"""A small cache with pretended devices, and values to put into it."""

from __future__ import annotations

from nodegraph.base.keys import Key, digest
from nodegraph.cache import Budgets, Cache, Record

from .pretend import DEVICE, MB, Blob, Blobbed, Count, Number, Paint, Pretend
from .storing import Draw, made

SMALL = Budgets(device=3 * MB, host=4 * MB)


def key(name: object) -> Key:
    return digest(str(name).encode())


def blob(
    cache: Cache, name: str, size: int = MB, seconds: float = 1.0, device: str = DEVICE
) -> Record:
    """Put a blob of so many bytes, which took so long to make."""
    assert isinstance(cache.tensors, Pretend)
    fill = sum(map(ord, name)) % 256
    output = Blobbed(blob=Blob(cache.tensors.block(size, device, fill)))
    return cache.put(key(name), output, kind=Paint, seconds=seconds, parts=dict)


def number(cache: Cache, value: int, seconds: float = 1e-5) -> Record:
    return cache.put(
        key(value), Number(value=value), kind=Count, seconds=seconds,
        parts=lambda: {"value": str(value)},
    )  # fmt: skip


def draw(cache: Cache, seed: int, seconds: float = 1.0, size: int = 64) -> Record:
    return cache.put(
        key(seed), made(seed, size), kind=Draw, seconds=seconds, parts=lambda: {"seed": str(seed)}
    )


def where(cache: Cache, *names: str) -> dict[str, str]:
    """Tell on which device every blob lies that is still held."""
    outputs = {name: cache.get(key(name), Paint) for name in names}
    return {n: o.blob.block.device for n, o in outputs.items() if isinstance(o, Blobbed)}
