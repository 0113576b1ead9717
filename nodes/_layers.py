"""Convolutions and linear layers as functions of tensors, with what is added to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Layer: TypeAlias = "Callable[[Tensor], Tensor]"


class Conv(Protocol):
    """A convolution."""

    def __call__(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', h', w')."""
        ...

    def shifts(self, rows: Tensor) -> Sequence[Tensor]:
        """Make of (T, C') what ``shifted`` takes at each of T steps."""
        ...

    def shifted(self, x: Tensor, shift: Tensor) -> Tensor:
        """Convolve, and add the same to every pixel of every picture."""
        ...

    def added(self, x: Tensor, other: Tensor) -> Tensor:
        """Convolve, and add another picture."""
        ...


class Layers(Protocol):
    """A way of computing layers.

    Attributes:
        format: How pictures lie in memory, from the first layer to the last.
        flat: Whether a convolution of one pixel is computed as a linear layer.
    """

    format: torch.memory_format
    flat: bool

    def conv(self, module: Any) -> Conv:
        """A torch Conv2d."""
        ...

    def linear(self, module: Any) -> Layer:
        """A torch Linear, or a Conv2d of one pixel: (n, C) to (n, C')."""
        ...

    def joined(self, modules: Sequence[Any]) -> Callable[[Tensor], Sequence[Tensor]]:
        """Several linear layers of one input."""
        ...

    def enlarging(self, module: Any) -> Layer:
        """A Conv2d on a picture that is first made twice as large."""
        ...

    def norm(self, module: Any) -> Layer:
        """A torch GroupNorm."""
        ...


class PlainConv:
    """A convolution as PyTorch computes it."""

    def __init__(self, module: Any) -> None:
        self._weights = module.weight, module.bias
        self._how = module.stride, module.padding, module.dilation, module.groups

    def __call__(self, x: Tensor) -> Tensor:
        return torch.conv2d(x, *self._weights, *self._how)

    def shifts(self, rows: Tensor) -> Sequence[Tensor]:
        return rows[:, :, None, None].unbind()

    def shifted(self, x: Tensor, shift: Tensor) -> Tensor:
        return self(x) + shift

    def added(self, x: Tensor, other: Tensor) -> Tensor:
        return self(x) + other


class Plain:
    """Every layer as PyTorch computes it: the numbers of diffusers' own ``forward``, bit by bit."""

    format = torch.contiguous_format
    flat = False

    def conv(self, module: Any) -> PlainConv:
        return PlainConv(module)

    def linear(self, module: Any) -> Layer:
        weight, bias = module.weight, module.bias
        return lambda x: F.linear(x, weight, bias)

    def joined(self, modules: Sequence[Any]) -> Callable[[Tensor], Sequence[Tensor]]:
        layers = [self.linear(module) for module in modules]
        return lambda x: [layer(x) for layer in layers]

    def enlarging(self, module: Any) -> Layer:
        conv = self.conv(module)
        return lambda x: conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))

    def norm(self, module: Any) -> Layer:
        groups, weight, bias, eps = module.num_groups, module.weight, module.bias, module.eps
        return lambda x: torch.group_norm(x, groups, weight, bias, eps)
