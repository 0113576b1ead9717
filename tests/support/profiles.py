"""Colour profiles made by hand: matrices of primaries with a gamma, and greys."""

from __future__ import annotations

import struct
from collections.abc import Mapping

DISPLAY_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_WHITE = (0.9642, 1.0, 0.8249)  # D50


def matrix_profile(columns: tuple[tuple[float, ...], ...], gamma: float = 2.2) -> bytes:
    """A profile (ICC.1:2001) of red, green and blue primaries, adapted to D50."""
    tags = {
        f"{name}XYZ".encode(): _xyz(column) for name, column in zip("rgb", columns, strict=True)
    }
    tags |= {f"{name}TRC".encode(): _curve(gamma) for name in "rgb"}
    return _profile(b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    """A profile of greys."""
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def _number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_number, values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, colours: Mapping[bytes, bytes]) -> bytes:
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + b"\0" * 78
    tags = {b"desc": name, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(_WHITE), **colours}
    at, table, bodies = 132 + 12 * len(tags), b"", b""
    for key, body in tags.items():
        table += key + struct.pack(">II", at + len(bodies), len(body))
        bodies += body + b"\0" * (-len(body) % 4)
    size = at + len(bodies)
    head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(map(_number, _WHITE)) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + bodies
