"""Segments of JPEG files: where the workflow stands in them, as XMP."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from hashlib import md5

from . import xmp
from .png import KEY

_PLAIN = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_MOST = 65_533  # bytes of a segment, without its length
_PART = 65_400  # bytes of an extension, in one segment
_APP0, _APP1, _SCAN, _END = 0xE0, 0xE1, 0xDA, 0xD9


def is_jpeg(data: bytes) -> bool:
    """Whether these are the first bytes of a JPEG file."""
    return data.startswith(b"\xff\xd8\xff")


def text_in(data: bytes, keyword: str = KEY) -> str | None:
    """The text, the workflow's or another, that a JPEG file's bytes carry; None without one.

    Raises:
        ValueError: What they carry is damaged.
    """
    bodies = [body for marker, _, body in _segments(data) if marker == _APP1]
    for body in bodies:
        if body.startswith(_PLAIN):
            packet = body[len(_PLAIN) :]
            text = xmp.text_in(packet, keyword)
            guid = xmp.extension_of(packet) if text is None else None
            return xmp.text_in(_extension(bodies, guid.encode()), keyword) if guid else text
    return None


def with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """A copy of a JPEG file's bytes that carries ``texts`` by keyword, pixels untouched."""
    packet = xmp.packet(texts)
    bodies = [_PLAIN + packet]
    if len(bodies[0]) > _MOST:
        guid = md5(packet, usedforsecurity=False).hexdigest().upper()
        bodies = [_PLAIN + xmp.pointer(guid)]
        for at in range(0, len(packet), _PART):
            place = struct.pack(">32sII", guid.encode(), len(packet), at)
            bodies.append(_EXTENDED + place + packet[at : at + _PART])
    at = _behind_headers(data)
    segments = (struct.pack(">HH", 0xFF00 | _APP1, len(body) + 2) + body for body in bodies)
    return data[:at] + b"".join(segments) + data[at:]


def _extension(bodies: list[bytes], guid: bytes) -> bytes:
    """The packet that is spread over the segments of this name (XMP specification, part 3)."""
    parts: dict[int, bytes] = {}
    whole = 0
    head = len(_EXTENDED) + 40
    for body in bodies:
        if body.startswith(_EXTENDED + guid) and len(body) >= head:
            whole, at = struct.unpack_from(">II", body, head - 8)
            parts[at] = body[head:]
    packet = b"".join(part for _, part in sorted(parts.items()))
    if len(packet) != whole:
        raise ValueError("cut off")
    return packet


def _behind_headers(data: bytes) -> int:
    """Where the segments end that want to be the first: JFIF's and Exif's."""
    end = 2
    for marker, start, body in _segments(data):
        if marker not in (_APP0, _APP1):
            break
        end = start + len(body)
    return end


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield every segment before the pixels: its marker, where its body starts, and the body."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # any number of them may stand before a marker
            at += 1
            continue
        if marker in (_SCAN, _END):
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, at + 4, data[at + 4 : at + 2 + length]
        at += 2 + length
