"""PyTorch's layers as functions of tensors: the numbers of their modules, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Layer: TypeAlias = "Callable[[Tensor], Tensor]"


def conv(module: Any) -> Layer:
    """A Conv2d: (B, C, h, w) to (B, C', h', w')."""
    weight, bias = module.weight, module.bias
    how = module.stride, module.padding, module.dilation, module.groups
    return lambda x: torch.conv2d(x, weight, bias, *how)


def layout(device: str, dtype: torch.dtype) -> torch.memory_format:
    """How weights of convolutions lie: channels last where pictures are convolved faster so.

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
