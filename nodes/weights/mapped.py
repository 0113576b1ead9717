"""Safetensors files mapped into memory: tensors that are views, whose pages are read when touched.

Weights on the CPU may be these very pages. Then the kernel holds them once, however many processes
use the file, and may drop them whenever memory is short: what they hold is still in the file. We
let go of pages in two places: ``forget`` while a network is filled, of what was copied out of the
file, and ``let_go`` when the host's budget is exceeded, of weights that nobody leases. Neither can
spoil a computation, which would only read the pages again; but a page that was written to, which
nothing here does, would fall back to the file's content. So ``let_go`` looks for such pages first.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nodegraph.errors import UserError

_TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
    "BOOL": torch.bool, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip

# Flags of a page in /proc/self/pagemap (Linux, Documentation/admin-guide/mm/pagemap.rst): it is in
# memory, it is on the swap, it is a page of a file.
_PRESENT, _SWAPPED, _OF_FILE = (np.uint64(1 << bit) for bit in (63, 62, 61))


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
            # Copy on write: PyTorch wants memory that it may write to, and nothing of it reaches
            # the file. Only a page that is written to becomes a copy of the process's own.
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
        span = {"count": last - first, "offset": self._start + first}
        data = torch.frombuffer(self._map, dtype=torch.uint8, **span)
        # The format does not align tensors to their numbers' size; PyTorch cannot do without.
        if data.data_ptr() % kind.itemsize:
            data = data.clone()
        return data.view(kind).view(entry["shape"])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def forget(self) -> None:
        """Let go of the pages that were read so far; whoever touches one reads it again.

        For a map that nobody has written to: of a private map, that would be lost.
        """
        if hasattr(self._map, "madvise"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def let_go(self, size: int) -> int:
        """Let go of ``size`` bytes of pages that were read, or of all there are; returns the bytes.

        Of a file that was written to in memory none go: what was written is nowhere else. Systems
        other than Linux tell nothing of pages, and keep theirs until they need the room.
        """
        pages = self._pages()
        if pages is None:
            return 0
        # A page that is neither absent nor the file's own is a copy that was written to.
        written = (pages & (_PRESENT | _SWAPPED) != 0) & (pages & _OF_FILE == 0)
        if written.any():
            return 0
        # From the start of the file up to the page with which enough are gone: present[i] counts
        # those in memory among the first i + 1. Pages that are not there cost nothing.
        present = (pages & _PRESENT != 0).cumsum()
        count = int(np.searchsorted(present, -(-size // mmap.PAGESIZE))) + 1
        self._map.madvise(mmap.MADV_DONTNEED, 0, min(count * mmap.PAGESIZE, len(self._map)))
        return int(present[min(count, len(present)) - 1]) * mmap.PAGESIZE

    def _pages(self) -> np.ndarray | None:
        """The flags of every page, 64 bits each; None where the system tells nothing."""
        if not sys.platform.startswith("linux"):
            return None
        first = torch.frombuffer(self._map, dtype=torch.uint8).data_ptr() // mmap.PAGESIZE
        count = -(-len(self._map) // mmap.PAGESIZE)
        try:
            with open("/proc/self/pagemap", "rb", buffering=0) as file:
                flags = os.pread(file.fileno(), count * 8, first * 8)
        except OSError:
            return None
        return np.frombuffer(flags, np.uint64) if len(flags) == count * 8 else None
