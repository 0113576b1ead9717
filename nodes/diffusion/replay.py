"""Recorded steps: a CUDA graph for each set of open ControlNets, repeated at every step of a run.

A recording takes for granted, as ``Recordings.find`` is asked for it: which networks count, and at
which addresses their weights lie; shapes, strides and types of all inputs; pooling, guess mode,
whether there is guidance and whether the UNet inpaints; and whether the solver is in it. Anything
else (latents, times, prompts, hints, strengths, guidance scales, the table's weights) is a tensor
that is copied to where the graph reads it, so a new run, prompt or strength needs no new recording.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from nodegraph.node import Context

from ..networks.blocks import Step
from ..networks.unet import ControlNet, Residuals, UNet
from .cuda_graphs import Capturer, CudaGraphs, Recording, Recordings
from .loop import Predict, Solver, TakeStep, step
from .predict import Predictor, weights_of
from .solvers import TableSolver, weighted_sum

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from nodegraph.node import Context


@dataclass(frozen=True, slots=True)
class Graphs:
    """A reference to a device's graphs, which share their memory: the pool lends it as weights."""

    device: str

    @property
    def key(self) -> str:
        return f"graphs {self.device}"

    def load(self, device: str, dtype: str) -> Capturer:  # noqa: ARG002 (as all)
        """Open the device's memory for graphs."""
        return CudaGraphs(device)


def replayed(
    predict: Predictor, nets: Sequence[Module], context: Context, leases: ExitStack
) -> Predict:
    """Predict as ``predict`` does, on a GPU by repeating recordings.

    Args:
        nets: The UNet, and the ControlNet of each guide.
        leases: Until they close, recordings stay.
    """
    if not context.device.startswith("cuda") or not recordable(predict, nets):
        return predict
    graphs = leases.enter_context(context.lease(Graphs(context.device)))
    return ReplayedPredictor(predict, nets, graphs, Recordings(context, leases))


def step_taker(predict: Predict, solver: Solver) -> TakeStep:
    """The function that takes a step: one recording of prediction and solver, where both can be."""
    if isinstance(predict, ReplayedPredictor) and isinstance(solver, TableSolver):
        return partial(predict.step, solver)
    return partial(step, predict, solver)


def recordable(predict: Predictor, nets: Sequence[Module]) -> bool:
    """Whether all networks are computed our way, with weights that stay on one device.

    Hooks, of offloaded weights say, run on the host: a recording would leave them out.
    """
    ours = isinstance(predict.unet, UNet) and all(
        isinstance(guide.net, ControlNet) for guide in predict.guides
    )
    return ours and len({weight.device for net in nets for weight in net.parameters()}) == 1


class ReplayedPredictor:
    """A Predictor by recordings, which take in a TableSolver's part too."""

    def __init__(
        self,
        predict: Predictor,
        nets: Sequence[Module],
        capturer: Capturer,
        recordings: Recordings,
    ) -> None:
        self._eager, self._nets = predict, nets
        self._capturer, self._recordings = capturer, recordings
        self._unet: Any = predict.unet
        self._controls: Sequence[Any] = [guide.net for guide in predict.guides]
        self._tensors = [StepTensors(net) for net in (self._unet, *self._controls)]
        device = self._tensors[0].rows.device
        scales = [guide.scales for guide in predict.guides]
        self._strengths = [torch.tensor(row, dtype=torch.float32, device=device) for row in scales]
        # By the open ControlNets, and whether the solver is in it: looked up once a run, as the
        # weights are leased until its end and cannot move meanwhile.
        self._run: dict[tuple[object, ...], Recording] = {}
        self._failed = False

    def __call__(self, latents: Tensor, index: int) -> Tensor:
        """(B, C, h, w) float32 latents, scaled, to a prediction of the same shape and type."""
        predicted = self._repeated(latents, index, ())
        return self._eager(latents, index) if predicted is None else predicted

    def step(self, solver: TableSolver, latents: Tensor, index: int) -> Tensor:
        """Take a whole step: latents, not scaled yet, to those after it."""
        both = self._repeated(latents, index, solver.inputs(index))
        if both is None:
            return step(self._eager, solver, latents, index)
        following: Tensor
        following, predicted = both  # [2, B, C, h, w]
        solver.remember(latents, predicted)
        return following

    def _repeated(self, latents: Tensor, index: int, solving: Sequence[Tensor]) -> Tensor | None:
        """The result of a recording, made if there is none; None where that cannot be."""
        if self._failed:
            return None
        active = tuple(at for at, g in enumerate(self._eager.guides) if g.scales[index])
        fresh, steady = self._inputs(latents, index, active, solving)
        inputs = [*fresh, *steady]
        try:
            with torch.no_grad():
                return self._recording(active, bool(solving), inputs, len(fresh))(inputs)
        # Running out of memory is one too; eager work needs less.
        except RuntimeError as error:
            logging.getLogger(__name__).warning("not recorded, but computed as usual: %s", error)
        self._failed = True
        self._run.clear()
        return None

    def _recording(
        self, active: tuple[int, ...], solves: bool, inputs: Sequence[Tensor], fresh: int
    ) -> Recording:
        """The recording for these ControlNets, found or made."""
        key = active, solves
        if key not in self._run:
            nets = [self._nets[0], *(self._nets[1 + at] for at in active)]
            weights = [weight for net in nets for weight in net.parameters()]
            work = partial(self._work, active, solves)
            make = partial(Recording, self._capturer, work, inputs, fresh)
            kind = solves, self._kind(inputs, active)
            self._run[key] = self._recordings.find(kind, weights, make)
        return self._run[key]

    def _kind(self, inputs: Sequence[Tensor], active: Sequence[int]) -> Hashable:
        """All that a recording takes for granted, but the weights."""
        predict = self._eager
        shapes = tuple((tensor.shape, tensor.stride(), tensor.dtype) for tensor in inputs)
        pools = tuple(predict.guides[at].pool for at in active)
        parts = predict.scale is not None, predict.inpaint_channels is not None
        return shapes, pools, parts, predict.guess, predict.dtype

    def _inputs(
        self, latents: Tensor, index: int, active: Sequence[int], solving: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The inputs that every step changes, and those that none does."""
        predict = self._eager
        tensors = [self._tensors[0], *(self._tensors[1 + at] for at in active)]
        fresh = [latents, *solving, *(net.rows[index] for net in tensors)]
        fresh += [self._strengths[at][index] for at in active]
        optional = (predict.scale, predict.inpaint_channels)
        steady = [tensor for tensor in optional if tensor is not None]
        hints = [self._controls[at].hint for at in active]
        return fresh, [*steady, *hints, *(tensor for net in tensors for tensor in net.prompts)]

    def _work(self, active: Sequence[int], solves: bool, inputs: Sequence[Tensor]) -> Tensor:
        """Predict from ``inputs`` alone, in the order of ``_inputs``.

        Returns:
            The prediction; where the solver's part is recorded too, after the latents that follow.
        """
        take = iter(inputs)
        latents = next(take)
        if not solves:
            return self._predicted(active, latents, take)
        factor, weights, before = (next(take) for _ in range(3))
        predicted = self._predicted(active, latents * factor, take)
        # One tensor, so that one copy takes both out: [2, B, C, h, w].
        return torch.stack([weighted_sum(weights, latents, predicted, before), predicted])

    def _predicted(self, active: Sequence[int], sample: Tensor, take: Iterator[Tensor]) -> Tensor:
        predict = self._eager
        tensors = [self._tensors[0], *(self._tensors[1 + at] for at in active)]
        rows = [next(take) for _ in tensors]
        strengths = [next(take) for _ in active]
        scale = None if predict.scale is None else next(take)
        inpaint_channels = None if predict.inpaint_channels is None else next(take)
        hints = [next(take) for _ in active]
        steps = [net.step(row, take) for net, row in zip(tensors, rows, strict=True)]
        controlnets = [
            partial(self._residuals, at, control_step, hint, strength)
            for at, control_step, hint, strength in zip(
                active, steps[1:], hints, strengths, strict=True
            )
        ]
        static = replace(predict, scale=scale, inpaint_channels=inpaint_channels)
        return static.predict_step(sample, partial(self._unet.at, steps[0]), controlnets)

    def _residuals(
        self, at: int, step: Step, hint: Tensor, strength: Tensor, sample: Tensor
    ) -> Residuals:
        added: Residuals = self._controls[at].at(step, hint, sample)
        pool = self._eager.guides[at].pool
        uniform = pool or not self._eager.guess
        weights = strength.expand(len(added)) if uniform else weights_of(added) * strength
        # In float32: a half-precision tensor would have a strength of its own type rounded first,
        # where eager work multiplies by a Python number.
        added = [(a.float() * w).to(a.dtype) for a, w in zip(added, weights, strict=True)]
        return [a.mean(dim=(2, 3), keepdim=True) for a in added] if pool else added


class StepTensors:
    """A network's steps as tensors: a row for each step, and the prompts, which all share.

    Attributes:
        rows: (T, sum of the resnets' channels): all shifts of a step in one row, one copy a step.
        prompts: Keys and values of each transformer block in turn.
    """

    def __init__(self, net: Any) -> None:
        steps: Sequence[Step] = net.steps
        rows = [torch.cat([shift.flatten() for shift in step.shifts]) for step in steps]
        self.rows = torch.stack(rows)
        self._widths = [shift.numel() for shift in steps[0].shifts]
        self.prompts = [tensor for pair in steps[0].prompts for tensor in pair]

    def step(self, row: Tensor, take: Iterator[Tensor]) -> Step:
        """The step of a row, with its prompts from the next tensors of ``take``."""
        # [1, C, 1, 1] each, views of the row.
        shifts = [part.view(1, -1, 1, 1) for part in torch.split_with_sizes(row, self._widths)]
        pairs = range(len(self.prompts) // 2)
        return Step(shifts, [(next(take), next(take)) for _ in pairs])
