"""The orientation of a picture, out of Exif or XMP that may be damaged everywhere else."""

from __future__ import annotations

import re
import struct

_TAG = 0x0112
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# The types that programs write it as: one, two or four bytes.
_TYPES = {1: "B", 3: "H", 4: "I"}
_XMP = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")


def from_exif(exif: bytes) -> int | None:
    """The orientation, 1 to 8, by the first directory of Exif; None where it says nothing sound.

    No other entry is looked at: most of what is damaged in Exif is an offset or a length of those.
    """
    body = exif.removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0")
    order = _ORDERS.get(body[:4])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(f"{order}I", body, 4)
        (count,) = struct.unpack_from(f"{order}H", body, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", body, entry)
            if tag == _TAG and kind in _TYPES:
                (value,) = struct.unpack_from(order + _TYPES[kind], body, entry + 8)
                return value if 1 <= value <= 8 else None
    except struct.error:  # cut off before it
        pass
    return None


def from_xmp(packet: bytes) -> int | None:
    """The orientation, 1 to 8, that a packet of XMP tells."""
    match = _XMP.search(packet)
    return int(match[1]) if match else None


def from_both(exif: bytes, packet: bytes) -> int | None:
    """The orientation by Exif, else by XMP."""
    return from_exif(exif) or from_xmp(packet)
