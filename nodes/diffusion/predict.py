"""The prediction of a step: by a UNet, under guidance, steered by any number of ControlNets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from ..networks.blocks import Pause
    from ..networks.unet import Keep, Residuals

    # At the step of this number, prepared for all steps of a schedule; and at one step alone.
    StepsUNet: TypeAlias = Callable[[Tensor, int, Residuals], Tensor]
    StepsControlNet: TypeAlias = Callable[[Tensor, int], Residuals]
    StepUNet: TypeAlias = Callable[[Tensor, Residuals], Tensor]
    StepControlNet: TypeAlias = Callable[[Tensor], Residuals]


def window(steps: int, start: float, end: float) -> list[bool]:
    """Whether a control from ``start`` to ``end`` (fractions of the steps) counts, step by step."""
    # A step counts only if it lies in the window whole, as in diffusers' pipelines.
    return [not (i / steps < start or (i + 1) / steps > end) for i in range(steps)]


@dataclass(frozen=True, slots=True)
class Guide:
    """A ControlNet about to be applied to a batch.

    Attributes:
        net: Maps (B, C, h, w) and the step's number to the ControlNet's residuals.
        scales: Its strength at every step; 0 where it does not run at all.
        pool: Whether its residuals are averaged over the picture.
    """

    net: StepsControlNet
    scales: Sequence[float]
    pool: bool = False


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts a batch's noise (or velocity) under its prompts.

    Attributes:
        unet: Maps (B, C, h, w), the step's number and residuals to a prediction a prompt.
        dtype: That the networks compute in.
        scale: (B, 1, 1, 1) guidance scales, float32; None without guidance.
        guess: ControlNets see no negative prompt and count less the shallower they act.
        inpaint_channels: (B, 1 + C, h, w), the mask and the masked picture, for a UNet that
            inpaints.
    """

    unet: StepsUNet
    dtype: Any
    scale: Tensor | None
    guides: Sequence[Guide]
    guess: bool = False
    inpaint_channels: Tensor | None = None

    def __call__(self, latents: Tensor, index: int) -> Tensor:
        """(B, C, h, w) float32 latents, scaled, to a prediction of the same shape and type."""
        import torch

        def unet(sample: Tensor, added: Residuals) -> Tensor:
            return self.unet(sample, index, added)

        active = [guide for guide in self.guides if guide.scales[index]]
        # Without the bookkeeping of gradients, which small pictures feel at every operation.
        with torch.inference_mode():
            controlnets = [partial(self._residuals, guide, index) for guide in active]
            predicted = self.predict_step(latents, unet, controlnets)
        # What leaves is an ordinary tensor again: schedulers may write into it.
        return predicted.clone()

    def predict_step(
        self, latents: Tensor, unet: StepUNet, controlnets: Sequence[StepControlNet]
    ) -> Tensor:
        """Predict by networks that stand at a step, guided where there is guidance.

        Args:
            unet: Maps (B, C, h, w) and the sum of residuals to a prediction a prompt.
            controlnets: Those that count at this step: each maps (B, C, h, w) to its residuals.
        """
        import torch

        sample = latents.to(self.dtype)
        added = self._total(controlnet(sample) for controlnet in controlnets)
        # ControlNets have seen the bare latents: the channels of inpainting are the UNet's alone.
        if self.inpaint_channels is not None:
            sample = torch.cat([sample, self.inpaint_channels], dim=1)  # [B, C + 1 + C, h, w]
        predicted = unet(sample, added).float()  # [P, C, h, w], P = 2 B under guidance
        return predicted if self.scale is None else guided(predicted, self.scale)

    def _residuals(self, guide: Guide, index: int, sample: Tensor) -> Residuals:
        added = guide.net(sample, index)
        return weighted(added, guide.scales[index], self.guess, pool=guide.pool)

    def _total(self, residuals: Iterable[Residuals]) -> Residuals:
        """The sum over ControlNets; empty where none counts."""
        import torch

        # Scaled by its strength each, then added in the order of the controls, as diffusers'
        # MultiControlNetModel does: rounding makes the order part of the result. Guidance comes
        # after the UNet, never between ControlNets: it weighs predictions, not residuals.
        total: Residuals = []
        for added in residuals:
            total = [a + b for a, b in zip(total, added, strict=True)] if total else added
        # In guess mode ControlNets ran under the prompts alone; nothing is added to the other half.
        prompts_only = self.guess and self.scale is not None
        return [torch.cat([torch.zeros_like(a), a]) for a in total] if prompts_only else total


def guided(predicted: Tensor, scale: Tensor) -> Tensor:
    """Push a prediction away from the negative prompt (classifier-free guidance, arXiv 2207.12598).

    Args:
        predicted: (2B, C, h, w): under the negative prompts, then under the prompts.
    """
    negative, positive = predicted.chunk(2)  # [B, C, h, w] each
    return negative + scale * (positive - negative)


def weighted(added: Residuals, scale: float, guess: bool, *, pool: bool) -> Residuals:
    """Scale residuals; guess mode counts the shallowest a tenth of the deepest."""
    if guess and not pool:
        weights = weights_of(added) * scale
        return [a * weight for a, weight in zip(added, weights, strict=True)]
    if scale != 1.0:
        added = [a * scale for a in added]
    # [P, C, h, w] to [P, C, 1, 1]: broadcast over the picture where it is added.
    return [a.mean(dim=(2, 3), keepdim=True) for a in added] if pool else added


def weights_of(added: Residuals) -> Tensor:
    """The weights of a ControlNet's n residuals in guess mode: (n,) float32.

    From a tenth at the shallowest to 1 at the middle, in equal ratios, as diffusers has it.
    """
    import torch

    return torch.logspace(-1, 0, len(added), device=added[0].device)


def embed_hint(net: Any, images: Tensor, pause: Callable[[], object] = bool) -> Tensor:
    """Embed control images, (B or 1, 3, H, W) in [0, 1], as a ControlNet adds them to its input.

    Args:
        pause: Called between its layers, which work on all pixels of the images.
    """
    from torch.nn.functional import silu

    ordered = (
        images.flip(1) if net.config.controlnet_conditioning_channel_order == "bgr" else images
    )
    layers = net.controlnet_cond_embedding
    if layers._forward_pre_hooks:  # it comes to the device when it is called (see offload.py)
        whole: Tensor = layers(ordered)
        return whole
    hidden: Tensor = silu(layers.conv_in(ordered))
    for layer in layers.blocks:
        pause()
        hidden = silu(layer(hidden))
    pause()
    hint: Tensor = layers.conv_out(hidden)
    return hint


def make_unet(
    net: Any,
    prompts: Tensor,
    timesteps: Tensor,
    keep: Keep | None = None,
    pause: Pause | None = None,
) -> StepsUNet:
    """Prepare a diffusers UNet2DConditionModel for prompts and every step of a schedule.

    By our UNet, or by diffusers' own where ours is not made for such a network (see supported.py).

    Args:
        prompts: (B, 77 n, D), or (2B, 77 n, D) under guidance: the negative prompts first.
        timesteps: (T,), as the scheduler has them.
        keep: The memory of what it derived from them before.
        pause: Called between the stages of a step, and may end it.
    """
    from ..networks import fallback, unet
    from ..networks.blocks import go_on
    from ..networks.convolutions import RULED
    from ..networks.supported import is_supported

    if not is_supported(net):
        return fallback.DiffusersUNet(net, prompts, timesteps)
    return unet.UNet(net, prompts, timesteps, keep or unet.make_anew, RULED, pause or go_on)


def make_controlnet(  # noqa: PLR0913, PLR0917 (a UNet's, and a hint)
    net: Any,
    hint: Tensor,
    prompts: Tensor,
    timesteps: Tensor,
    keep: Keep | None = None,
    pause: Pause | None = None,
) -> StepsControlNet:
    """Prepare a diffusers ControlNetModel for prompts and every step of a schedule.

    Args:
        hint: (B or 1, C, h, w), the control images as the network embeds them.
    """
    from ..networks import fallback, unet
    from ..networks.blocks import go_on
    from ..networks.convolutions import RULED
    from ..networks.supported import is_supported

    if not is_supported(net):
        return fallback.DiffusersControlNet(net, hint, prompts, timesteps)
    return unet.ControlNet(
        net, hint, prompts, timesteps, keep or unet.make_anew, RULED, pause or go_on
    )
