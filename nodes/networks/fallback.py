"""UNets and ControlNets of any kind, computed by diffusers' own ``forward``."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .blocks import both
from .unet import Residuals


class DiffusersUNet:
    """A UNet2DConditionModel under prompts, at every step of a schedule.

    Args:
        prompts: (B, 77 n, D), or (2B, 77 n, D) under guidance: the negative prompts first.
        timesteps: (T,), as the scheduler has them.
    """

    def __init__(self, net: Any, prompts: Tensor, timesteps: Tensor) -> None:
        self._net, self._prompts, self._timesteps = net, prompts, timesteps

    def __call__(self, sample: Tensor, index: int, added: Residuals) -> Tensor:
        """Predict for (B, C, h, w) at a step; one prediction a prompt."""
        predicted: Tensor = self._net(
            sample if len(sample) == len(self._prompts) else both(sample),
            self._timesteps[index],
            encoder_hidden_states=self._prompts,
            down_block_additional_residuals=added[:-1] if added else None,
            mid_block_additional_residual=added[-1] if added else None,
            return_dict=False,
        )[0]
        return predicted


class DiffusersControlNet:
    """A ControlNetModel under prompts, at every step of a schedule.

    Args:
        hint: (B or 1, C, h, w), the control images as the network embeds them.
    """

    def __init__(self, net: Any, hint: Tensor, prompts: Tensor, timesteps: Tensor) -> None:
        self._net, self._prompts, self._timesteps = net, prompts, timesteps
        self._hint = both(hint) if 1 < len(hint) < len(prompts) else hint

    def __call__(self, sample: Tensor, index: int) -> Residuals:
        """The residuals of a step: as by its ``forward``, but on a hint that is embedded already.

        That embeds the control images at every step; called part by part, they are embedded once.
        """
        net, prompts = self._net, self._prompts
        sample = sample if len(sample) == len(prompts) else both(sample)  # [P, C, h, w]
        time = self._timesteps[index].reshape(1).expand(len(sample)).to(sample.device)
        time = net.time_embedding(net.time_proj(time).to(sample.dtype))
        hidden = net.conv_in(sample) + self._hint
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
