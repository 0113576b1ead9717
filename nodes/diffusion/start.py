"""The start of a batch: noise, or pictures under noise, of which a masked part is redrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .vae import marks

if TYPE_CHECKING:
    from torch import Tensor

    from .request import Request
    from .schedulers import Scheduler


@dataclass(frozen=True, slots=True)
class Unmasked:
    """The part that stays of the pictures that a batch started from.

    Attributes:
        pictures: (B, C, h, w) clean latents.
        noise: The unit noise that was laid over them.
        mask: (B, 1, h, w), 1 where they are redrawn and 0 where they stay.
    """

    pictures: Tensor
    noise: Tensor
    mask: Tensor

    def put_back(self, latents: Tensor, scheduler: Scheduler, following: Tensor) -> Tensor:
        """Replace what stays by the picture, under the noise that the next step expects.

        The noise is the one that the run began with at every step, as in diffusers' pipelines.

        Args:
            following: (1,) the next step's timestep; (0,) after the last one.
        """
        pictures = self.pictures
        if len(following):
            pictures = scheduler.noised(pictures, self.noise, following)
        return (1 - self.mask) * pictures + self.mask * latents


def start(
    items: Sequence[Request], scheduler: Scheduler, noise: Tensor
) -> tuple[Tensor, Unmasked | None, Tensor | None]:
    """The first step's latents, the part put back after each, and an inpainting UNet's channels.

    Args:
        noise: (B, C, h, w) unit noise.

    Returns:
        (B, C, h, w) latents; the part that stays, or None; (B, 1 + C, h, w) mask and masked
        pictures, or None.
    """
    import torch

    first = items[0]
    starts = [item.latents for item in items if item.latents is not None]
    if not starts:
        return scheduler.start(noise), None, None
    pictures = torch.stack([latents.values.to(noise.device) for latents in starts])
    masks = [item.mask for item in items if item.mask is not None]
    if masks and not first.skipped:
        latents = scheduler.start(noise)  # nothing of what is redrawn shines through
    else:
        latents = scheduler.noised(pictures, noise, scheduler.timesteps[:1])
    if not masks:
        return latents, None, None
    mask = _small(marks(masks, first.size), noise)
    # A UNet made to inpaint is shown what stays, and draws it itself; for any other it is put back.
    if not first.model.inpaints:
        return latents, Unmasked(pictures, noise, mask), None
    masked = [
        latents.masked_image.to(noise.device)
        for latents in starts
        if latents.masked_image is not None
    ]
    return latents, None, torch.cat([mask, torch.stack(masked)], dim=1)  # [B, 1 + C, h, w]


def _small(mask: Tensor, latents: Tensor) -> Tensor:
    """(B, 1, H, W) at the size of latents: each takes the corner pixel of those it stands for."""
    from torch.nn.functional import interpolate

    return interpolate(mask, size=latents.shape[-2:]).to(latents.device)
