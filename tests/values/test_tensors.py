"""numpy arrays, torch tensors and weights: their bytes, moves and marks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nodegraph.values.tensors import TENSORS, Content

if TYPE_CHECKING:
    import torch
    from torch import nn

ARRAYS = ["bool", "uint8", "int8", "uint16", "int32", "int64", "float16", "float32", "float64"]


@pytest.fixture(scope="module")
def linear() -> nn.Linear:
    from torch import nn

    return nn.Linear(3, 2)


def tensor(*values: float, dtype: str = "float32") -> torch.Tensor:
    import torch

    return torch.tensor(values).to(getattr(torch, dtype))


def test_the_engine_knows_tensors_without_importing_torch_or_numpy() -> None:
    code = (
        "import sys; from nodegraph.values.leaves import Watch; Watch({'a': [1]});"
        "print({'numpy', 'torch'} & {*sys.modules})"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "set()"


@pytest.mark.parametrize("dtype", ARRAYS)
def test_an_array_survives_as_bytes(dtype: str) -> None:
    before = np.arange(6).reshape(2, 3).astype(dtype)

    after = TENSORS.restore(TENSORS.content(before))

    np.testing.assert_array_equal(before, after, strict=True)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "bfloat16", "complex64"])
def test_a_tensor_survives_as_bytes(dtype: str) -> None:
    import torch

    before = tensor(0, 1, 2, 3, dtype=dtype).reshape(2, 2).t()

    after = TENSORS.restore(TENSORS.content(before))

    assert after.dtype == before.dtype
    assert torch.equal(before, after)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_shapes_without_length_survive_as_bytes(shape: tuple[int, ...]) -> None:
    import torch

    array, made = np.ones(shape), torch.ones(shape)

    assert TENSORS.restore(TENSORS.content(array)).shape == shape
    assert tuple(TENSORS.restore(TENSORS.content(made)).shape) == shape


def test_the_order_of_an_arrays_bytes_does_not_matter() -> None:
    little, big = np.arange(3, dtype="<i4"), np.arange(3, dtype=">i4")

    assert bytes(TENSORS.content(little).data) == bytes(TENSORS.content(big).data)


def test_a_restored_array_is_read_only() -> None:
    restored = TENSORS.restore(Content("numpy", "U8", (2,), bytearray(b"ab")))

    assert not restored.flags.writeable


@pytest.mark.parametrize(
    "value", [1, "text", np.array([object()]), np.array(["text"]), np.longdouble(1), [1]]
)
def test_what_is_more_than_its_bytes_is_no_leaf(value: object) -> None:
    assert not TENSORS.owns(value)


def test_sparse_and_meta_tensors_are_no_leaves() -> None:
    import torch

    assert TENSORS.owns(torch.ones(2))
    assert not TENSORS.owns(torch.ones(2).to_sparse())
    assert not TENSORS.owns(torch.ones(2, device="meta"))


def test_a_small_view_is_kept_without_what_it_is_a_view_of() -> None:
    import torch

    part = TENSORS.settle(np.zeros((100, 10_000), np.uint8)[:1])
    piece = TENSORS.settle(torch.zeros(100, 10_000)[:1])

    assert part.base is None
    assert piece.untyped_storage().nbytes() == 40_000


def test_a_kept_array_can_no_longer_be_written_to_not_even_through_its_base() -> None:
    base = np.zeros((4, 4))
    kept = TENSORS.settle(base[:3])

    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        base[0, 0] = 1


def test_a_kept_tensor_needs_no_gradient() -> None:
    made = tensor(1.0)

    assert TENSORS.settle(made) is made
    assert not TENSORS.settle(tensor(1.0).requires_grad_() * 2).requires_grad


@pytest.mark.parametrize("through", ["torch", "numpy"])
def test_a_write_into_a_tensor_changes_its_mark(through: str) -> None:
    shared = tensor(1, 2)
    before = TENSORS.mark(shared)

    if through == "torch":
        shared.add_(1).sub_(1)
    else:
        shared.numpy()[0] = 5

    assert TENSORS.mark(shared) != before


def test_a_write_into_an_inference_tensor_changes_its_mark() -> None:
    import torch

    with torch.inference_mode():
        shared = torch.ones(2)
        before = TENSORS.mark(shared)
        shared.add_(1)

    assert TENSORS.mark(shared) != before


def test_an_array_never_moves_and_a_tensor_not_to_where_it_is() -> None:
    array, made = np.ones(2), tensor(1)

    assert TENSORS.move(array, "cuda:0") is array
    assert TENSORS.move(made, "cpu") is made
    assert TENSORS.device(array) == TENSORS.device(made) == "cpu"


def test_a_tensor_moves_between_devices() -> None:
    import torch

    away = TENSORS.move(tensor(1, 2), "meta")

    assert away.device.type == "meta"
    with pytest.raises(NotImplementedError):
        TENSORS.move(away, "cpu")
    assert TENSORS.size(torch.ones(3)) == 12


def test_the_size_of_weights_counts_every_tensor_once(linear: nn.Linear) -> None:
    @dataclass
    class Bundle:
        first: Any
        rest: dict[str, Any]

    assert TENSORS.weights_size(linear) == 32
    assert TENSORS.weights_size((linear, "tokenizer", [linear])) == 32
    assert TENSORS.weights_size(Bundle(linear, {"extra": tensor(1, 2)})) == 40
    assert TENSORS.weights_size("no weights") == 0


def test_weights_move_in_place_wherever_they_are() -> None:
    from torch import nn

    model = nn.Linear(3, 2)
    weights = {"model": model, "words": ["tokenizer"], "extra": tensor(1)}

    moved = TENSORS.move_weights(weights, "meta")

    assert moved is weights
    assert model.weight.device.type == "meta"


def test_weights_that_are_a_tensor_move_by_copy() -> None:
    assert TENSORS.move_weights(tensor(1), "meta").device.type == "meta"


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("shapes differ"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_running_out_of_memory_is_told_from_other_failures(error: Exception, is_one: bool) -> None:
    assert TENSORS.is_oom(error) is is_one


def test_torchs_own_error_is_running_out_of_memory() -> None:
    import torch

    assert TENSORS.is_oom(torch.OutOfMemoryError("CUDA out of memory"))


def test_the_hosts_memory_is_what_the_machine_has() -> None:
    TENSORS.trim()

    assert TENSORS.memory("cpu") > 2**28


@pytest.mark.parametrize(
    ("free", "share", "expected"),
    [
        pytest.param(100, 1.0, 120, id="what the allocator holds in reserve is free"),
        pytest.param(500, 0.1, 90, id="no more is free than this process may have"),
    ],
)
def test_the_free_memory_of_a_gpu(
    free: int, share: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 30)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 10)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 1000))
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda _: share)

    assert TENSORS.memory("cuda:0") == expected


def test_trimming_gives_the_allocators_reserve_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    called: list[bool] = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: called.append(True))

    TENSORS.trim()

    assert called == [True]
