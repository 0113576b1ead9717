"""Layers with weights rearranged once for the CPU's kernels, instead of at every call."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ._layers import Layer, Layers, Plain, PlainConv

SMALL = 2**19
"""Bytes of a convolution's neighbourhoods, up to which they are made: they stay near the core."""
LARGEST = 2**28
"""Bytes. The weights of larger networks are not kept a second time, and time well spent on them."""

Make: TypeAlias = Callable[[], Tensor]


class _Kept(NamedTuple):
    """What was made of some weights, as they were then, for pictures of a shape."""

    weights: Sequence[weakref.ref[Tensor]]
    written: Sequence[tuple[int, int]]
    shape: Sequence[int]
    made: Tensor


_kept: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def kept(how: str, weights: Sequence[Tensor], make: Make, shape: Sequence[int] = ()) -> Tensor:
    """What ``make`` makes of weights, made once for as long as they live and nobody writes to them.

    Weights are known by identity and not by where they lie: memory that was freed is used again,
    and a LoRA's merged weights live no longer than a lease.

    Args:
        how: Tells apart what is made of the same weights.
        shape: Of what they will be applied to; only the last one's is kept.
    """
    if weights[0] not in _kept:
        _kept[weights[0]] = {}
    held: dict[str, _Kept] = _kept[weights[0]]
    found = held.get(how)
    written = [(one.data_ptr(), one._version) for one in weights]
    if (
        found is None
        or found.written != written
        or found.shape != shape
        or any(ref() is not one for ref, one in zip(found.weights, weights, strict=True))
    ):
        found = held[how] = _Kept([weakref.ref(one) for one in weights], written, shape, make())
    return found.made


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
        return self._module.weight.permute(2, 3, 1, 0).flatten(0, 2).contiguous()

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
        conv = self.conv(module)
        return lambda x: conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def linear(module: Any) -> Layer:
    """A linear layer, or a convolution of one pixel, with its weights laid across."""
    weight, bias = module.weight, module.bias
    across = kept("across alone", [weight], lambda: weight.flatten(1).t().contiguous())
    if bias is None:
        return lambda x: torch.mm(x, across)
    return lambda x: torch.addmm(bias, x, across)


def _is_point(module: Any) -> bool:
    return (
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
    try:
        packed = PackedConv(module)(picture.contiguous(memory_format=torch.channels_last))
    except Exception:  # there is no oneDNN, or it is called in another way
        return False
    off = (packed - PlainConv(module)(picture)).abs().max()
    return float(off) < 1e-4


# What torch.compile calls; None where PyTorch was built without.
_CONVOLVE: Any = getattr(getattr(torch.ops.mkldnn, "_convolution_pointwise", None), "default", None)
_ORDER: Any = getattr(torch._C._nn, "mkldnn_reorder_conv2d_weight", None)
