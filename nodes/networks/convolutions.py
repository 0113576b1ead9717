"""Convolutions rewritten where that is quicker than PyTorch's own; they round otherwise.

Whether a layer is rewritten is a rule of its shape, never a measurement of the moment: the same
work gives the same bits in every process. ``benchmarks/layers.py`` measures all rewrites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Rewrite: TypeAlias = "Callable[[Tensor, Tensor, Tensor], Tensor]"
LARGE = 2**20
"""Weights of a layer; with fewer, nothing is won."""
WIDE = 256
"""Channels of a picture that is doubled; with fewer it takes little, and keeps diffusers' bits."""


class Rewrites(NamedTuple):
    """The rewrites that are allowed.

    Attributes:
        products: Convolutions of few pixels under many weights, as one product of matrices: oneDNN
            would reorder all weights at every call, and most of its time goes there.
        doubling: Convolutions of pictures that were made twice as large: the four pixels made of
            one have the same product with a weight, which need not be computed four times.
    """

    products: bool = True
    doubling: bool = True


RULED = Rewrites()
EXACT = Rewrites(products=False, doubling=False)


def multiplied(pixels: int, weight: Tensor) -> bool:
    """Whether a convolution to so many pixels, all pictures together, is done as one product."""
    count = weight.numel()
    return _plain(weight) and count >= LARGE and pixels <= 256 and count >= 50_000 * pixels


def product(hidden: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """A convolution, (B, C, h, w) to (B, C', h', w'), that reads its weights once, as they lie."""
    side = weight.shape[-1]
    height, width = ((size + 2 * padding - side) // stride + 1 for size in hidden.shape[-2:])
    columns = F.unfold(hidden, side, padding=padding, stride=stride)  # [B, C · side², h' · w']
    columns = columns.transpose(0, 1).flatten(1)  # [C · side², B · h' · w']
    # The weights, [C', C · side²], are the left factor, where BLAS takes them in any layout; and a
    # picture of few pixels is a narrow right one, so that the reading of weights is all the work.
    result = torch.addmm(bias[:, None], weight.flatten(1), columns)  # [C', B · h' · w']
    return result.view(len(weight), len(hidden), height, width).transpose(0, 1).contiguous()


def doubled(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor | None:
    """A picture of twice the size (nearest), convolved by 3 x 3; None where that is quicker apart.

    Args:
        hidden: (B, C, h, w), to (B, C', 2 h, 2 w).
    """
    rewrite = rewrite_of(hidden, weight)
    return None if rewrite is None else rewrite(hidden, weight, bias)


def rewrite_of(hidden: Tensor, weight: Tensor) -> Rewrite | None:
    """The quickest way to double and convolve; None where it is one after the other.

    With many pixels for each channel the sums of ``shared`` cost more than its products save.
    """
    pixels = hidden.numel() // hidden.shape[1]
    if not _plain(weight) or min(weight.shape[:2]) < WIDE or pixels < 128:
        return None
    return transposed if pixels >= 32 * hidden.shape[1] else shared


def _plain(weight: Tensor) -> bool:
    """Whether the rules hold: they come from float32 on CPUs."""
    return weight.dtype == torch.float32 and weight.device.type == "cpu" and weight.is_contiguous()


def shared(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Every pixel times every weight once, and sums of these: no product is made twice.

    One after the other, each of the four pixels made of one takes 9 products a channel: 36. Of the
    one pixel there are only 9. The price is memory: all products are written and read again.
    """
    (count, _, height, width), channels = hidden.shape, len(weight)
    nine = weight.permute(2, 3, 0, 1).reshape(-1, weight.shape[1])  # [9 C', C]
    products = torch.mm(nine, hidden.transpose(0, 1).flatten(1))  # [9 C', B · h · w]
    result = hidden.new_empty(count, channels, 2 * height, 2 * width)
    above = products.view(3, 3, channels, count, height, width).unbind()
    # Rows first: [3 weights across, C', B, h, w] for the upper and the lower of two equal rows.
    for top, rows in enumerate(_both(above, 3)):
        for left, pixels in enumerate(_both(rows.unbind(), 3)):
            part = result[:, :, top::2, left::2]  # [B, C', h, w]
            torch.add(pixels.transpose(0, 1), bias[:, None, None], out=part)
    return result


def _both(three: Sequence[Tensor], dim: int) -> tuple[Tensor, Tensor]:
    """The sums of the first and of the second of two equal lines, of products with 3 weights.

    The first line has the one before it under the first weight, and itself and its twin under the
    others; the second likewise, and the next line under the last weight.
    """
    before, here, after = three
    rest = before.shape[dim] - 1
    first, second = here + after, before + here
    first.narrow(dim, 1, rest).add_(before.narrow(dim, 0, rest))
    second.narrow(dim, 0, rest).add_(after.narrow(dim, 1, rest))
    return first, second


def transposed(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """One transposed convolution of stride 2, channels last, with sums of the weights: 4 x 4.

    A window of 3 x 3 on the doubled picture covers 2 x 2 of its pixels: with the weights of equal
    pixels summed up beforehand, the four pixels take 4 products each, 16 instead of 36. Nothing but
    the result is written, so it wins where ``shared`` has too many products to write.
    """
    first, second, third = weight.flip(2, 3).permute(1, 2, 3, 0).unbind(1)  # [C, 3, C'] each
    rows = torch.stack([first, first + second, second + third, third], 1)
    first, second, third = rows.unbind(2)
    kernel = torch.stack([first, first + second, second + third, third], 2)  # [C, 4, 4, C']
    kernel = kernel.permute(0, 3, 1, 2)  # [C, C', 4, 4]
    hidden = hidden.contiguous(memory_format=torch.channels_last)
    return F.conv_transpose2d(hidden, kernel, bias, stride=2, padding=1)
