"""A batch ready for its first step: weights leased, noise drawn, prompts and hints embedded."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nodegraph.errors import Stopped

from .conditions import conditions_of
from .controls import influences, lease_controlnets
from .loop import Predict, Solver, denoise, generators_of, noise
from .memos import ContentKey, ContentKeys, weights_key
from .predict import Predictor, make_unet
from .replay import replayed, step_taker
from .resume import Resumption
from .schedulers import Scheduler
from .solvers import SchedulerSolver, TableSolver
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
        resumption: The checkpoints of earlier runs with the same beginning, and those of this one.
        steered: Whether there are controls, so that another run may begin alike and differ later.
    """

    predict: Predict
    solver: Solver
    latents: Tensor
    dtype: str
    resumption: Resumption
    steered: bool

    def steps(self) -> Generator[tuple[int, Tensor, bool], None, None]:
        """Denoise, yielding the number of steps that are done, and the latents after them.

        It resumes from the furthest checkpoint of an earlier run with the same beginning, if there
        is one: first it yields the steps and latents of that, and True.
        """
        latents = self.latents
        begun, state = self.resumption.furthest()
        if begun:
            latents = state["latents"]
            self.solver.restore(state["solver"])
            yield begun, latents, True
        steps = denoise(step_taker(self.predict, self.solver), self.solver.count, latents, begun)
        try:
            for done, latents in enumerate(steps, start=begun + 1):
                self.resumption.record(done, {"latents": latents, "solver": self.solver.state()})
                yield done, latents, False
        except (GeneratorExit, Stopped):
            self.resumption.store()  # the next run goes on where this one was cancelled
            raise
        # Without controls an equal beginning has an equal end, which the cache has already.
        if self.steered:
            self.resumption.store()


def prepare(items: Sequence[Request], context: Context, leases: ExitStack) -> Run:
    """Lease what the batch runs on until ``leases`` closes, and compute what no step changes."""
    first, keys = items[0], ContentKeys(context)
    net: Any = leases.enter_context(context.lease(first.model.unet))
    context.proceed()
    dtype = net.dtype  # diffusers looks through all its parameters to tell
    skipped = None if first.latents is None else first.skipped
    schedule = first.scheduler, first.model.scheduler, first.steps
    scheduler = Scheduler(*schedule, context.device, skipped)
    generators = generators_of([item.seed for item in items])
    # The generators go on from here: schedulers that draw noise at every step draw after this.
    drawn = noise(generators, _shape(first), dtype, context.device)
    latents, unmasked, inpaint_channels = start(items, scheduler, drawn)
    conditions = conditions_of(items, scheduler.timesteps, dtype, context, keys)
    steps = len(conditions.times)
    controlnets = lease_controlnets(items, steps, context, leases, keys)
    # As in diffusers' pipelines, which look at the first ControlNet alone.
    guess = first.guess_mode or any(control.pools for control in controlnets[:1])
    keep = conditions.keep(first.model.unet)
    unet = make_unet(net, conditions.prompts, conditions.times, keep, context.proceed)
    # In guess mode ControlNets see no negative prompt.
    steering = conditions.last(len(items)) if guess else conditions
    guides = [control.guide(steering) for control in controlnets]
    if inpaint_channels is not None:
        inpaint_channels = inpaint_channels.to(dtype)
    scales = _guidance(items, context.device)
    eager = Predictor(unet, dtype, scales, guides, guess, inpaint_channels)
    predict = replayed(eager, [net, *(control.net for control in controlnets)], context, leases)
    stepping = SchedulerSolver(scheduler, generators, unmasked)
    # A part that is put back after each step needs the scheduler itself: no table knows of it.
    solver = stepping if unmasked else _table_solver(first, skipped, latents, context) or stepping
    beginning = type(solver).__name__, guess, _beginning(items, conditions.prompt_keys, keys)
    room = leases.enter_context(context.reserve())
    resumption = Resumption(context, room, beginning, influences(controlnets, steps))
    kind = str(dtype).removeprefix("torch.")
    return Run(predict, solver, latents, kind, resumption, bool(first.controls))


def _shape(item: Request) -> tuple[int, int, int]:
    """(C, h, w) of a picture's latents."""
    (width, height), factor = item.size, item.model.factor
    return item.model.shape.channels, height // factor, width // factor


def _guidance(items: Sequence[Request], device: str) -> Tensor | None:
    """Each item's guidance scale, (B, 1, 1, 1); None where there is no guidance."""
    import torch

    if items[0].guidance_scale <= 1:
        return None
    scales = torch.tensor([item.guidance_scale for item in items], device=device)
    return scales.view(-1, 1, 1, 1)


def _table_solver(
    item: Request, skipped: int | None, latents: Tensor, context: Context
) -> TableSolver | None:
    """A solver by the scheduler's table, where that is worth it."""
    if not tabled(item.scheduler, context.device):
        return None
    schedule = item.scheduler, item.model.scheduler, item.steps, skipped
    sums = context.kept(Table, lambda: table(*schedule), *schedule).sums
    return None if sums is None else TableSolver(sums, latents)


def _beginning(items: Sequence[Request], prompts: ContentKey, keys: ContentKeys) -> object:
    """All that every step of a batch depends on, whatever its controls are."""
    first = items[0]
    model, skipped = first.model, None if first.latents is None else first.skipped
    network = weights_key(model.unet), model.scheduler, model.factor, model.shape, model.inpaints
    schedule = first.scheduler, first.steps, skipped, first.size
    pictures = [
        (item.seed, item.guidance_scale, keys(item.latents), keys(item.mask)) for item in items
    ]
    return type(first).version, network, schedule, prompts, pictures
