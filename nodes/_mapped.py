"""Safetensors files in memory without being copied: a page is read when it is first touched."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nodegraph.errors import UserError

_TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
    "BOOL": torch.bool, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip


class Mapped(Mapping[str, Tensor]):
    """The tensors of a file, as views of it: they are made without reading any.

    Raises:
        UserError: It is damaged, or holds a tensor of a kind that no network has.
    """

    def __init__(self, path: Path) -> None:
        try:
            with safe_open(path, framework="np"):
                pass  # Refuses every file whose header and length do not agree.
        except SafetensorError as error:
            raise UserError(f"model: {str(path)!r} is damaged: {error}") from error
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self._entries = json.loads(file.read(length))
            # A private copy: PyTorch wants what it may write to, and nothing reaches the file.
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._entries.pop("__metadata__", None)
        self._path, self._start = path, 8 + length

    def __getitem__(self, key: str) -> Tensor:
        entry = self._entries[key]
        if entry["dtype"] not in _TYPES:
            raise UserError(
                f"model: {str(self._path)!r} holds {key} as {entry['dtype']}; use one of"
                f" {', '.join(_TYPES)}"
            )
        kind = _TYPES[entry["dtype"]]
        first, last = entry["data_offsets"]
        if first == last:
            return torch.empty(entry["shape"], dtype=kind)
        place = {"count": last - first, "offset": self._start + first}
        data = torch.frombuffer(self._map, dtype=torch.uint8, **place)
        if data.data_ptr() % kind.itemsize:
            data = data.clone()
        return data.view(kind).view(entry["shape"])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def forget(self) -> None:
        """Let go of the pages that were read so far; whoever touches one reads it again."""
        if hasattr(self._map, "madvise"):
            self._map.madvise(mmap.MADV_DONTNEED)
