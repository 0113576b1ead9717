"""Convolutions in other ways than diffusers', where they are quicker; they round otherwise.

Which way a layer takes is a rule of its shape, never a measurement of the moment: the same work
gives the same bits in every process. ``benchmarks/layers.py`` tries the ways that there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Way: TypeAlias = "Callable[[Tensor, Tensor, Tensor], Tensor]"
LARGE = 2**20
"""Weights of a layer; with fewer, nothing is won."""
WIDE = 256
"""Channels of a picture that is doubled; with fewer it takes little, and keeps diffusers' bits."""


class Ways(NamedTuple):
    """What may be computed in another way than diffusers does.

    Attributes:
        products: Convolutions of few pixels under many weights, as one product of matrices: oneDNN
            would sort all weights at every call, and most of its time goes there.
        doubling: Convolutions of pictures that were made twice as large: of four pixels that are
            one, every product is the same.
    """

    products: bool = True
    doubling: bool = True


RULED = Ways()
EXACT = Ways(products=False, doubling=False)


def multiplied(pixels: int, weight: Tensor) -> bool:
    """Whether a convolution to so many pixels, all pictures together, is one product."""
    count = weight.numel()
    return _plain(weight) and count >= LARGE and pixels <= 256 and count >= 50_000 * pixels


def product(hidden: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """A convolution, (B, C, h, w) to (B, C', h', w'), that reads its weights once, as they lie."""
    side = weight.shape[-1]
    height, width = ((one + 2 * padding - side) // stride + 1 for one in hidden.shape[-2:])
    columns = F.unfold(hidden, side, padding=padding, stride=stride).transpose(0, 1).flatten(1)
    found = torch.addmm(bias[:, None], weight.flatten(1), columns)
    return found.view(len(weight), len(hidden), height, width).transpose(0, 1).contiguous()


def doubled(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor | None:
    """A picture of twice the size (nearest), convolved by 3 x 3; None where that is quicker apart.

    Args:
        hidden: (B, C, h, w), to (B, C', 2 h, 2 w).
    """
    way = way_of(hidden, weight)
    return None if way is None else way(hidden, weight, bias)


def way_of(hidden: Tensor, weight: Tensor) -> Way | None:
    """How a picture is doubled and convolved; None where the one is done before the other."""
    pixels = hidden.numel() // hidden.shape[1]
    if not _plain(weight) or min(weight.shape[:2]) < WIDE or pixels < 128:
        return None
    return transposed if pixels >= 32 * hidden.shape[1] else shared


def _plain(weight: Tensor) -> bool:
    """Whether the rules hold: they come from float32 on CPUs."""
    return weight.dtype == torch.float32 and weight.device.type == "cpu" and weight.is_contiguous()


def shared(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Every pixel times every weight once, and sums of these: no product is made twice."""
    (count, _, height, width), channels = hidden.shape, len(weight)
    nine = weight.permute(2, 3, 0, 1).reshape(-1, weight.shape[1])
    products = torch.mm(nine, hidden.transpose(0, 1).flatten(1))
    found = hidden.new_empty(count, channels, 2 * height, 2 * width)
    above = products.view(3, 3, channels, count, height, width).unbind()
    for top, rows in enumerate(_both(above, 3)):
        for left, pixels in enumerate(_both(rows.unbind(), 3)):
            part = found[:, :, top::2, left::2]
            torch.add(pixels.transpose(0, 1), bias[:, None, None], out=part)
    return found


def _both(three: Sequence[Tensor], dim: int) -> tuple[Tensor, Tensor]:
    """What the first and the second of two equal lines sum up, of their products with 3 weights.

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
    """One transposed convolution of stride 2, channels last, with sums of the weights: 4 x 4."""
    first, second, third = weight.flip(2, 3).permute(1, 2, 3, 0).unbind(1)
    rows = torch.stack([first, first + second, second + third, third], 1)
    first, second, third = rows.unbind(2)
    kernel = torch.stack([first, first + second, second + third, third], 2).permute(0, 3, 1, 2)
    hidden = hidden.contiguous(memory_format=torch.channels_last)
    return F.conv_transpose2d(hidden, kernel, bias, stride=2, padding=1)
