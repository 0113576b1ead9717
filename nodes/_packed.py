"""Layers with weights rearranged once for the CPU's kernels, instead of at every call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ._kept import kept
from ._layers import Layer, Layers, Plain, PlainConv

SMALL = 2**19
"""Bytes of a convolution's neighbourhoods, up to which they are made: they stay near the core."""
MANY = 96
"""Pixels, from which a picture is normed channel by channel."""
LARGEST = 2**28
"""Bytes. The weights of larger networks are not kept a second time, and time well spent on them."""


class PackedConv:
    """A convolution as one product of matrices where that is small, else by oneDNN.

    A picture's neighbourhoods, (B · h · w, k · k · C), are quickly made of a small picture that
    lies channels last. Of a larger one oneDNN makes none, but needs its weights in an order of its
    own. It also adds up in one go, which rounds worse, so it is given the channels in two halves.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._width = module.out_channels
        self._halves = 2 if module.in_channels % 32 == 0 and module.groups == 1 else 1
        bias = module.bias
        self._bias = torch.zeros(self._width) if bias is None else bias
        self._shift = self._alone(self._bias[None])[0]
        self._shape: Sequence[int] = ()
        self._convolve: Callable[[Tensor, Tensor], Tensor] = self._by_onednn

    def __call__(self, x: Tensor) -> Tensor:
        return self.shifted(x, self._shift)

    def shifts(self, rows: Tensor) -> Sequence[Tensor]:
        return self._alone(rows + self._bias).unbind()

    def shifted(self, x: Tensor, shift: Tensor) -> Tensor:
        if self._shape != x.shape:
            self._adapt(x.shape)
        return self._convolve(x, shift)

    def added(self, x: Tensor, other: Tensor) -> Tensor:
        return self(x).add_(other)

    def _alone(self, rows: Tensor) -> Tensor:
        """Rows that are added to the first half alone."""
        return F.pad(rows, (0, self._width * (self._halves - 1)))

    def _adapt(self, shape: Sequence[int]) -> None:
        module = self._module
        batch, channels, *sides = shape
        (top, left), stride, kernel = module.padding, module.stride, module.kernel_size
        padded = sides[0] + 2 * top, sides[1] + 2 * left
        self._pad = (0, 0, left, left, top, top)
        self._sides = [
            (side - size) // step + 1
            for side, size, step in zip(padded, kernel, stride, strict=True)
        ]
        row = padded[1] * channels
        self._seen = (batch, *self._sides, kernel[0], kernel[1] * channels)
        self._steps = (padded[0] * row, stride[0] * row, stride[1] * channels, row, 1)
        small = 4 * prod(self._seen) <= SMALL and module.groups == 1
        if small and module.dilation == (1, 1):
            self._weight = kept("unfolded", [module.weight], self._unfolded)
            self._convolve = self._by_product
        else:
            self._weight = kept("ordered", [module.weight], lambda: self._ordered(shape), shape)
            self._convolve = self._by_onednn
        self._shape = shape

    def _unfolded(self) -> Tensor:
        """(C', C, k, k) as (k · k · C, C')."""
        weight: Tensor = self._module.weight
        return weight.permute(2, 3, 1, 0).flatten(0, 2).contiguous()

    def _by_product(self, x: Tensor, shift: Tensor) -> Tensor:
        padded = F.pad(x.permute(0, 2, 3, 1), self._pad).contiguous()
        seen = padded.as_strided(self._seen, self._steps).flatten(3).flatten(0, 2)
        rows = torch.addmm(shift[: self._width], seen, self._weight)
        return rows.view(-1, *self._sides, self._width).permute(0, 3, 1, 2)

    def _ordered(self, shape: Sequence[int]) -> Tensor:
        """In the order for pictures of a shape: in another one, every call would do it again."""
        weight = torch.cat(self._module.weight.detach().chunk(self._halves, dim=1))
        ordered: Tensor = _ORDER(weight.to_mkldnn(), *self._how(), shape)
        return ordered

    def _how(self) -> tuple[Any, ...]:
        module = self._module
        groups = max(module.groups, self._halves)
        return list(module.padding), list(module.stride), list(module.dilation), groups

    def _by_onednn(self, x: Tensor, shift: Tensor) -> Tensor:
        done: Tensor = _CONVOLVE(x, self._weight, shift, *self._how(), "none", [], "")
        if self._halves == 1:
            return done
        return done[:, : self._width] + done[:, self._width :]


class PointConv:
    """A convolution of one pixel, as a linear layer of all pixels."""

    def __init__(self, module: Any) -> None:
        self._layer = linear(module)

    def __call__(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        rows = self._layer(x.permute(0, 2, 3, 1).reshape(-1, channels))
        return rows.view(batch, height, width, -1).permute(0, 3, 1, 2)

    def shifts(self, rows: Tensor) -> Sequence[Tensor]:
        return rows[:, :, None, None].unbind()

    def shifted(self, x: Tensor, shift: Tensor) -> Tensor:
        return self(x).add_(shift)

    def added(self, x: Tensor, other: Tensor) -> Tensor:
        return self(x).add_(other)


class Packed:
    """Every layer with packed weights, for float32 on a CPU."""

    format = torch.channels_last
    flat = True

    def conv(self, module: Any) -> PackedConv | PointConv:
        return PointConv(module) if _is_point(module) else PackedConv(module)

    def linear(self, module: Any) -> Layer:
        return linear(module)

    def joined(self, modules: Sequence[Any]) -> Callable[[Tensor], Sequence[Tensor]]:
        weights = [module.weight for module in modules]
        across = kept("across", weights, lambda: torch.cat([w.t() for w in weights], dim=1))
        biases = [module.bias for module in modules if module.bias is not None]
        bias = torch.cat(biases) if biases else None
        widths = [len(weight) for weight in weights]
        if bias is None:
            return lambda x: torch.split_with_sizes(torch.mm(x, across), widths, 1)
        return lambda x: torch.split_with_sizes(torch.addmm(bias, x, across), widths, 1)

    def enlarging(self, module: Any) -> Layer:
        if _is_usual(module):
            return TransposedConv(module)
        conv = self.conv(module)
        return lambda x: conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))

    def norm(self, module: Any) -> Layer:
        return Norm(module)


class Norm:
    """A group norm, channel by channel where pictures are large.

    PyTorch's norm of what lies channels last sums up squares, which rounds worse the more there are
    and takes as long as both ways to the other order.
    """

    def __init__(self, module: Any) -> None:
        self._norm = Plain().norm(module)

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape[2] * x.shape[3] < MANY:
            return self._norm(x)
        return self._norm(x.contiguous()).contiguous(memory_format=torch.channels_last)


class TransposedConv:
    """Nearest-neighbour enlarging to twice the size and a 3 x 3 convolution, as one 4 x 4 one.

    Every pixel is convolved once instead of four times, each of its four copies with another part
    of the sum: 16 products where there were 36.
    """

    def __init__(self, module: Any) -> None:
        self._plain, self._bias = module.weight, module.bias
        self._shape: Sequence[int] = ()

    def __call__(self, x: Tensor) -> Tensor:
        if self._shape != x.shape:
            self._weight = kept("transposed", [self._plain], lambda: self._made(x.shape), x.shape)
            self._shape = x.shape
        how = [1, 1], [0, 0], [2, 2], [1, 1], 1
        done: Tensor = _TRANSPOSE(x, self._weight, self._bias, *how, "none", [], "")
        return done

    def _made(self, shape: Sequence[int]) -> Tensor:
        """(C', C, 3, 3) as (C, C', 4, 4): the sum of the kernel at the places of the copies."""
        kernel = self._plain.detach().double().flip(2, 3).transpose(0, 1)
        places = [(left, 1 - left, top, 1 - top) for left in (0, 1) for top in (0, 1)]
        total = torch.stack([F.pad(kernel, place) for place in places]).sum(0)
        made: Tensor = _ORDER_TRANSPOSED(
            total.float().contiguous(), [1, 1], [0, 0], [2, 2], [1, 1], 1, shape
        )
        return made


def _is_usual(module: Any) -> bool:
    """Whether a convolution leaves a picture its size, each pixel made of its neighbours."""
    return bool(
        module.kernel_size == (3, 3)
        and module.stride == (1, 1)
        and module.padding == (1, 1)
        and module.dilation == (1, 1)
        and module.groups == 1
    )


def linear(module: Any) -> Layer:
    """A linear layer, or a convolution of one pixel, with its weights laid across."""
    weight, bias = module.weight, module.bias
    across = kept("across alone", [weight], lambda: weight.flatten(1).t().contiguous())
    if bias is None:
        return lambda x: torch.mm(x, across)
    return lambda x: torch.addmm(bias, x, across)


def _is_point(module: Any) -> bool:
    return bool(
        module.kernel_size == (1, 1)
        and module.stride == (1, 1)
        and module.padding == (0, 0)
        and module.groups == 1
    )


def layers_for(net: Any) -> Layers:
    """How to compute a network where it lies: packed where that is known to help."""
    weights = list(net.parameters())
    small = sum(one.nbytes for one in weights) <= LARGEST
    if small and all(_fits(one) for one in weights) and _works():
        return Packed()
    return Plain()


def _fits(weight: Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype == torch.float32


@cache
def _works() -> bool:
    """Whether PyTorch packs as it does today; these operations are its own and may change."""
    module = torch.nn.Conv2d(32, 32, 3, stride=2, padding=1).requires_grad_(requires_grad=False)
    picture = torch.arange(32 * 128 * 128.0).sin().view(1, 32, 128, 128)
    usual = torch.nn.Conv2d(32, 32, 3, padding=1).requires_grad_(requires_grad=False)
    shown = picture.contiguous(memory_format=torch.channels_last)
    plain = [PlainConv(module)(picture), Plain().enlarging(usual)(picture)]
    try:
        packed = [PackedConv(module)(shown), TransposedConv(usual)(shown)]
    except Exception:  # there is no oneDNN, or it is called in another way
        return False
    pairs = zip(plain, packed, strict=True)
    return all(torch.allclose(one, other, atol=1e-4) for one, other in pairs)


def _operation(name: str) -> Any:
    """One of the operations that torch.compile calls; None where PyTorch was built without."""
    return getattr(getattr(torch.ops.mkldnn, name, None), "default", None)


_CONVOLVE = _operation("_convolution_pointwise")
_TRANSPOSE = _operation("_convolution_transpose_pointwise")
_ORDER: Any = getattr(torch._C._nn, "mkldnn_reorder_conv2d_weight", None)
_ORDER_TRANSPOSED = _operation("_reorder_convolution_transpose_weight")
