"""What a batch needs before its first step: weights, noise, prompts, embedded control images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Any

from ._loop import Predict, denoise, generators_of, noise
from ._pictures import control_images
from ._predict import Guide, Predictor, controlnet, embed_hint, unet, window
from ._recorded import recorded
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

    predict: Predict
    scheduler: Scheduler
    latents: Tensor
    generators: Sequence[Generator]
    dtype: str
    kept: Kept | None = None

    def steps(self) -> Iterator[Tensor]:
        """Denoise, yielding the latents after each step."""
        return denoise(self.predict, self.scheduler, self.latents, self.generators, self.kept)


def prepare(items: Sequence[Denoise], context: Context, leases: ExitStack) -> Run:
    """Lease what the batch runs on until ``leases`` closes, and compute what no step changes."""
    import torch

    first = items[0]
    weights: Any = leases.enter_context(context.lease(first.model.unet))
    skipped = None if first.latents is None else first.skipped
    scheduler = Scheduler(
        first.scheduler, first.model.scheduler, first.steps, context.device, skipped
    )
    generators = generators_of([item.seed for item in items])
    width, height = first.size
    factor = first.model.factor
    shape = (first.model.shape.channels, height // factor, width // factor)
    drawn = noise(generators, shape, weights.dtype, context.device)
    latents, kept, shown = start(items, scheduler, drawn)
    texts, scale = _prompts(items, context.device)
    rows = _equally_long([one.embeddings.to(context.device, weights.dtype) for one in texts])
    prompts, times = torch.stack(rows), scheduler.timesteps
    nets = _nets(items, len(times), context, leases)
    guess = first.guess_mode or any(net.config.global_pool_conditions for net, *_ in nets[:1])
    seen = prompts[-len(items) :] if guess else prompts
    guides = [
        Guide(controlnet(net, hint, seen, times), scales, net.config.global_pool_conditions)
        for net, hint, scales in nets
    ]
    shown = None if shown is None else shown.to(weights.dtype)
    drawer = unet(weights, prompts, times)
    usual = Predictor(drawer, weights.dtype, scale, guides, guess, shown)
    predict = recorded(usual, [weights, *(net for net, *_ in nets)], context.device)
    dtype = str(weights.dtype).removeprefix("torch.")
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


def _nets(
    items: Sequence[Denoise], steps: int, context: Context, leases: ExitStack
) -> list[tuple[Any, Tensor, list[float]]]:
    """The ControlNets that count at any step at all; the others are not even loaded.

    Returns:
        Each one with the control images as it embeds them, and its strength at every step.
    """
    found = []
    for index, control in enumerate(items[0].controls):
        scales = [control.strength * on for on in window(steps, control.start, control.end)]
        if any(scales):
            net: Any = leases.enter_context(context.lease(control.model.net))
            used = [item.controls[index] for item in items]
            images, masks = [one.image for one in used], [one.mask for one in used]
            shown = control_images(images, masks, items[0].size).to(context.device, net.dtype)
            found.append((net, embed_hint(net, shown), scales))
    return found
