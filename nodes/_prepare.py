"""What a batch needs before its first step: weights, noise, prompts, embedded control images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Any

from ._loop import generators_of, noise
from ._pictures import control_images
from ._predict import Guide, Predictor, embed_hint, window
from ._schedulers import Scheduler
from ._start import Kept, start

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from nodegraph.node import Context

    from .sampling import Denoise
    from .types import Conditioning


@dataclass(frozen=True, slots=True)
class Run:
    """A batch ready for the loop.

    Attributes:
        latents: (B, C, h, w) float32, with noise at the strength of the first step.
        kept: What of the pictures it started from stays.
    """

    predict: Predictor
    scheduler: Scheduler
    latents: Tensor
    generators: Sequence[Generator]
    dtype: str
    kept: Kept | None = None


def prepare(items: Sequence[Denoise], context: Context, leases: ExitStack) -> Run:
    """Lease what the batch runs on until ``leases`` closes, and compute what no step changes."""
    import torch

    first = items[0]
    unet: Any = leases.enter_context(context.lease(first.model.unet))
    skipped = None if first.latents is None else first.skipped
    asked = first.scheduler, first.model.scheduler, first.steps
    scheduler = Scheduler(*asked, context.device, skipped)
    generators = generators_of([item.seed for item in items])
    width, height = first.size
    factor = first.model.factor
    shape = (first.model.shape.channels, height // factor, width // factor)
    drawn = noise(generators, shape, unet.dtype, context.device)
    latents, kept, shown = start(items, scheduler, drawn)
    guides = _guides(items, len(scheduler.timesteps), context, leases)
    pooled = any(guide.net.config.global_pool_conditions for guide in guides[:1])
    prompts, scale = _prompts(items, context.device)
    rows = _equally_long([one.embeddings.to(context.device, unet.dtype) for one in prompts])
    shown = None if shown is None else shown.to(unet.dtype)
    predict = Predictor(unet, torch.stack(rows), scale, guides, first.guess_mode or pooled, shown)
    dtype = str(unet.dtype).removeprefix("torch.")
    return Run(predict, scheduler, latents, generators, dtype, kept)


def _prompts(items: Sequence[Denoise], device: str) -> tuple[list[Conditioning], Tensor | None]:
    """The prompts, the negative ones first where there is guidance, and each item's guidance."""
    import torch

    prompts = [item.prompt for item in items]
    if items[0].guidance_scale <= 1:
        return prompts, None
    scales = torch.tensor([item.guidance_scale for item in items], device=device)
    return [item.negative_prompt for item in items] + prompts, scales.view(-1, 1, 1, 1)


def _equally_long(rows: Sequence[Tensor]) -> list[Tensor]:
    """Say each prompt as often as makes all of one length: (n, D) each.

    Attention to what is said twice is attention to what is said once, so this changes no prompt's
    meaning, whatever it meets.
    """
    length = lcm(*map(len, rows))
    return [row.repeat(length // len(row), 1) for row in rows]


def _guides(
    items: Sequence[Denoise], steps: int, context: Context, leases: ExitStack
) -> list[Guide]:
    """The ControlNets that count at any step at all; the others are not even loaded."""
    guides = []
    for index, control in enumerate(items[0].controls):
        scales = [control.strength * on for on in window(steps, control.start, control.end)]
        if any(scales):
            net: Any = leases.enter_context(context.lease(control.model.net))
            used = [item.controls[index] for item in items]
            images, masks = [one.image for one in used], [one.mask for one in used]
            shown = control_images(images, masks, items[0].size).to(context.device, net.dtype)
            hint = embed_hint(net, shown)
            guides.append(Guide(net, hint.expand(len(items), -1, -1, -1), scales))
    return guides
