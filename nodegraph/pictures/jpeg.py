"""JPEG files bare of metadata: application segments and comments go, colours stay."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from .bare import MOST_PARTS, Bare, TooManyPartsError
from .orientation import from_both

_APP0, _APP1, _APP2, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_SCAN, _END = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
# A marker behind anything else: decoders pass over what lies between segments. Nothing in it
# is repeated: over a file full of 0xFF that would take the square of its length.
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def bare(data: bytes) -> Bare:
    """Take out of a JPEG file what is not its pixels.

    A file whose segments cannot be followed is left as it is from there on, for the decoder.
    """
    kept, at = [data[:2]], 2
    exif, packet, parts = b"", b"", list[bytes]()
    for _ in range(MOST_PARTS):
        match = _MARKER.search(data, at)
        if match is None:
            break
        start, marker = match.end() - 2, match[1][0]
        if marker in _ALONE:
            at = match.end()
            continue
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        end = start + 2 + length
        if marker in (_SCAN, _END) or length < 2 or end > len(data):
            kept.append(data[start:])
            break
        body = data[start + 4 : end]
        if marker == _APP1 and body.startswith(_EXIF):
            exif += body.removeprefix(_EXIF)  # one that is long goes on in the next
        elif marker == _APP1 and body.startswith(_XMP):
            packet = packet or body
        elif marker == _APP2 and body.startswith(_ICC):
            parts.append(body.removeprefix(_ICC))
        if _counts(marker, body):
            kept.append(data[start:end])
        at = end
    else:
        raise TooManyPartsError
    return Bare(b"".join(kept), from_both(exif, packet), _profile(parts))


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the header of the frame; None where none is found, or has no height."""
    at = 2
    for _ in range(MOST_PARTS):
        match = _MARKER.search(data, at)
        if match is None or match[1][0] in (_SCAN, _END):
            break
        start, marker = match.end() - 2, match[1][0]
        if marker in _FRAMES:
            height, width = struct.unpack(">2H", data[start + 5 : start + 9].rjust(4, b"\0"))
            return (width, height) if width and height else None
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        at = match.end() if marker in _ALONE else start + 2 + max(length, 2)
    return None


def _counts(marker: int, body: bytes) -> bool:
    """Whether pixels depend on a segment: of the application's, two tell how colours are coded."""
    if marker == _APP0:
        return body.startswith(b"JFIF\0") and len(body) >= 14
    if marker == _APP14:
        return body.startswith(b"Adobe") and len(body) >= 12
    return not (_APP0 <= marker <= _APP15 or marker == _COMMENT)


def _profile(parts: Sequence[bytes]) -> bytes | None:
    """The profile put together: each part begins with its number and with how many there are."""
    ordered = sorted(part for part in parts if len(part) > 2)
    numbers = [part[0] for part in ordered]
    whole = bool(ordered) and numbers == [*range(1, ordered[0][1] + 1)]
    return b"".join(part[2:] for part in ordered) if whole else None
