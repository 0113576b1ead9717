"""PNG files bare of metadata: critical chunks, and transparency where its checksum is right."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress

from ..carriers.png import text_in
from .bare import MOST_PARTS, Bare, TooManyPartsError
from .orientation import from_both

_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_READ = frozenset({b"iCCP", b"sRGB", b"eXIf"})
_LARGEST_PROFILE = 16 * 2**20
_LARGEST_TEXT = 2**20
_GREY, _COLOURS, _PALETTE = 0, 2, 3


def bare(data: bytes) -> Bare:
    """Take out of a PNG file what is not its pixels.

    Chunks that are ancillary count only with a right checksum, as libpng has it. A file whose
    chunks cannot be followed is left as it is from there on, for the decoder to refuse.
    """
    kept, chunks, at = [data[:8]], dict[bytes, bytes](), 8
    for _ in range(MOST_PARTS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if not kind.isalpha() or (kind in _CRITICAL and end > len(data)):
            kept.append(data[at:])
            break
        if kind in _CRITICAL:
            kept.append(data[at:end])
        elif (kind in _READ or kind == b"tRNS") and kind not in chunks:
            body = data[at + 8 : end - 4]
            if data[end - 4 : end] == struct.pack(">I", zlib.crc32(kind + body)):
                chunks[kind] = body
                if kind == b"tRNS" and _is_transparency(data, body):
                    kept.append(data[at:end])
        at = end
        if kind == b"IEND":
            break
    else:
        raise TooManyPartsError
    return Bare(b"".join(kept), _orientation(data, chunks), _profile(chunks), _key(data, chunks))


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height, as the header of a PNG file has them; None where it is none."""
    whole = data[12:16] == b"IHDR" and len(data) > 24
    width, height = struct.unpack_from(">2I", data, 16) if whole else (0, 0)
    return (width, height) if width and height else None


def _kind(data: bytes) -> tuple[int, int]:
    """The bits of a sample and the colour type, by a header that may be cut off."""
    return (data[24], data[25]) if len(data) > 25 else (8, _COLOURS)


def _is_transparency(data: bytes, body: bytes) -> bool:
    """Whether a tRNS chunk is one for the colours of its picture."""
    least = {_GREY: 2, _COLOURS: 6, _PALETTE: 1}.get(_kind(data)[1])
    return least is not None and len(body) >= least


def _key(data: bytes, chunks: Mapping[bytes, bytes]) -> tuple[int, ...] | None:
    """The grey or colour that is transparent, scaled as Pillow scales what it reads."""
    depth, colours = _kind(data)
    body = chunks.get(b"tRNS", b"")
    if colours == _PALETTE or not _is_transparency(data, body):
        return None
    if colours == _GREY:
        (grey,) = struct.unpack_from(">H", body)
        # Fewer than eight bits of grey are spread over eight.
        return (grey * 255 // (2**depth - 1) if depth < 8 else grey,)
    key: tuple[int, ...] = struct.unpack_from(">3H", body)
    return tuple(value >> 8 for value in key) if depth == 16 else key


def _profile(chunks: Mapping[bytes, bytes]) -> bytes | None:
    """The profile, unpacked; None where there is none that can be."""
    _, _, packed = chunks.get(b"iCCP", b"").partition(b"\0")
    if packed[:1] != b"\0":  # deflate is the only method there is
        return None
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(packed[1:], _LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if inflater.eof else None


def _orientation(data: bytes, chunks: Mapping[bytes, bytes]) -> int | None:
    exif = chunks.get(b"eXIf") or _raw_profile(_text(data, "Raw profile type exif"))
    return from_both(exif, _text(data, "XML:com.adobe.xmp").encode())


def _text(data: bytes, keyword: str) -> str:
    with suppress(ValueError):  # it is damaged
        return text_in(data, keyword, _LARGEST_TEXT) or ""
    return ""


def _raw_profile(text: str) -> bytes:
    """Exif as ImageMagick writes it: three lines of heading, then hexadecimal digits."""
    with suppress(ValueError):
        return bytes.fromhex("".join(text.split("\n")[3:]))
    return b""
