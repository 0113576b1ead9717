"""Boxes: parts of a picture by side, place and padding, checked against its size."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError

Pixels = npt.NDArray[np.uint8]
Size: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[int, int, int, int]

LARGEST = 128_000_000
"""Pixels of a picture that a node makes."""


def bounded(name: str, size: Size) -> None:
    """Check, before it is made, that a picture is not larger than any may be.

    Raises:
        UserError: It is; ``name`` is the input that it is made of.
    """
    if too_large(size):
        raise UserError(f"{name}: {excess(size)}")


def too_large(size: Size) -> bool:
    """Whether a picture has more pixels than any may have."""
    return size[0] * size[1] > LARGEST


def excess(size: Size) -> str:
    """What is wrong with a picture that would be too large."""
    return (
        f"the result would be {size[0]} x {size[1]}, over {LARGEST // 10**6} megapixels; make it"
        " smaller first"
    )


def same(name: str, size: Size, expected: Size) -> None:
    """Check that the input ``name`` is as large as the picture it goes with.

    Raises:
        UserError: It is not.
    """
    if size != expected:
        raise UserError(
            f"{name}: is {size[0]} x {size[1]} pixels, but the picture {expected[0]} x"
            f" {expected[1]}; resize one of them first"
        )


def extent(name: str, side: int, part: float | None, scale: float) -> int:
    """The pixels of a side that a part takes: all, or ``part`` times ``scale``.

    Raises:
        UserError: More than there are; ``name`` is the input that asks for them.
    """
    pixels = side if part is None else max(1, round(part * scale))
    if pixels > side:
        raise UserError(f"{name}: {pixels} pixels of a picture that has only {side}")
    return pixels


def start(room: int, place: float, moved: float) -> int:
    """The first pixel of a part that leaves ``room`` pixels over.

    Args:
        place: 0 puts it at the beginning, 1 at the end.
        moved: Pixels to move it on from there; it is stopped at the picture's border.
    """
    return min(max(round(room * place + moved), 0), room)


def bounds(mask: Pixels, padding: int) -> Box:
    """The box around all that is not black in a mask, with room around it as far as there is any.

    Returns:
        Left, top, right and bottom; the last two just outside.

    Raises:
        UserError: The mask is black all over.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        raise UserError("mask: is black all over, so there is nothing to cut out")
    height, width = mask.shape
    return (
        max(int(columns[0]) - padding, 0),
        max(int(rows[0]) - padding, 0),
        min(int(columns[-1]) + 1 + padding, width),
        min(int(rows[-1]) + 1 + padding, height),
    )
