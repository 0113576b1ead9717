"""PyTorch's layers as functions of tensors: bit by bit their modules' numbers, but for rewrites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .convolutions import EXACT, Rewrites, doubled, multiplied, product

Layer: TypeAlias = "Callable[[Tensor], Tensor]"
Enlarge: TypeAlias = "Callable[[Tensor, Sequence[int]], Tensor]"


def conv(module: Any, rewrites: Rewrites = EXACT) -> Layer:
    """A Conv2d: (B, C, h, w) to (B, C', h', w')."""
    weight, bias = module.weight, module.bias
    options = module.stride, module.padding, module.dilation, module.groups

    def usual(x: Tensor) -> Tensor:
        return torch.conv2d(x, weight, bias, *options)

    (stride, _), (padding, _) = module.stride, module.padding
    square = len({*weight.shape[2:]}) == len({*module.stride}) == len({*module.padding}) == 1
    if not (rewrites.products and square and options[2:] == ((1, 1), 1) and bias is not None):
        return usual

    # Chosen at each call: the rule depends on the number of pixels, which pictures bring.
    def chosen(x: Tensor) -> Tensor:
        pixels = x.numel() // (x.shape[1] * stride**2)
        few = multiplied(pixels, weight)
        return product(x, weight, bias, stride, padding) if few else usual(x)

    return chosen


def layout(device: str, dtype: torch.dtype) -> torch.memory_format:
    """The memory format of convolutions' weights: channels last where that is faster.

    That is on a CPU in bfloat16. In float32 it wins nothing, and rounds other than diffusers; on
    CUDA it has not been measured.
    """
    faster = dtype == torch.bfloat16 and device == "cpu"
    return torch.channels_last if faster else torch.contiguous_format


def is_channels_last(module: Any) -> bool:
    """Whether a Conv2d's weights lie channels last, so that what it makes does."""
    weight: Tensor = module.weight
    return weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


def linear(module: Any) -> Layer:
    """A Linear: (n, C) to (n, C')."""
    weight, bias = module.weight, module.bias
    return lambda x: F.linear(x, weight, bias)


def group_norm(module: Any) -> Layer:
    """A GroupNorm."""
    groups, weight, bias, eps = module.num_groups, module.weight, module.bias, module.eps
    return lambda x: torch.group_norm(x, groups, weight, bias, eps)


def layer_norm(module: Any) -> Layer:
    """A LayerNorm."""
    shape, weight, bias, eps = module.normalized_shape, module.weight, module.bias, module.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, eps)


def upsampler(module: Any, rewrites: Rewrites = EXACT) -> Enlarge:
    """An Upsample2D: (B, C, h, w) to a size that is given, which is mostly twice as large."""
    usual, inner = conv(module.conv, rewrites), module.conv
    weight, bias = inner.weight, inner.bias

    def enlarged(x: Tensor, size: Sequence[int]) -> Tensor:
        twice = rewrites.doubling and [2 * side for side in x.shape[-2:]] == [*size]
        larger = doubled(x, weight, bias) if twice and bias is not None else None
        return usual(F.interpolate(x, size=size, mode="nearest")) if larger is None else larger

    return enlarged
