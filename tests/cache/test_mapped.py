"""Values that are read from disk as views of the file."""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodegraph.base.keys import digest
from nodegraph.cache import mapped
from nodegraph.cache.record import Record
from nodegraph.cache.store import Store
from nodegraph.node import Output, Wire
from nodegraph.values.leaves import digests
from nodegraph.values.tensors import TENSORS, Content

from ..support.storing import Pixelated, is_whole, key_of, made, save

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there all files are read")
SIZE = 512
"""A picture of as many pixels a side is large enough to be viewed."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", 2**30, TENSORS)


def payload(store: Store) -> Path:
    (path,) = store.folder.glob("v1/payloads/*/*")
    return path


def loaded(store: Store, seed: int = 1) -> Any:
    found = store.load(key_of(seed), Pixelated)
    assert found is not None
    return found[0].pixels.array  # type: ignore[attr-defined]


def viewed(store: Store) -> int:
    return len(store._views._open)


def test_a_large_array_is_a_view_of_its_file_that_cannot_be_written_to(store: Store) -> None:
    save(store, 1, size=SIZE)

    array = loaded(store)

    assert viewed(store) == 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    del array
    assert viewed(store) == 0


def test_a_small_array_is_read(store: Store) -> None:
    save(store, 1, size=16)

    array = loaded(store)

    assert viewed(store) == 0
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True


@pytest.mark.parametrize("how", ["removed", "cleared", "replaced", "trimmed"])
def test_a_view_outlives_its_file(store: Store, how: str, tmp_path: Path) -> None:
    save(store, 1, size=SIZE)
    array = loaded(store)

    match how:
        case "removed":
            store.remove(key_of(1))
        case "cleared":
            store.clear()
        case "replaced":
            os.replace(_other(tmp_path), payload(store))
        case _:
            store.budget = 1
            store.trim(lambda: ())

    assert (array == made(1, SIZE).pixels.array).all()


def _other(folder: Path) -> Path:
    path = folder / "other"
    path.write_bytes(b"x" * SIZE * SIZE)
    return path


@pytest.mark.parametrize("damage", ["cut off", "flipped"])
def test_a_large_file_that_is_damaged_is_a_miss(store: Store, damage: str) -> None:
    save(store, 1, size=SIZE)
    data = bytearray(payload(store).read_bytes())
    if damage == "cut off":
        del data[SIZE * SIZE // 2 :]
    else:
        data[-1] ^= 1
    payload(store).write_bytes(data)

    assert store.load(key_of(1), Pixelated) is None
    assert not store.has(key_of(1))
    assert save(store, 1, size=SIZE)
    assert is_whole(store, 1, SIZE)


def test_only_so_many_files_are_kept_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "MOST", 3)
    for seed in range(6):
        save(store, seed, size=SIZE)

    arrays = [loaded(store, seed) for seed in range(6)]

    assert viewed(store) == 3
    assert all((arrays[seed] == made(seed, SIZE).pixels.array).all() for seed in range(6))


@dataclass(frozen=True, eq=False)
class Latents(Wire):
    values: Any
    mask: Any


class Made(Output):
    latents: Latents


@pytest.mark.parametrize("odd", [0, 3])
def test_a_tensor_is_a_view_that_can_be_spoiled_for_nobody_else(store: Store, odd: int) -> None:
    import torch

    values = torch.arange(2**16, dtype=torch.float32)
    output = Made(latents=Latents(values, torch.ones(odd, dtype=torch.uint8)))
    if odd:  # bytes in front: the values lie askew in the file
        output = Made(latents=Latents(torch.ones(odd, dtype=torch.uint8), values))
    key = digest(b"latents")
    store.save(key, "Make", Record(digests(output, key), 1, 1), output, (False, False))
    before = payload(store).read_bytes()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = store.load(key, Made)
    assert found is not None
    latents = found[0].latents  # type: ignore[attr-defined]
    first = latents.mask if odd else latents.values
    assert torch.equal(first, values)
    assert viewed(store) == 1
    assert first.data_ptr() % 4 == 0
    first += 1

    assert payload(store).read_bytes() == before
    again = store.load(key, Made)
    assert again is not None
    same = again[0].latents.mask if odd else again[0].latents.values  # type: ignore[attr-defined]
    assert torch.equal(same, values)


def test_memory_that_cannot_be_written_to_is_copied_without_a_warning() -> None:
    import torch

    data = np.arange(4, dtype=np.float32).tobytes()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = TENSORS.restore(Content("torch", "F32", (2, 2), data))
    tensor += 1

    assert tensor.tolist() == [[1, 2], [3, 4]]
    assert data == np.arange(4, dtype=np.float32).tobytes()
    assert "torch" in sys.modules
    assert torch.is_tensor(tensor)
