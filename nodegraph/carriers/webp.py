"""Chunks of WebP files: where the workflow stands in them, as XMP."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from . import xmp
from .png import KEY

_HAS_XMP, _HAS_ALPHA = 0x04, 0x10


def is_webp(data: bytes) -> bool:
    """Whether these are the first bytes of a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def text_in(data: bytes, keyword: str = KEY) -> str | None:
    """The text, the workflow's or another, that a WebP file's bytes carry; None without one.

    Raises:
        ValueError: What they carry is damaged.
    """
    for name, body in _chunks(data):
        if name == b"XMP ":
            return xmp.text_in(body, keyword)
    return None


def with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """A copy of a WebP file's bytes that carries ``texts`` by keyword, pixels untouched."""
    chunks = list(_chunks(data))
    if chunks[0][0] != b"VP8X":
        chunks.insert(0, (b"VP8X", _header(*chunks[0])))
    header = chunks[0][1]
    chunks[0] = b"VP8X", bytes([header[0] | _HAS_XMP]) + header[1:]
    chunks.append((b"XMP ", xmp.packet(texts)))
    body = b"WEBP" + b"".join(_chunk(name, body) for name, body in chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def _header(name: bytes, body: bytes) -> bytes:
    """The header of an extended file, made from a simple file's only chunk."""
    if name == b"VP8L":  # RFC 9649, section 3.4: after a signature, 14 bits each, less one
        bits = int.from_bytes(body[1:5], "little")
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF
        flags = _HAS_ALPHA * (bits >> 28 & 1)
    else:  # RFC 6386, section 9.1: after a tag and a start code, 14 bits each
        width = (int.from_bytes(body[6:8], "little") & 0x3FFF) - 1
        height = (int.from_bytes(body[8:10], "little") & 0x3FFF) - 1
        flags = 0
    return bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
