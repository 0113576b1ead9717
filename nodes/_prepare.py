"""What a batch needs before its first step: weights, noise, prompts, embedded control images."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from ._loop import Predict, denoise, generators_of, noise
from ._memos import Name, Names, embedded, keeper, name_of
from ._pictures import control_images
from ._predict import Guide, Predictor, controlnet, embed_hint, unet, window
from ._recorded import recorded
from ._schedulers import Scheduler
from ._solvers import Solver, Stepping, Summing
from ._start import start
from ._tables import Table, table, tabled
from ._trail import Walk

if TYPE_CHECKING:
    from torch import Tensor

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
        walk: Where earlier runs were that began alike.
        steered: Whether there are controls, so that another run may begin alike and differ later.
    """

    predict: Predict
    solver: Solver
    latents: Tensor
    dtype: str
    walk: Walk
    steered: bool

    def steps(self) -> Generator[tuple[int, Tensor], None, None]:
        """Denoise, yielding how many steps are done, and the latents after them.

        It goes on from where an earlier run was that began alike, if that is known.
        """
        latents = self.latents
        begun, state = self.walk.known()
        if begun:
            latents = state["latents"]
            self.solver.restore(state["solver"])
            yield begun, latents
        steps = denoise(self.predict, self.solver, latents, begun)
        try:
            for done, latents in enumerate(steps, start=begun + 1):
                self.walk.note(done, {"latents": latents, "solver": self.solver.state()})
                yield done, latents
        except GeneratorExit:
            self.walk.keep()  # the next run goes on where this one was cancelled
            raise
        if self.steered:
            self.walk.keep()


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
    shared = _Shared(context, prompts, told, times, names(times))
    drawer = unet(weights, prompts, times, shared.keep(first.model.unet))
    # In guess mode ControlNets see no negative prompt.
    guides = [one.guide(shared.last(len(items)) if guess else shared) for one in nets]
    shown = None if shown is None else shown.to(weights.dtype)
    usual = Predictor(drawer, weights.dtype, scale, guides, guess, shown)
    predict = recorded(usual, [weights, *(one.net for one in nets)], context.device)
    steps = [tuple(one.at(step) for one in nets if one.scales[step]) for step in range(len(times))]
    stepping = Stepping(scheduler, generators, kept)
    solver = stepping if kept else _summing(first, skipped, latents, context) or stepping
    begin = type(solver).__name__, guess, _begin(items, told, names)
    walk = Walk(context, begin, steps)
    dtype = str(weights.dtype).removeprefix("torch.")
    steered = bool(first.controls)
    return Run(predict, solver, latents, dtype, walk, steered)


def _summing(
    item: Denoise, skipped: int | None, latents: Tensor, context: Context
) -> Summing | None:
    """What steps by the scheduler's table, where that is worth it."""
    if not tabled(item.scheduler, context.device):
        return None
    asked = item.scheduler, item.model.scheduler, item.steps, skipped
    sums = context.kept(Table, lambda: table(*asked), *asked).sums
    return None if sums is None else Summing(sums, latents)


def _begin(items: Sequence[Denoise], told: Name, names: Names) -> object:
    """All that every step of a batch depends on, whatever its controls are."""
    first = items[0]
    model, skipped = first.model, None if first.latents is None else first.skipped
    what = name_of(model.unet), model.scheduler, model.factor, model.shape, model.inpaints
    how = first.scheduler, first.steps, skipped, first.size
    each = [(one.seed, one.guidance_scale, names(one.latents), names(one.mask)) for one in items]
    return type(first).version, what, how, told, each


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

    def guide(self, shared: _Shared) -> Guide:
        """The ControlNet about to be applied."""
        told, keep = (shared.prompts, shared.times), shared.keep(self.weights)
        return Guide(controlnet(self.net, self.hint, *told, keep), self.scales, self.pools)

    def at(self, step: int) -> object:
        """All that what it adds at a step depends on, beside the batch's prompts and latents."""
        return name_of(self.weights), self.images, self.scales[step]


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
