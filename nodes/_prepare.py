"""What a batch needs before its first step: weights, noise, prompts, embedded control images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from ._loop import denoise, generators_of, noise
from ._memos import Name, Names, embedded, keeper, name_of
from ._pictures import control_images
from ._predict import Guide, Predictor, controlnet, embed_hint, unet, window
from ._schedulers import Scheduler
from ._start import Kept, start

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from nodegraph.node import Context

    from ._unet import Keep
    from ._weights import Weights
    from .sampling import Denoise
    from .types import Conditioning, Control


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
    names, times = Names(context), scheduler.timesteps
    texts, scale = _prompts(items, context.device)
    rows = _equally_long([one.embeddings.to(context.device, weights.dtype) for one in texts])
    prompts, told = torch.stack(rows), tuple(names(one.embeddings) for one in texts)
    nets = _nets(items, len(times), context, leases, names)
    guess = first.guess_mode or any(one.pools for one in nets[:1])
    # In guess mode ControlNets see no negative prompt.
    shared = _Shared(context, prompts, told, times, names(times))
    seen = shared.last(len(items)) if guess else shared
    guides = [
        Guide(
            controlnet(one.net, one.hint, seen.prompts, times, seen.keep(one.weights)),
            one.scales,
            one.pools,
        )
        for one in nets
    ]
    shown = None if shown is None else shown.to(weights.dtype)
    drawer = unet(weights, prompts, times, shared.keep(first.model.unet))
    predict = Predictor(drawer, weights.dtype, scale, guides, guess, shown)
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


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all networks are told: (P, 77 n, D) prompts and (T,) timesteps, and their names."""

    context: Context
    prompts: Tensor
    told: Name
    times: Tensor
    clock: object

    def last(self, count: int) -> _Shared:
        """The same, under the last ``count`` prompts alone."""
        return replace(self, prompts=self.prompts[-count:], told=self.told[-count:])

    def keep(self, net: Weights) -> Keep:
        """Where a network finds what it made of them before."""
        count, length = self.prompts.shape[:2]
        return keeper(self.context, net, (*self.told, length), (self.clock, count))


class _Net(NamedTuple):
    """A ControlNet that counts at some step.

    Attributes:
        hint: The control images as it embeds them.
        images: What those are.
        scales: Its strength at every step.
    """

    weights: Weights
    net: Any
    hint: Tensor
    images: Name
    scales: list[float]

    @property
    def pools(self) -> bool:
        """Whether what it adds is the same all over the picture."""
        return bool(self.net.config.global_pool_conditions)


def _nets(
    items: Sequence[Denoise], steps: int, context: Context, leases: ExitStack, names: Names
) -> list[_Net]:
    """The ControlNets that count at any step at all; the others are not even loaded."""
    found = []
    for index, control in enumerate(items[0].controls):
        scales = [control.strength * on for on in window(steps, control.start, control.end)]
        if any(scales):
            weights = control.model.net
            net: Any = leases.enter_context(context.lease(weights))
            used = [item.controls[index] for item in items]
            shown = [(names(one.image.pixels), names(one.mask)) for one in used]
            images = tuple(shown if len(set(shown)) > 1 else shown[:1])
            make = partial(_hint, net, used, items[0].size, context.device)
            hint = embedded(context, make, name_of(weights), images, items[0].size)
            found.append(_Net(weights, net, hint, images, scales))
    return found


def _hint(net: Any, used: Sequence[Control], size: tuple[int, int], device: str) -> Tensor:
    images, masks = [one.image for one in used], [one.mask for one in used]
    return embed_hint(net, control_images(images, masks, size).to(device, net.dtype))
