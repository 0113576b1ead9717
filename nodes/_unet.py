"""Stable Diffusion's UNet and ControlNet: what a step does not change is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from ._blocks import Parts, Step, both
from ._layers import Layers, Plain

Residuals: TypeAlias = "list[Tensor]"
"""What a ControlNet adds to the UNet's skip connections, and last to its middle."""


class _Encoder:
    """The way down and the middle, which a UNet and its ControlNets have in common."""

    def __init__(self, net: Any, parts: Parts) -> None:
        layers = parts.layers
        self._net, self._parts, self.format = net, parts, layers.format
        self._conv_in = layers.conv(net.conv_in)
        self._down: list[Any] = []
        for block in net.down_blocks:
            self._down += parts.stages(block)
            self._down += [_Downsampler(one, layers) for one in block.downsamplers or ()]
        self._middle = parts.stages(net.mid_block)

    def steps(self, prompts: Tensor, timesteps: Tensor) -> list[Step]:
        """What is known of every step: (P, 77 n, D) prompts at (T,) timesteps."""
        net = self._net
        times = net.time_embedding(net.time_proj(timesteps.to(prompts.device)).to(prompts.dtype))
        shifts = [resnet.shifts(F.silu(times)) for resnet in self._parts.resnets]
        told = [block.keys_values(prompts) for block in self._parts.blocks]
        return [Step(row, told) for row in zip(*shifts, strict=True)]

    def __call__(self, sample: Tensor, step: Step, hint: Tensor | None = None) -> Residuals:
        """(B, C, h, w) to what every stage leaves, and last the middle; B or P of each."""
        hidden = self._conv_in(sample.contiguous(memory_format=self.format))
        if hint is not None:
            hidden = hidden.add_(hint)
        left = [hidden]
        for stage in self._down:
            left.append(stage(left[-1], step))
        hidden = left[-1]
        for stage in self._middle:
            hidden = stage(hidden, step)
        return [*left, hidden]


class _Downsampler:
    """diffusers' Downsample2D."""

    def __init__(self, module: Any, layers: Layers) -> None:
        self._conv = layers.conv(module.conv)

    def __call__(self, hidden: Tensor, step: Step) -> Tensor:  # noqa: ARG002 (called as a stage is)
        return self._conv(hidden)


class _Upsampler:
    """diffusers' Upsample2D."""

    def __init__(self, module: Any, layers: Layers) -> None:
        self._twice, self._conv = layers.enlarging(module.conv), layers.conv(module.conv)

    def __call__(self, hidden: Tensor, size: Sequence[int]) -> Tensor:
        if tuple(size) == tuple(2 * side for side in hidden.shape[-2:]):
            return self._twice(hidden)
        return self._conv(F.interpolate(hidden, size=size, mode="nearest"))


class UNet:
    """A UNet2DConditionModel under prompts, at every step of a schedule.

    Args:
        prompts: (B, 77 n, D), or (2B, 77 n, D) under guidance: the negative prompts first.
        timesteps: (T,), as the scheduler has them.
    """

    def __init__(
        self, net: Any, prompts: Tensor, timesteps: Tensor, layers: Layers | None = None
    ) -> None:
        layers = layers or Plain()
        parts = Parts(layers)
        self._encode = _Encoder(net, parts)
        self._up = [
            (parts.stages(block), [_Upsampler(one, layers) for one in block.upsamplers or ()])
            for block in net.up_blocks
        ]
        self._norm, self._conv_out = layers.norm(net.conv_norm_out), layers.conv(net.conv_out)
        self._steps = self._encode.steps(prompts, timesteps)

    def __call__(self, sample: Tensor, index: int, added: Residuals) -> Tensor:
        """Predict for (B, C, h, w) at a step; one prediction a prompt.

        Args:
            added: What ControlNets add, if any does.
        """
        step = self._steps[index]
        left = self._encode(sample, step)
        if added:
            left = [_sum(one, other) for one, other in zip(left, added, strict=True)]
        hidden = left.pop()
        for stages, upsamplers in self._up:
            for stage in stages:
                skip = left.pop()
                skip = skip if len(skip) == len(hidden) else both(skip)
                hidden = stage(torch.cat([hidden, skip], dim=1), step)
            for upsampler in upsamplers:
                hidden = upsampler(hidden, left[-1].shape[-2:])
        return self._conv_out(F.silu(self._norm(hidden), inplace=True))


class ControlNet:
    """A ControlNetModel under prompts, at every step of a schedule.

    Args:
        hint: (B or 1, C, h, w), the control images as the network embeds them.
    """

    def __init__(
        self,
        net: Any,
        hint: Tensor,
        prompts: Tensor,
        timesteps: Tensor,
        layers: Layers | None = None,
    ) -> None:
        layers = layers or Plain()
        self._encode = _Encoder(net, Parts(layers))
        self._steps = self._encode.steps(prompts, timesteps)
        self._hint = hint.contiguous(memory_format=layers.format)
        outlets = [*net.controlnet_down_blocks, net.controlnet_mid_block]
        self._outlets = [layers.conv(one) for one in outlets]

    def __call__(self, sample: Tensor, index: int) -> Residuals:
        """What it adds at a step to the UNet's prediction for (B, C, h, w)."""
        left = self._encode(sample, self._steps[index], self._hint)
        return [outlet(one) for outlet, one in zip(self._outlets, left, strict=True)]


def _sum(one: Tensor, other: Tensor) -> Tensor:
    """Add two pictures a prompt, of which either may be there once for both prompts."""
    if len(one) != len(other):
        count = max(len(one), len(other))
        one, other = (half if len(half) == count else both(half) for half in (one, other))
    return one + other
