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
        kept: (B, 1, h, w), how many steps each latent stays what the picture has there, before it
            is redrawn: none where a mask is white, all where it is black.
    """

    pictures: Tensor
    noise: Tensor
    kept: Tensor

    def put_back(
        self, latents: Tensor, scheduler: Scheduler, index: int, following: Tensor
    ) -> Tensor:
        """Replace what stays by the picture, under the noise that the next step expects.

        The noise is the one that the run began with at every step, as in diffusers' pipelines.

        Args:
            latents: (B, C, h, w), after a step.
            index: The step's number.
            following: (1,) the next step's timestep; (0,) after the last one.
        """
        import torch

        pictures = self.pictures
        if len(following):
            pictures = scheduler.noised(pictures, self.noise, following)
        return torch.where(self.kept > index, pictures, latents)


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
    redrawn = _largest(marks(masks, first.size), first.model.factor).to(noise.device)
    # A UNet made to inpaint is shown what stays, and draws it itself; for any other it is put back.
    if not first.model.inpaints:
        kept = steps_kept(redrawn, len(scheduler.timesteps), scheduler.order)
        return latents, Unmasked(pictures, noise, kept), None
    masked = [
        latents.masked_image.to(noise.device)
        for latents in starts
        if latents.masked_image is not None
    ]
    # It was trained on masks that are black or white.
    channels = [(redrawn > 0).to(noise.dtype), torch.stack(masked)]
    return latents, None, torch.cat(channels, dim=1)  # [B, 1 + C, h, w]


def steps_kept(redrawn: Tensor, count: int, order: int) -> Tensor:
    """How many of a run's steps each latent stays as it was: of grey, the last ones redraw it.

    So a mask's grey is to its latents what ``denoise`` is to a picture (differential diffusion,
    arXiv 2306.00950): mixed in at every step instead, a half-white latent would come out almost as
    it was, for each step would halve again what the steps before had changed.

    Args:
        redrawn: (B, 1, h, w) in [0, 1]; what is 0 stays, all else is redrawn in a step at least.
        count: Calls of the model in all.
        order: Of those, how many make one step.

    Returns:
        (B, 1, h, w) calls of the model, a multiple of ``order`` or ``count``.
    """
    import torch

    steps = -(-count // order)
    run = (redrawn * steps).floor().clamp(min=1)  # rounded down, as denoise is
    return torch.where(redrawn > 0, (steps - run) * order, count)


def _largest(marked: Tensor, factor: int) -> Tensor:
    """(B, 1, H, W) at the size of latents: each takes the most that a pixel under it is marked."""
    from torch.nn.functional import max_pool2d

    return max_pool2d(marked, factor)
