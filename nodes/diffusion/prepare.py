"""What a batch needs before its first step: weights, noise, prompts, embedded control images."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .conditions import told
from .controls import nets, opened
from .loop import Predict, Solver, denoise, generators_of, noise
from .memos import Name, Names, name_of
from .predict import Predictor, unet
from .replay import recorded, taking
from .resume import Walk
from .schedulers import Scheduler
from .solvers import Stepping, Summing
from .start import start
from .step_tables import Table, table, tabled

if TYPE_CHECKING:
    from torch import Tensor

    from nodegraph.node import Context

    from .request import Request


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

    def steps(self) -> Generator[tuple[int, Tensor, bool], None, None]:
        """Request, yielding how many steps are done, and the latents after them.

        It goes on from where an earlier run was that began alike, if that is known: first it yields
        what that had done, and True.
        """
        latents = self.latents
        begun, state = self.walk.known()
        if begun:
            latents = state["latents"]
            self.solver.restore(state["solver"])
            yield begun, latents, True
        steps = denoise(taking(self.predict, self.solver), self.solver.count, latents, begun)
        try:
            for done, latents in enumerate(steps, start=begun + 1):
                self.walk.note(done, {"latents": latents, "solver": self.solver.state()})
                yield done, latents, False
        except GeneratorExit:
            self.walk.keep()  # the next run goes on where this one was cancelled
            raise
        if self.steered:
            self.walk.keep()


def prepare(items: Sequence[Request], context: Context, leases: ExitStack) -> Run:
    """Lease what the batch runs on until ``leases`` closes, and compute what no step changes."""
    first, names = items[0], Names(context)
    net: Any = leases.enter_context(context.lease(first.model.unet))
    dtype = net.dtype  # diffusers looks through all its parameters to tell
    skipped = None if first.latents is None else first.skipped
    asked = first.scheduler, first.model.scheduler, first.steps
    scheduler = Scheduler(*asked, context.device, skipped)
    generators = generators_of([item.seed for item in items])
    drawn = noise(generators, _shape(first), dtype, context.device)
    latents, kept, shown = start(items, scheduler, drawn)
    said = told(items, scheduler.timesteps, dtype, context, names)
    steering = nets(items, len(said.times), context, leases, names)
    guess = first.guess_mode or any(one.pools for one in steering[:1])
    drawer = unet(net, said.prompts, said.times, said.keep(first.model.unet))
    # In guess mode ControlNets see no negative prompt.
    guides = [one.guide(said.last(len(items)) if guess else said) for one in steering]
    shown = None if shown is None else shown.to(dtype)
    usual = Predictor(drawer, dtype, _guidance(items, context.device), guides, guess, shown)
    predict = recorded(usual, [net, *(one.net for one in steering)], context, leases)
    stepping = Stepping(scheduler, generators, kept)
    solver = stepping if kept else _summing(first, skipped, latents, context) or stepping
    begin = type(solver).__name__, guess, _begin(items, said.names, names)
    room = leases.enter_context(context.reserve())
    walk = Walk(context, room, begin, opened(steering, len(said.times)))
    return Run(
        predict, solver, latents, str(dtype).removeprefix("torch."), walk, bool(first.controls)
    )


def _shape(item: Request) -> tuple[int, int, int]:
    """Of a picture's latents."""
    (width, height), factor = item.size, item.model.factor
    return item.model.shape.channels, height // factor, width // factor


def _guidance(items: Sequence[Request], device: str) -> Tensor | None:
    """Each item's guidance scale, (B, 1, 1, 1); None where there is no guidance."""
    import torch

    if items[0].guidance_scale <= 1:
        return None
    scales = torch.tensor([item.guidance_scale for item in items], device=device)
    return scales.view(-1, 1, 1, 1)


def _summing(
    item: Request, skipped: int | None, latents: Tensor, context: Context
) -> Summing | None:
    """What steps by the scheduler's table, where that is worth it."""
    if not tabled(item.scheduler, context.device):
        return None
    asked = item.scheduler, item.model.scheduler, item.steps, skipped
    sums = context.kept(Table, lambda: table(*asked), *asked).sums
    return None if sums is None else Summing(sums, latents)


def _begin(items: Sequence[Request], said: Name, names: Names) -> object:
    """All that every step of a batch depends on, whatever its controls are."""
    first = items[0]
    model, skipped = first.model, None if first.latents is None else first.skipped
    what = name_of(model.unet), model.scheduler, model.factor, model.shape, model.inpaints
    how = first.scheduler, first.steps, skipped, first.size
    each = [(one.seed, one.guidance_scale, names(one.latents), names(one.mask)) for one in items]
    return type(first).version, what, how, said, each
