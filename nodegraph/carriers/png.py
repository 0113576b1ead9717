"""Text inside PNG files: where a saved picture carries the workflow that made it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

KEY = "nodegraph"
"""The keyword of the text chunk that holds a workflow as JSON."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 64 * 2**20  # no workflow is larger; what claims to be is an attack or damage


def is_png(data: bytes) -> bool:
    """Whether these are the first bytes of a PNG file."""
    return data.startswith(_SIGNATURE)


def text_in(data: bytes, keyword: str = KEY) -> str | None:
    """The text, the workflow's or another, that a PNG file's bytes carry; None without one.

    Raises:
        ValueError: What they carry is damaged.
    """
    for kind, body in _chunks(data):
        if kind in _READERS and body.startswith(keyword.encode() + b"\0"):
            try:
                return _READERS[kind](body[len(keyword) + 1 :])
            except (IndexError, zlib.error) as error:
                raise ValueError("not a text") from error
    return None


def keywords(data: bytes) -> Iterator[str]:
    """The keyword of every text that a PNG file's bytes carry."""
    for kind, body in _chunks(data):
        if kind in _READERS:
            yield body[:80].partition(b"\0")[0].decode("latin-1")


def with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """A copy of a PNG file's bytes that carries ``texts`` by keyword, pixels untouched."""
    header = len(_SIGNATURE) + 25  # IHDR is always 13 bytes long and always first
    flags = b"\x01\x00\0\0"  # compressed, by deflate, no language, no translated keyword
    chunks = [
        _chunk(b"iTXt", keyword.encode() + b"\0" + flags + zlib.compress(text.encode(), 9))
        for keyword, text in texts.items()
    ]
    return data[:header] + b"".join(chunks) + data[header:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    text = inflater.decompress(data, _MOST)
    if not inflater.eof:
        raise ValueError("cut off, or too large")
    return text


def _decode_plain(body: bytes) -> str:
    return body.decode("latin-1")


def _decode_zipped(body: bytes) -> str:
    return _inflate(body[1:]).decode("latin-1")


def _decode_international(body: bytes) -> str:
    compressed, rest = body[:1] == b"\x01", body[2:].split(b"\0", 2)[2]
    return (_inflate(rest) if compressed else rest).decode()


_READERS = {b"tEXt": _decode_plain, b"zTXt": _decode_zipped, b"iTXt": _decode_international}
