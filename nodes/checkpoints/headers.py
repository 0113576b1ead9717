"""Files of weights told by their first bytes: a .safetensors header, or what else the file is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from os import SEEK_END
from pathlib import Path
from typing import Any, NamedTuple

from .parts import Shapes

_LONGEST = 100_000_000
"""Bytes of the longest header that the format's own library reads."""
_CHUNK = 16 * 2**20
"""Bytes that are looked through at once for zeros."""
_LOOKED_AT = 1024
"""Bytes at the start of a file that tell what it is."""
_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8,
    "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "C64": 8,
}  # fmt: skip
_AGAIN = "fetch the file again"
_GAP = 65_536
"""Bytes of zeros at the end of a file from which on they may be no weights."""
# What people save under a model's name, by how it begins (in lower case), and what to do about it.
_FOREIGN: tuple[tuple[tuple[bytes, ...], str], ...] = (
    (
        (b"version https://git-lfs",),
        "it is a git-lfs pointer, not the file itself; `git lfs pull` fetches that",
    ),
    (
        (b"/annex/objects/", b"../.git/annex/"),
        "it is a git-annex pointer, not the file itself; `git annex get` fetches that",
    ),
    (
        (b"<!doctype html", b"<html", b"<head"),
        f"it is a web page (HTML), as downloads leave that met a login or an error; {_AGAIN}",
    ),
    ((b"<?xml", b"<error"), f"it is XML text, as downloads leave that met an error; {_AGAIN}"),
    ((b"gguf",), "it is a GGUF file, whose weights are in blocks that are not read here"),
    ((b"\x89png", b"\xff\xd8\xff", b"gif8", b"riff"), "it is a picture"),
    ((b"pk",), "it is a ZIP archive, or a pickle of PyTorch's"),
    ((b"\x1f\x8b", b"7z\xbc\xaf", b"rar!", b"bzh", b"\xfd7zxz"), "it is an archive; unpack it"),
    ((b"\x89hdf",), "it is an HDF5 file, of Keras or TensorFlow"),
)


class DamagedError(ValueError):
    """A file is no whole .safetensors file; the text says what it is: ``it is empty; …``."""


class Header(NamedTuple):
    """What stands at the start of a .safetensors file, by the names of its tensors."""

    shapes: Shapes
    types: Mapping[str, str]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read the shapes of a .safetensors file's tensors, their types, and its metadata.

    Raises:
        DamagedError: It is another kind of file, or not whole.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
        # Eight bytes with the length of the header, and the header in JSON.
        if start[8:9] != b"{":
            raise DamagedError(foreign(start))
        length = int.from_bytes(start[:8], "little")
        if length > _LONGEST:
            raise DamagedError(foreign(start))
        if 8 + length > size:
            raise DamagedError(f"it is cut short, {size} bytes of at least {8 + length}; {_AGAIN}")
        file.seek(8)
        entries = _entries(file.read(length))
    metadata = entries.pop("__metadata__", None) or {}
    end = _check_entries(entries, metadata)
    if (expected := 8 + length + end) != size:
        how = "is cut short" if size < expected else "goes on behind its last tensor"
        raise DamagedError(f"it {how}, {size} bytes where its header says {expected}; {_AGAIN}")
    if zeros := _zeros_at_end(path, entries, 8 + length):
        raise DamagedError(f"its last {zeros} bytes are zeros, never written; {_AGAIN}")
    shapes = {name: tuple(entry["shape"]) for name, entry in entries.items()}
    return Header(shapes, {name: entry["dtype"] for name, entry in entries.items()}, metadata)


def _zeros_at_end(path: Path, entries: Mapping[str, Any], start: int) -> int:
    """Bytes of zeros that a file ends in, if they begin in the midst of a tensor.

    Programs that take all the room of a download before it begins leave them where it broke off.
    Tensors that are zeros from their first number on (of layers that begin so) are as they were.
    """
    zeros = 0
    with path.open("rb") as file:
        position = file.seek(0, SEEK_END)
        while position > start:
            # Most files end in weights, so that little is read of them.
            count = min(_GAP if not zeros else _CHUNK, position - start)
            position = file.seek(position - count)
            left = len(file.read(count).rstrip(b"\0"))
            zeros += count - left
            if left:
                break
        size = file.seek(0, SEEK_END)
    if zeros < _GAP:
        return 0
    firsts, end = [], size - zeros - start
    for entry in entries.values():
        first, last = entry["data_offsets"]
        if first <= end < last:
            # The last number that is not zero may end in bytes that are.
            firsts.append(end - first >= 8 and last - end >= 256)
    return zeros if any(firsts) else 0


def foreign(start: bytes) -> str:
    """Tell from its first bytes what a file is that is no .safetensors file.

    Returns:
        A sentence about ``it``, and what to do where that is known.
    """
    if not start:
        return f"it is empty; {_AGAIN}"
    lowered = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginnings, sentence in _FOREIGN:
        if lowered.startswith(beginnings):
            return sentence
    if not start.strip(b"\0"):
        return f"it is nothing but zeros; {_AGAIN}"
    text = start.decode(errors="replace")
    if len(start) == _LOOKED_AT:  # which may end in the middle of a letter
        text = text.rstrip("\ufffd")
    if "\ufffd" in text or any(letter < " " and letter not in "\t\r\n\f" for letter in text):
        return "its first bytes are of no kind of file that is known here"
    kind = "JSON text" if lowered[:1] in (b"{", b"[") else "text"
    return f"it is {kind}, beginning {' '.join(text.split())[:40]!r}"


def _entries(text: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its header is no JSON; {_AGAIN}") from error
    if not isinstance(entries, dict):
        raise DamagedError(f"its header is no JSON object; {_AGAIN}")
    return entries


def _check_entries(entries: Mapping[str, Any], metadata: object) -> int:
    """Refuse entries that are no tensors' one behind another; returns where the last one ends."""
    wrong = DamagedError(f"its header is damaged; {_AGAIN}")
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise wrong
    spans = []
    for entry in entries.values():
        match entry:
            case {"dtype": str(kind), "shape": [*shape], "data_offsets": [int(first), int(last)]}:
                if not all(isinstance(side, int) and side >= 0 for side in shape):
                    raise wrong
                if kind in _BYTES and last - first != _BYTES[kind] * prod(shape):
                    raise wrong
                spans.append((first, last))
            case _:
                raise wrong
    end = 0
    for first, last in sorted(spans):
        if first != end or last < first:
            raise wrong
        end = last
    return end
