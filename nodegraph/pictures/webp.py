"""WebP files bare of metadata: chunks of pixels and of animation alone."""

from __future__ import annotations

import struct

from .bare import MOST_PARTS, Bare, TooManyPartsError
from .orientation import from_both

_PIXELS = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
_HAS_ICC, _HAS_EXIF, _HAS_XMP = 0x20, 0x08, 0x04


def bare(data: bytes) -> Bare:
    """Take out of a WebP file what is not its pixels; a file that is cut off stays cut off."""
    kept, metadata, at, missing = list[bytes](), dict[bytes, bytes](), 12, 0
    for _ in range(MOST_PARTS):
        if at + 8 > len(data):
            break
        name, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        body = data[at + 8 : at + 8 + length]
        if name in _PIXELS:
            # What the chunk lacks is counted below: the decoder must see that it is missing.
            missing = length - len(body)
            pad = b"" if missing else b"\0" * (length % 2)
            kept.append(data[at : at + 8] + _without_flags(name, body) + pad)
        elif len(body) == length:
            metadata.setdefault(name, body)
        at = end
    else:
        raise TooManyPartsError
    inner = b"WEBP" + b"".join(kept)
    orientation = from_both(metadata.get(b"EXIF", b""), metadata.get(b"XMP ", b""))
    head = struct.pack("<4sI", b"RIFF", min(len(inner) + missing, 0xFFFF_FFFE))
    return Bare(head + inner, orientation, metadata.get(b"ICCP"))


def _without_flags(name: bytes, body: bytes) -> bytes:
    """A chunk that no longer says which metadata the file has."""
    if name != b"VP8X":
        return body
    return bytes(flags & ~(_HAS_ICC | _HAS_EXIF | _HAS_XMP) for flags in body[:1]) + body[1:]
