"""Stable Diffusion's UNet and ControlNet, with all that a step does not change computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .blocks import Parts, Pause, Step, both, go_on
from .convolutions import EXACT, Rewrites
from .layers import conv, group_norm, is_channels_last, upsampler

Residuals: TypeAlias = "list[Tensor]"
"""The tensors that a ControlNet adds to the UNet's skip connections, and last to its middle."""
Make: TypeAlias = "Callable[[], Sequence[Tensor]]"
Keep: TypeAlias = "Callable[[Literal['prompts', 'times'], Make], Sequence[Tensor]]"
"""Gives what was derived before from the same prompts or times, or derives it anew."""


def make_anew(source: Literal["prompts", "times"], make: Make) -> Sequence[Tensor]:  # noqa: ARG001
    """Keep nothing: derive it anew."""
    return make()


class _Encoder:
    """The way down and the middle, which a UNet and its ControlNets have in common."""

    def __init__(self, net: Any, parts: Parts) -> None:
        self._net, self._parts = net, parts
        self._conv_in = conv(net.conv_in)
        self._down: list[Any] = []
        for block in net.down_blocks:
            self._down += parts.stages(block)
            self._down += [
                _Downsampler(layer, parts.rewrites) for layer in block.downsamplers or ()
            ]
        self._middle = parts.stages(net.mid_block)

    def steps(self, prompts: Tensor, timesteps: Tensor, keep: Keep, pause: Pause) -> list[Step]:
        """The inputs of every step beside the picture: (P, 77 n, D) prompts at (T,) timesteps."""
        blocks, count = self._parts.blocks, len(prompts)
        rows = keep("prompts", lambda: [row for b in blocks for row in b.project(prompts)])
        pairs = zip(blocks, rows[::2], rows[1::2], strict=True)
        keys_values = [block.keys_values(pair, count) for block, *pair in pairs]
        shifts = keep("times", lambda: self._times(prompts, timesteps))  # [T, C, 1, 1] each
        return [
            Step([shift[i : i + 1] for shift in shifts], keys_values, pause)
            for i in range(len(timesteps))
        ]

    def _times(self, prompts: Tensor, timesteps: Tensor) -> list[Tensor]:
        """Each resnet's shifts at all steps: (T, C, 1, 1) each.

        A shift depends on the timestep and on the weights of its resnet alone: the same for every
        picture, prompt and pixel, and for every run of the same schedule.
        """
        steps = [self._shifts(prompts, timestep) for timestep in timesteps]
        return [torch.cat(rows) for rows in zip(*steps, strict=True)]

    def _shifts(self, prompts: Tensor, timestep: Tensor) -> list[Tensor]:
        """Each resnet's shift at a step, (1, C, 1, 1).

        As in diffusers' ``forward`` there is a row for each prompt, though all are the same. All
        steps as the rows of one matrix would be quicker, but another number of rows takes another
        kernel, which rounds otherwise; and the error of a shift is added to every pixel of every
        picture.
        """
        net = self._net
        rows = timestep.reshape(1).expand(len(prompts)).to(prompts.device)  # [P]
        times = F.silu(net.time_embedding(net.time_proj(rows).to(prompts.dtype)))  # [P, D]
        return [resnet.shift(times) for resnet in self._parts.resnets]

    def __call__(self, sample: Tensor, step: Step, hint: Tensor | None = None) -> Residuals:
        """(B, C, h, w) to every stage's result, and last the middle's; B or P of each."""
        hidden = self._conv_in(sample)
        if hint is not None:
            hidden = hidden.add_(hint)
        skips = [hidden]
        for stage in self._down:
            step.pause()
            skips.append(stage(skips[-1], step))
        hidden = skips[-1]
        for stage in self._middle:
            step.pause()
            hidden = stage(hidden, step)
        return [*skips, hidden]


class _Downsampler:
    """diffusers' Downsample2D."""

    def __init__(self, module: Any, rewrites: Rewrites) -> None:
        self._conv = conv(module.conv, rewrites)

    def __call__(self, hidden: Tensor, step: Step) -> Tensor:  # noqa: ARG002 (called as a stage is)
        return self._conv(hidden)


class UNet:
    """A UNet2DConditionModel under prompts, at every step of a schedule.

    Args:
        prompts: (B, 77 n, D), or (2B, 77 n, D) under guidance: the negative prompts first.
        timesteps: (T,), as the scheduler has them.
        rewrites: Convolutions that may round otherwise than in diffusers.
        pause: Called between the stages of a step.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (the last three have defaults)
        self,
        net: Any,
        prompts: Tensor,
        timesteps: Tensor,
        keep: Keep = make_anew,
        rewrites: Rewrites = EXACT,
        pause: Pause = go_on,
    ) -> None:
        parts = Parts(is_channels_last(net.conv_in), rewrites)
        self._encode = _Encoder(net, parts)
        self._up = [
            (parts.stages(block), [upsampler(layer, rewrites) for layer in block.upsamplers or ()])
            for block in net.up_blocks
        ]
        self._norm, self._conv_out = group_norm(net.conv_norm_out), conv(net.conv_out)
        self.steps = self._encode.steps(prompts, timesteps, keep, pause)

    def __call__(self, sample: Tensor, index: int, added: Residuals) -> Tensor:
        """Predict for (B, C, h, w) at a step; one prediction a prompt.

        Args:
            added: The sum over ControlNets; empty if none counts.
        """
        return self.at(self.steps[index], sample, added)

    def at(self, step: Step, sample: Tensor, added: Residuals) -> Tensor:
        """Predict for (B, C, h, w) with the inputs of ``step``; (P, C, h, w)."""
        skips = self._encode(sample, step)
        if added:
            skips = [_sum(skip, extra) for skip, extra in zip(skips, added, strict=True)]
        hidden = skips.pop()
        for stages, upsamplers in self._up:
            for stage in stages:
                step.pause()
                # Skips from above the first look at the prompts are there once for both halves.
                skip = skips.pop()
                skip = skip if len(skip) == len(hidden) else both(skip)
                hidden = stage(torch.cat([hidden, skip], dim=1), step)  # [P, C + C', h, w]
            for enlarge in upsamplers:
                # Not always twice the size: sides that were halved to odd ones are rounded.
                hidden = enlarge(hidden, skips[-1].shape[-2:])
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
        keep: Keep = make_anew,
        rewrites: Rewrites = EXACT,
        pause: Pause = go_on,
    ) -> None:
        self._encode = _Encoder(net, Parts(is_channels_last(net.conv_in), rewrites))
        self.steps = self._encode.steps(prompts, timesteps, keep, pause)
        self.hint = hint
        outlets = [*net.controlnet_down_blocks, net.controlnet_mid_block]
        self._outlets = [conv(outlet, rewrites) for outlet in outlets]

    def __call__(self, sample: Tensor, index: int) -> Residuals:
        """The residuals at a step for (B, C, h, w)."""
        return self.at(self.steps[index], self.hint, sample)

    def at(self, step: Step, hint: Tensor, sample: Tensor) -> Residuals:
        """The residuals for (B, C, h, w) with the inputs of ``step``."""
        results = self._encode(sample, step, hint)
        return [outlet(result) for outlet, result in zip(self._outlets, results, strict=True)]


def _sum(left: Tensor, right: Tensor) -> Tensor:
    """Add two pictures a prompt, of which either may be there once for both prompts."""
    if len(left) != len(right):
        count = max(len(left), len(right))
        left, right = (half if len(half) == count else both(half) for half in (left, right))
    return left + right
