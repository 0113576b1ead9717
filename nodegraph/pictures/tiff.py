"""TIFF files bare of metadata: the entries of the first directory that pixels do not depend on."""

from __future__ import annotations

import struct

from .bare import Bare

_NO_TYPE = 0
# Sizes, samples, strips and tiles, compression, colours, orientation, the ICC profile.
_PIXELS = frozenset({
    *range(254, 260), 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 297, 301, 317, 318, 319,
    320, *range(322, 326), 332, 338, *range(339, 344), 347, *range(512, 522), *range(529, 533),
    34675,
})  # fmt: skip


def bare(data: bytes) -> Bare:
    """A copy in which every entry that does not count is of no type, so that decoders pass it over.

    The first picture alone is looked at.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    pointer, count_of, size = ("Q", "Q", 20) if big else ("I", "H", 12)
    copy = bytearray(data)
    try:
        (at,) = struct.unpack_from(order + pointer, data, 8 if big else 4)
        (count,) = struct.unpack_from(order + count_of, data, at)
        first = at + struct.calcsize(order + count_of)
        for entry in range(first, min(first + count * size, len(data)), size):
            (tag,) = struct.unpack_from(f"{order}H", data, entry)
            if tag not in _PIXELS:
                struct.pack_into(f"{order}H", copy, entry + 2, _NO_TYPE)
    except struct.error:  # cut off
        pass
    return Bare(bytes(copy))
