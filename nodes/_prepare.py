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

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from nodegraph.node import Context

    from .sampling import Denoise


@dataclass(frozen=True, slots=True)
class Run:
    """A batch ready for the loop.

    Attributes:
        latents: (B, C, h, w) float32, noise at the strength of the first step.
    """

    predict: Predictor
    scheduler: Scheduler
    latents: Tensor
    generators: Sequence[Generator]
    dtype: str


def prepare(items: Sequence[Denoise], context: Context, leases: ExitStack) -> Run:
    """Lease what the batch runs on until ``leases`` closes, and compute what no step changes."""
    import torch

    first = items[0]
    unet: Any = leases.enter_context(context.lease(first.model.unet))
    scheduler = Scheduler(first.scheduler, first.model.scheduler, first.steps, context.device)
    generators = generators_of([item.seed for item in items])
    width, height = first.size
    factor = first.model.factor
    shape = (first.model.shape.channels, height // factor, width // factor)
    latents = scheduler.start(noise(generators, shape, unet.dtype, context.device))
    guides = _guides(items, len(scheduler.timesteps), context, leases)
    pooled = any(guide.net.config.global_pool_conditions for guide in guides[:1])
    prompts = [item.prompt for item in items]
    scale = None
    if first.guidance_scale > 1:
        prompts = [item.negative_prompt for item in items] + prompts
        scales = [item.guidance_scale for item in items]
        scale = torch.tensor(scales, device=context.device).view(-1, 1, 1, 1)
    rows = [one.embeddings.to(context.device, unet.dtype) for one in prompts]
    guess = first.guess_mode or pooled
    predict = Predictor(unet, torch.stack(_equally_long(rows)), scale, guides, guess)
    return Run(predict, scheduler, latents, generators, str(unet.dtype).removeprefix("torch."))


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
            images = [item.controls[index].image for item in items]
            shown = control_images(images, items[0].size).to(context.device, net.dtype)
            hint = embed_hint(net, shown)
            guides.append(Guide(net, hint.expand(len(items), -1, -1, -1), scales))
    return guides
