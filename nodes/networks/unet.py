"""Stable Diffusion's UNet and ControlNet: what a step does not change is computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .blocks import Parts, Step, both
from .convolutions import EXACT, Ways
from .layers import conv, group_norm, is_channels_last, upsampler

Residuals: TypeAlias = "list[Tensor]"
"""What a ControlNet adds to the UNet's skip connections, and last to its middle."""
Make: TypeAlias = "Callable[[], Sequence[Tensor]]"
Keep: TypeAlias = "Callable[[Literal['prompts', 'times'], Make], Sequence[Tensor]]"
"""Gives what was made before of the same prompts or times, or makes it."""


def made(what: Literal["prompts", "times"], make: Make) -> Sequence[Tensor]:  # noqa: ARG001
    """Keep nothing: make it."""
    return make()


class _Encoder:
    """The way down and the middle, which a UNet and its ControlNets have in common."""

    def __init__(self, net: Any, parts: Parts) -> None:
        self._net, self._parts = net, parts
        self._conv_in = conv(net.conv_in)
        self._down: list[Any] = []
        for block in net.down_blocks:
            self._down += parts.stages(block)
            self._down += [_Downsampler(one, parts.ways) for one in block.downsamplers or ()]
        self._middle = parts.stages(net.mid_block)

    def steps(self, prompts: Tensor, timesteps: Tensor, keep: Keep) -> list[Step]:
        """What is known of every step: (P, 77 n, D) prompts at (T,) timesteps."""
        blocks, count = self._parts.blocks, len(prompts)
        rows = keep("prompts", lambda: [one for b in blocks for one in b.project(prompts)])
        pairs = zip(blocks, rows[::2], rows[1::2], strict=True)
        told = [block.keys_values(pair, count) for block, *pair in pairs]
        shifts = keep("times", lambda: self._times(prompts, timesteps))
        return [Step([one[i : i + 1] for one in shifts], told) for i in range(len(timesteps))]

    def _times(self, prompts: Tensor, timesteps: Tensor) -> list[Tensor]:
        """What each resnet adds at every step: (T, C, 1, 1) each."""
        found = [self._shifts(prompts, one) for one in timesteps]
        return [torch.cat(rows) for rows in zip(*found, strict=True)]

    def _shifts(self, prompts: Tensor, timestep: Tensor) -> list[Tensor]:
        """What each resnet adds at a step.

        As in diffusers' ``forward`` there is a row for each prompt, though all are the same: a
        matrix of as many rows as there are steps rounds otherwise, and what a shift is off by is
        added to every pixel of every picture.
        """
        net = self._net
        rows = timestep.reshape(1).expand(len(prompts)).to(prompts.device)
        times = F.silu(net.time_embedding(net.time_proj(rows).to(prompts.dtype)))
        return [resnet.shift(times) for resnet in self._parts.resnets]

    def __call__(self, sample: Tensor, step: Step, hint: Tensor | None = None) -> Residuals:
        """(B, C, h, w) to what every stage leaves, and last the middle; B or P of each."""
        hidden = self._conv_in(sample)
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

    def __init__(self, module: Any, ways: Ways) -> None:
        self._conv = conv(module.conv, ways)

    def __call__(self, hidden: Tensor, step: Step) -> Tensor:  # noqa: ARG002 (called as a stage is)
        return self._conv(hidden)


class UNet:
    """A UNet2DConditionModel under prompts, at every step of a schedule.

    Args:
        prompts: (B, 77 n, D), or (2B, 77 n, D) under guidance: the negative prompts first.
        timesteps: (T,), as the scheduler has them.
        ways: What may be rounded otherwise than by diffusers.
    """

    def __init__(
        self,
        net: Any,
        prompts: Tensor,
        timesteps: Tensor,
        keep: Keep = made,
        ways: Ways = EXACT,
    ) -> None:
        parts = Parts(is_channels_last(net.conv_in), ways)
        self._encode = _Encoder(net, parts)
        self._up = [
            (parts.stages(block), [upsampler(one, ways) for one in block.upsamplers or ()])
            for block in net.up_blocks
        ]
        self._norm, self._conv_out = group_norm(net.conv_norm_out), conv(net.conv_out)
        self.steps = self._encode.steps(prompts, timesteps, keep)

    def __call__(self, sample: Tensor, index: int, added: Residuals) -> Tensor:
        """Predict for (B, C, h, w) at a step; one prediction a prompt.

        Args:
            added: What ControlNets add, if any does.
        """
        return self.at(self.steps[index], sample, added)

    def at(self, step: Step, sample: Tensor, added: Residuals) -> Tensor:
        """Predict for (B, C, h, w), told what it is told at ``step``."""
        left = self._encode(sample, step)
        if added:
            left = [_sum(one, other) for one, other in zip(left, added, strict=True)]
        hidden = left.pop()
        for stages, upsamplers in self._up:
            for stage in stages:
                skip = left.pop()
                skip = skip if len(skip) == len(hidden) else both(skip)
                hidden = stage(torch.cat([hidden, skip], dim=1), step)
            for enlarge in upsamplers:
                hidden = enlarge(hidden, left[-1].shape[-2:])
        return self._conv_out(F.silu(self._norm(hidden), inplace=True))


class ControlNet:
    """A ControlNetModel under prompts, at every step of a schedule.

    Args:
        hint: (B or 1, C, h, w), the control images as the network embeds them.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a UNet's, and a hint)
        self,
        net: Any,
        hint: Tensor,
        prompts: Tensor,
        timesteps: Tensor,
        keep: Keep = made,
        ways: Ways = EXACT,
    ) -> None:
        self._encode = _Encoder(net, Parts(is_channels_last(net.conv_in), ways))
        self.steps = self._encode.steps(prompts, timesteps, keep)
        self.hint = hint
        outlets = [*net.controlnet_down_blocks, net.controlnet_mid_block]
        self._outlets = [conv(one, ways) for one in outlets]

    def __call__(self, sample: Tensor, index: int) -> Residuals:
        """What it adds at a step to the UNet's prediction for (B, C, h, w)."""
        return self.at(self.steps[index], self.hint, sample)

    def at(self, step: Step, hint: Tensor, sample: Tensor) -> Residuals:
        """What it adds for (B, C, h, w), told what it is told at ``step``."""
        left = self._encode(sample, step, hint)
        return [outlet(one) for outlet, one in zip(self._outlets, left, strict=True)]


def _sum(one: Tensor, other: Tensor) -> Tensor:
    """Add two pictures a prompt, of which either may be there once for both prompts."""
    if len(one) != len(other):
        count = max(len(one), len(other))
        one, other = (half if len(half) == count else both(half) for half in (one, other))
    return one + other
