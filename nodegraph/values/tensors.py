"""Arrays, tensors and weights: sizes, bytes, moves. Only this module knows numpy and torch."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, Protocol

from ..base.imports import import_whole, imported
from ..base.keys import digest_of

_NAMES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32",
    "int32": "I32", "uint64": "U64", "int64": "I64", "float16": "F16", "bfloat16": "BF16",
    "float32": "F32", "float64": "F64", "complex64": "C64", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}  # fmt: skip
_TYPES = {name: kind for kind, name in _NAMES.items()}
_OOM_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "status_alloc_failed")


class Content(NamedTuple):
    """The content of a leaf: ``dtype`` as safetensors spells it, ``data`` its bytes in C order."""

    library: str
    dtype: str
    shape: tuple[int, ...]
    data: memoryview | bytes | bytearray


class Tensors(Protocol):
    """The operations that the engine needs on leaves of values and on weights."""

    def owns(self, value: object) -> bool:
        """Whether ``value`` is a leaf: an array or tensor that is no more than its bytes."""
        ...

    def size(self, leaf: Any) -> int:
        """Bytes a leaf holds."""
        ...

    def device(self, leaf: Any) -> str:
        """Where a leaf lies: ``cpu``, ``cuda:0``, …"""
        ...

    def move(self, leaf: Any, device: str) -> Any:
        """Copy a leaf to a device, unless it lies there."""
        ...

    def settle(self, leaf: Any) -> Any:
        """Make a leaf fit for the cache: no small view of large storage; read-only if it can be."""
        ...

    def content(self, leaf: Any) -> Content:
        """Read a leaf."""
        ...

    def restore(self, content: Content) -> Any:
        """Make a leaf on the host, over the memory of ``content`` where that is possible."""
        ...

    def mark(self, leaf: Any) -> str:
        """Spell a text that changes when somebody writes into a leaf, as cheaply as can be."""
        ...

    def weights_size(self, weights: Any) -> int:
        """Bytes the weights hold."""
        ...

    def move_weights(self, weights: Any, device: str) -> Any:
        """Move weights: modules in place, wherever in a tuple, dict or dataclass they are."""
        ...

    def memory(self, device: str) -> int:
        """Free bytes of a device; of ``cpu``, all the machine has."""
        ...

    def free(self, device: str) -> int | None:
        """Bytes that computing can still have of a device; None where nobody counts them."""
        ...

    def watch(self, device: str) -> int:
        """Bytes of a device in use now; from here on the most is noted, too."""
        ...

    def most(self, device: str) -> int:
        """The most bytes of a device that were in use since ``watch``."""
        ...

    def ooms(self, device: str) -> int:
        """How often memory of a device ran out, as far as that is counted."""
        ...

    def trim(self) -> None:
        """Give memory that is not used back to the devices."""
        ...

    def is_oom(self, error: BaseException) -> bool:
        """Whether an error means that memory ran out."""
        ...


class Arrays:
    """numpy arrays and torch tensors. torch is imported only to restore one of its tensors."""

    def owns(self, value: object) -> bool:
        # A library that nobody has imported cannot have made the value, so none is imported to ask.
        numpy = imported("numpy")
        array = getattr(numpy, "ndarray", None)
        if array is not None and isinstance(value, array):
            return value.dtype.name in _NAMES
        torch = imported("torch")
        tensor = getattr(torch, "Tensor", None)
        if torch is not None and tensor is not None and isinstance(value, tensor):
            return (
                value.layout is torch.strided
                and value.device.type != "meta"
                and _name(value) in _NAMES
            )
        return False

    def size(self, leaf: Any) -> int:
        return int(leaf.nbytes)

    def device(self, leaf: Any) -> str:
        return "cpu" if _is_array(leaf) else str(leaf.device)

    def move(self, leaf: Any, device: str) -> Any:
        if self.device(leaf) == device or _is_array(leaf):
            return leaf
        if device != "cpu":
            return leaf.to(device, non_blocking=True)
        import torch

        # Pinned, so that the way back need not wait for a copy of the copy.
        host = torch.empty(leaf.shape, dtype=leaf.dtype, pin_memory=leaf.device.type == "cuda")
        return host.copy_(leaf.detach())

    def settle(self, leaf: Any) -> Any:
        if not _is_array(leaf):
            leaf = leaf.detach() if leaf.requires_grad else leaf
            # A view keeps its whole storage alive: it is copied if that is more than twice as large
            # and the difference worth a copy.
            small = leaf.nbytes * 2 + 4096 < leaf.untyped_storage().nbytes()
            return leaf.clone() if small else leaf
        base = leaf.base
        if _is_array(base) and leaf.nbytes * 2 + 4096 < base.nbytes:
            leaf = leaf.copy()
        # Every array of the chain: whoever holds a writeable base could write through it.
        base = leaf
        while _is_array(base):
            base.flags.writeable = False
            base = base.base
        return leaf

    def content(self, leaf: Any) -> Content:
        if _is_array(leaf):
            # The machine's byte order and C order, so that equal values have equal bytes, however
            # they lie in memory; no copy where they lie so already.
            array = leaf.astype(leaf.dtype.newbyteorder("="), order="C", copy=False)
            data = memoryview(array.reshape(-1).view("uint8"))
            return Content("numpy", _NAMES[leaf.dtype.name], leaf.shape, data)
        import torch

        # Conjugates and negatives are marks on a tensor, not in its bytes, until they are resolved.
        flat = leaf.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        data = memoryview(flat.view(torch.uint8).numpy())
        return Content("torch", _NAMES[_name(leaf)], tuple(leaf.shape), data)

    def restore(self, content: Content) -> Any:
        if content.library == "numpy":
            import numpy as np

            data = bytes(content.data) if isinstance(content.data, bytearray) else content.data
            # Of a mapped file these are its very pages: nothing is read before it is touched.
            view = memoryview(data).toreadonly()
            return np.frombuffer(view, _TYPES[content.dtype]).reshape(content.shape)
        torch = import_whole("torch")
        dtype = getattr(torch, _TYPES[content.dtype])
        if not len(content.data):
            return torch.empty(content.shape, dtype=dtype)
        data = memoryview(content.data)
        # PyTorch has no tensors that cannot be written to, so read-only bytes are copied; a mapped
        # file comes as private, writeable pages. Nor has it tensors whose items lie askew.
        flat = torch.frombuffer(bytearray(data) if data.readonly else data, dtype=torch.uint8)
        aligned = flat if flat.data_ptr() % dtype.itemsize == 0 else flat.clone()
        return aligned.view(dtype).reshape(content.shape)

    def mark(self, leaf: Any) -> str:
        if _is_array(leaf):
            return digest_of(self.content(leaf).data).hex() if leaf.flags.writeable else "read-only"
        # A write through numpy leaves no trace in the counter, but it can only reach the host.
        version = "" if leaf.is_inference() else str(leaf._version)
        on_host = leaf.device.type == "cpu" or not version
        return version + (digest_of(self.content(leaf).data).hex() if on_host else "")

    def weights_size(self, weights: Any) -> int:
        sizes: dict[int, int] = {}
        for part in _parts(weights):
            for tensor in (
                [*part.parameters(), *part.buffers()] if hasattr(part, "parameters") else [part]
            ):
                # Tied weights are one storage under two names. Empty tensors all have pointer 0.
                sizes[tensor.data_ptr() or id(tensor)] = int(tensor.nbytes)
        return sum(sizes.values())

    def move_weights(self, weights: Any, device: str) -> Any:
        if hasattr(weights, "untyped_storage"):
            return self.move(weights, device)
        for part in _parts(weights):
            if hasattr(part, "parameters"):
                part.to(device)
        return weights

    def memory(self, device: str) -> int:
        if device == "cpu":
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        torch = import_whole("torch")
        # What the allocator holds without using it is as good as free.
        used = torch.cuda.memory_allocated(device)
        free, total = torch.cuda.mem_get_info(device)
        share = int(total * torch.cuda.get_per_process_memory_fraction(device))
        return int(min(int(free) + torch.cuda.memory_reserved(device), share) - used)

    def free(self, device: str) -> int | None:
        return self.memory(device) if _counts(device) else None

    def watch(self, device: str) -> int:
        if not _counts(device):
            return 0
        torch = import_whole("torch")
        torch.cuda.reset_peak_memory_stats(device)
        return int(torch.cuda.memory_allocated(device))

    def most(self, device: str) -> int:
        torch = import_whole("torch")
        return int(torch.cuda.max_memory_allocated(device)) if _counts(device) else 0

    def ooms(self, device: str) -> int:
        torch = imported("torch")
        if torch is None or not _counts(device) or not torch.cuda.is_initialized():
            return 0
        return int(torch.cuda.memory_stats(device).get("num_ooms", 0))

    def trim(self) -> None:
        gc.collect()
        torch = imported("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def is_oom(self, error: BaseException) -> bool:
        # Who reads weights may say that the file cannot be read, because memory ran out.
        cause: BaseException | None = error
        while cause is not None and not _is_oom(cause):
            cause = cause.__cause__ or cause.__context__
        return cause is not None


TENSORS: Tensors = Arrays()


def _counts(device: str) -> bool:
    return device.partition(":")[0] == "cuda"


def _is_oom(error: BaseException) -> bool:
    # cuBLAS and cuDNN have exceptions of their own, or say it in a plain RuntimeError.
    words = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and (
            type(error).__name__ == "OutOfMemoryError" or any(word in words for word in _OOM_WORDS)
        )
    )


def _is_array(value: object) -> bool:
    numpy = imported("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _name(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _parts(weights: Any) -> Iterator[Any]:
    """Yield the modules and tensors that weights are made of."""
    if hasattr(weights, "parameters") or hasattr(weights, "untyped_storage"):
        yield weights
    elif isinstance(weights, dict):
        for part in weights.values():
            yield from _parts(part)
    elif isinstance(weights, list | tuple):
        for part in weights:
            yield from _parts(part)
    elif is_dataclass(weights):
        for field in fields(weights):
            yield from _parts(getattr(weights, field.name))
