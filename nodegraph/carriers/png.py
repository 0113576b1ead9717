"""Text inside PNG files: where a saved picture carries the workflow that made it."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping

KEY = "nodegraph"
"""The keyword of the text chunk that holds a workflow as JSON."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 64 * 2**20  # no workflow is larger; what claims to be is an attack or damage
# Other programs read our pictures as well. Pillow refuses whole files for a text that unpacks to
# more than 1 MiB or texts of more than 64 MiB together, libpng for chunks above 8,000,000 bytes.
_MOST_PACKED = 1_000_000
_MOST_PART = 7 * 2**20
_MOST_CARRIED = 56 * 2**20
_PART = re.compile(rb"([1-9]\d{0,2})/([1-9]\d{0,2})")


def is_png(data: bytes) -> bool:
    """Whether these are the first bytes of a PNG file."""
    return data.startswith(_SIGNATURE)


def text_in(data: bytes, keyword: str = KEY, most: int = _MOST) -> str | None:
    """The text, the workflow's or another, that a PNG file's bytes carry; None without one.

    Args:
        most: Bytes that it may unpack to.

    Raises:
        ValueError: What they carry is damaged.
    """
    parts: dict[int, str] = {}
    for kind, body in _chunks(data):
        if kind in _READERS and body.startswith(keyword.encode() + b"\0"):
            text = body[len(keyword) + 1 :]
            number, count = _place(kind, text)
            try:
                parts.setdefault(number, _READERS[kind](text, most))
            except (IndexError, zlib.error) as error:
                raise ValueError("not a text") from error
            if len(parts) == count:
                return "".join(part for _, part in sorted(parts.items()))
    if parts:
        raise ValueError("a part is missing")
    return None


def keywords(data: bytes) -> Iterator[str]:
    """The keyword of every text that a PNG file's bytes carry."""
    for kind, body in _chunks(data):
        if kind in _READERS:
            yield body[:80].partition(b"\0")[0].decode("latin-1")


def with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """A copy of a PNG file's bytes that carries ``texts`` by keyword, pixels untouched."""
    header = len(_SIGNATURE) + 25  # IHDR is always 13 bytes long and always first
    carried = _carried(texts)
    chunks = [
        chunk
        for keyword, text in texts.items()
        if keyword in carried
        for chunk in _text_chunks(keyword, text.encode())
    ]
    return data[:header] + b"".join(chunks) + data[header:]


def _carried(texts: Mapping[str, str]) -> set[str]:
    """The keywords of those that other programs still read together: the longest are left out."""
    carried, size = set(), 0
    for keyword, text in sorted(texts.items(), key=lambda entry: len(entry[1])):
        size += len(text.encode())
        if size <= _MOST_CARRIED:
            carried.add(keyword)
    return carried


def _text_chunks(keyword: str, text: bytes) -> Iterator[bytes]:
    """One chunk, packed, or of a long text the text itself, in as many as it takes."""
    if len(text) <= _MOST_PACKED:
        flags = b"\x01\x00\0\0"  # compressed, by deflate, no language, no translated keyword
        yield _chunk(b"iTXt", keyword.encode() + b"\0" + flags + zlib.compress(text, 9))
        return
    parts = [*_cut(text)]
    for number, part in enumerate(parts, start=1):
        # Where a keyword's translation would be stands which part it is: "2/3".
        place = f"{number}/{len(parts)}" if len(parts) > 1 else ""
        yield _chunk(b"iTXt", f"{keyword}\0\0\0\0{place}\0".encode() + part)


def _cut(text: bytes) -> Iterator[bytes]:
    """Cut between letters, as each part is to be a text."""
    at = 0
    while at < len(text):
        end = min(at + _MOST_PART, len(text))
        while end < len(text) and text[end] & 0xC0 == 0x80:  # amid a letter of UTF-8
            end -= 1
        yield text[at:end]
        at = end


def _place(kind: bytes, body: bytes) -> tuple[int, int]:
    """Which part of a text a chunk holds, and of how many."""
    fields = body[2:].split(b"\0", 2)
    match = _PART.fullmatch(fields[1]) if kind == b"iTXt" and len(fields) == 3 else None
    return (int(match[1]), int(match[2])) if match else (1, 1)


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _inflate(data: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj()
    text = inflater.decompress(data, most)
    if not inflater.eof:
        raise ValueError("cut off, or too large")
    return text


def _short(text: bytes, most: int) -> bytes:
    if len(text) > most:
        raise ValueError("too large")
    return text


def _decode_plain(body: bytes, most: int) -> str:
    return _short(body, most).decode("latin-1")


def _decode_zipped(body: bytes, most: int) -> str:
    return _inflate(body[1:], most).decode("latin-1")


def _decode_international(body: bytes, most: int) -> str:
    compressed, rest = body[:1] == b"\x01", body[2:].split(b"\0", 2)[2]
    return (_inflate(rest, most) if compressed else _short(rest, most)).decode()


_READERS = {b"tEXt": _decode_plain, b"zTXt": _decode_zipped, b"iTXt": _decode_international}
