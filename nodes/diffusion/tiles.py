"""Pictures computed part by part, for want of memory, and blended where the parts overlap."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

OVERLAP = 4
"""Latents by which parts overlap at least: near its edge a part lacks the pixels beyond it."""


def in_tiles(
    compute: Callable[[Tensor], Tensor], values: Tensor, tiles: int, unit: int = 1
) -> Tensor:
    """Compute up to ``tiles`` x ``tiles`` parts one by one; float32 where there are several.

    Args:
        compute: Maps (B, C, h, w) to a picture of a size in proportion, (B, D, H, W).
        unit: What the sides of parts are multiples of: the numbers that make one latent.

    Every part is weighed by its distance from its own edges, and the sum divided by the sum of the
    weights: where parts overlap they fade into each other, and no seam is left.
    """
    import torch

    rows, columns = (spans(side // unit, tiles) for side in values.shape[2:])
    if len(rows) == len(columns) == 1:
        return compute(values)
    total: Tensor | None = None
    weights: Tensor | None = None
    for (top, bottom), (left, right) in product(rows, columns):
        within = slice(top * unit, bottom * unit), slice(left * unit, right * unit)
        part = compute(values[..., *within].contiguous()).float()
        if total is None or weights is None:
            # Only now is it known how many numbers a latent becomes: 8 when decoded, 1 / 8 before.
            per = part.shape[2] // (bottom - top)
            size = [side // unit * per for side in values.shape[2:]]
            total, weights = part.new_zeros(*part.shape[:2], *size), part.new_zeros(size)
        at = slice(top * per, bottom * per), slice(left * per, right * per)
        weight = torch.outer(*(ramp(part, side) for side in (2, 3)))  # [part's H, W]
        total[..., *at] += part * weight
        weights[*at] += weight
    assert total is not None
    assert weights is not None
    return total.div_(weights)


def spans(length: int, parts: int) -> list[tuple[int, int]]:
    """Cut a length into so many parts of one size that overlap; into fewer where it is short."""
    # A part brings twice the overlap at least: smaller ones would mostly compute the same again.
    parts = max(1, min(parts, length // (2 * OVERLAP)))
    overlap = max(OVERLAP, length // (4 * parts)) if parts > 1 else 0
    size = -(-(length + (parts - 1) * overlap) // parts)
    starts = [round(index * (length - size) / max(parts - 1, 1)) for index in range(parts)]
    return [(start, start + size) for start in starts]


def ramp(part: Tensor, side: int) -> Tensor:
    """How much each line of a part counts: the less, the nearer it is to the part's edge."""
    import torch

    # From 1, not 0: at the border of the picture there is no other part to fade into.
    line = torch.arange(part.shape[side], device=part.device, dtype=torch.float32) + 1
    edge: Tensor = torch.minimum(line, line.flip(0)).clamp(max=part.shape[side] / 4)
    return edge / edge.max()
