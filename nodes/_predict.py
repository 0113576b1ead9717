"""What is predicted at a step: by a UNet, under guidance, steered by any number of ControlNets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Residuals: TypeAlias = "list[Tensor]"
"""What a ControlNet adds to the UNet's skip connections, and last to its middle."""


def window(steps: int, start: float, end: float) -> list[bool]:
    """At which steps a control counts that is applied from ``start`` to ``end`` (fractions)."""
    return [not (i / steps < start or (i + 1) / steps > end) for i in range(steps)]


@dataclass(frozen=True, slots=True)
class Guide:
    """A ControlNet about to be applied to a batch.

    Attributes:
        net: A diffusers ControlNetModel.
        hint: (B, C, h, w), the control images as the network embeds them, once for all steps.
        scales: Its strength at every step; 0 where it does not run at all.
    """

    net: Any
    hint: Tensor
    scales: Sequence[float]


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts a batch's noise (or velocity) under its prompts.

    Attributes:
        unet: A diffusers UNet2DConditionModel.
        prompts: (B, 77 n, D), or (2B, 77 n, D) under guidance: the negative prompts first.
        scale: (B, 1, 1, 1) guidance scales, float32; None without guidance.
        guess: ControlNets see no negative prompt and count less the shallower they act.
        shown: (B, 1 + C, h, w), the mask and what is kept, for a UNet that inpaints.
    """

    unet: Any
    prompts: Tensor
    scale: Tensor | None
    guides: Sequence[Guide]
    guess: bool = False
    shown: Tensor | None = None

    def __call__(self, latents: Tensor, index: int, timestep: Tensor) -> Tensor:
        """(B, C, h, w) float32 latents, scaled, to a prediction of the same shape and type."""
        import torch

        sample = latents.to(self.prompts.dtype)
        doubled = sample if self.scale is None else torch.cat([sample, sample])
        added = self._residuals(sample, doubled, index, timestep)
        if self.shown is not None:
            beside = self.shown if self.scale is None else torch.cat([self.shown, self.shown])
            doubled = torch.cat([doubled, beside], dim=1)
        predicted = self.unet(
            doubled,
            timestep,
            encoder_hidden_states=self.prompts,
            down_block_additional_residuals=added[:-1] if added else None,
            mid_block_additional_residual=added[-1] if added else None,
            return_dict=False,
        )[0].float()
        return predicted if self.scale is None else guided(predicted, self.scale)

    def _residuals(
        self, sample: Tensor, doubled: Tensor, index: int, timestep: Tensor
    ) -> Residuals:
        """The sum over all ControlNets that count at this step; empty where none does."""
        import torch

        one_half = self.guess and self.scale is not None
        shown = sample if one_half else doubled
        prompts = self.prompts[-len(sample) :] if one_half else self.prompts
        total: Residuals = []
        for guide in self.guides:
            if guide.scales[index]:
                added = control(guide, shown, timestep, prompts)
                pool = guide.net.config.global_pool_conditions
                added = weighted(added, guide.scales[index], self.guess, pool=pool)
                total = [a + b for a, b in zip(total, added, strict=True)] if total else added
        return [torch.cat([torch.zeros_like(a), a]) for a in total] if one_half else total


def guided(predicted: Tensor, scale: Tensor) -> Tensor:
    """Push a prediction away from the negative prompt (classifier-free guidance, arXiv 2207.12598).

    Args:
        predicted: (2B, C, h, w): under the negative prompts, then under the prompts.
    """
    negative, positive = predicted.chunk(2)
    return negative + scale * (positive - negative)


def control(guide: Guide, sample: Tensor, timestep: Tensor, prompts: Tensor) -> Residuals:
    """Run a ControlNet as its own ``forward`` does, but on a hint that is already embedded."""
    import torch

    net = guide.net
    time = net.time_proj(timestep.reshape(1).expand(len(sample)).to(sample.device))
    time = net.time_embedding(time.to(sample.dtype))
    hint = guide.hint if len(guide.hint) == len(sample) else torch.cat([guide.hint, guide.hint])
    hidden = net.conv_in(sample) + hint
    skips = [hidden]
    for block in net.down_blocks:
        hidden, outputs = _apply(block, hidden, time, prompts)
        skips += outputs
    middle = _apply(net.mid_block, hidden, time, prompts)
    added = [layer(skip) for layer, skip in zip(net.controlnet_down_blocks, skips, strict=True)]
    return [*added, net.controlnet_mid_block(middle)]


def _apply(block: Any, hidden: Tensor, time: Tensor, prompts: Tensor) -> Any:
    if getattr(block, "has_cross_attention", False):
        return block(hidden, time, encoder_hidden_states=prompts)
    return block(hidden, time)


def weighted(added: Residuals, scale: float, guess: bool, *, pool: bool) -> Residuals:
    """Scale what a ControlNet adds; guess mode counts the shallow parts a tenth of the deepest."""
    import torch

    if guess and not pool:
        weights = torch.logspace(-1, 0, len(added), device=added[0].device) * scale
        return [a * weight for a, weight in zip(added, weights, strict=True)]
    if scale != 1.0:
        added = [a * scale for a in added]
    return [a.mean(dim=(2, 3), keepdim=True) for a in added] if pool else added


def embed_hint(net: Any, images: Tensor) -> Tensor:
    """Embed control images, (B or 1, 3, H, W) in [0, 1], as a ControlNet adds them to its input."""
    ordered = (
        images.flip(1) if net.config.controlnet_conditioning_channel_order == "bgr" else images
    )
    hint: Tensor = net.controlnet_cond_embedding(ordered)
    return hint
