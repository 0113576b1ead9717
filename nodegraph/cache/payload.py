"""Leaves in one safetensors file: a JSON header, then their bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import prod

from ..base.files import Chunk
from ..base.keys import KEY_BYTES
from ..values.tensors import Content

_WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2,
    "BF16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8,
}  # fmt: skip


def pack(contents: Sequence[Content]) -> list[Chunk]:
    """Lay leaves out as a safetensors file, in chunks to write; nothing is copied."""
    header: dict[str, object] = {
        "__metadata__": {str(i): c.library for i, c in enumerate(contents)}
    }
    end = 0
    for i, content in enumerate(contents):
        start, end = end, end + len(content.data)
        header[str(i)] = {
            "dtype": content.dtype,
            "shape": content.shape,
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *(content.data for content in contents)]


def unpack(data: memoryview | bytes) -> list[Content]:
    """Find the leaves in a file that ``pack`` laid out; they are views of it.

    Raises:
        ValueError, KeyError: it is not such a file.
    """
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(bytes(data[8:start]))
    libraries = header.pop("__metadata__")
    body = memoryview(data)[start:]
    contents = []
    for i in range(len(header)):
        entry = header[str(i)]
        first, last = entry["data_offsets"]
        shape = tuple(entry["shape"])
        if (
            not 0 <= first <= last <= len(body)
            or last - first != prod(shape) * _WIDTHS[entry["dtype"]]
        ):
            raise ValueError(f"leaf {i} does not lie where the header says")
        contents.append(Content(libraries[str(i)], entry["dtype"], shape, body[first:last]))
    return contents


def name_of(chunks: Iterable[Chunk]) -> str:
    """Name a file by its content."""
    hasher = blake2b(digest_size=KEY_BYTES)
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.hexdigest()
