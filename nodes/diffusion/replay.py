"""Steps that are recorded, one for each set of ControlNets that count, and repeated."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from nodegraph.node import Context

from ..networks.blocks import Step
from ..networks.unet import ControlNet, Residuals, UNet
from .cuda_graphs import Capturer, CudaGraphs, Recording, Recordings
from .loop import Solver, Take, step
from .predict import Predictor, weights_of
from .solvers import Summing, summed

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from nodegraph.node import Context

Predicts: TypeAlias = "Callable[[Tensor, int], Tensor]"


@dataclass(frozen=True, slots=True)
class Graphs:
    """A reference to a device's graphs, which share their memory: the pool lends it as weights."""

    device: str

    @property
    def key(self) -> str:
        return f"graphs {self.device}"

    def load(self, device: str, dtype: str) -> Capturer:  # noqa: ARG002 (as all)
        """What records."""
        return CudaGraphs(device)


def recorded(
    predict: Predictor, nets: Sequence[Module], context: Context, leases: ExitStack
) -> Predicts:
    """Predict as ``predict`` does, on a GPU by repeating what was recorded.

    Args:
        nets: The UNet, and the ControlNet of each guide.
        leases: Until they close, what is recorded stays.
    """
    if not context.device.startswith("cuda") or not recordable(predict, nets):
        return predict
    graphs = leases.enter_context(context.lease(Graphs(context.device)))
    return Recorded(predict, nets, graphs, Recordings(context, leases))


def taking(predict: Predicts, solver: Solver) -> Take:
    """How a step is taken: where both can be recorded, as one."""
    if isinstance(predict, Recorded) and isinstance(solver, Summing):
        return partial(predict.step, solver)
    return partial(step, predict, solver)


def recordable(predict: Predictor, nets: Sequence[Module]) -> bool:
    """Whether all networks are computed our way, with weights that stay on one device.

    Hooks, which offload say, run on the host: a recording would leave them out.
    """
    ours = isinstance(predict.unet, UNet) and all(
        isinstance(guide.net, ControlNet) for guide in predict.guides
    )
    return ours and len({one.device for net in nets for one in net.parameters()}) == 1


class Recorded:
    """A Predictor by recordings, which take in what a Summing solver does too.

    Nothing that changes from step to step or from run to run is in a recording: it is read from
    where it was put before the repetition. Only other shapes and other networks are recorded anew.
    """

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
        self._told = [_Told(one) for one in (self._unet, *self._controls)]
        device = self._told[0].rows.device
        scales = [guide.scales for guide in predict.guides]
        self._strengths = [torch.tensor(one, dtype=torch.float32, device=device) for one in scales]
        self._found: dict[tuple[object, ...], Recording] = {}
        self._failed = False

    def __call__(self, latents: Tensor, index: int) -> Tensor:
        """(B, C, h, w) float32 latents, scaled, to a prediction of the same shape and type."""
        found = self._repeated(latents, index, ())
        return self._eager(latents, index) if found is None else found

    def step(self, solver: Summing, latents: Tensor, index: int) -> Tensor:
        """Take a whole step: latents, not scaled yet, to those after it."""
        found = self._repeated(latents, index, solver.given(index))
        if found is None:
            return step(self._eager, solver, latents, index)
        following: Tensor
        following, predicted = found
        solver.note(latents, predicted)
        return following

    def _repeated(self, latents: Tensor, index: int, solving: Sequence[Tensor]) -> Tensor | None:
        """What a recording gives, made if there is none; None where that cannot be."""
        if self._failed:
            return None
        counting = tuple(at for at, g in enumerate(self._eager.guides) if g.scales[index])
        fresh, steady = self._inputs(latents, index, counting, solving)
        inputs = [*fresh, *steady]
        try:
            with torch.no_grad():
                return self._recording(counting, bool(solving), inputs, len(fresh))(inputs)
        except RuntimeError as error:
            logging.getLogger(__name__).warning("not recorded, but computed as usual: %s", error)
        self._failed = True
        self._found.clear()
        return None

    def _recording(
        self, counting: tuple[int, ...], solves: bool, inputs: Sequence[Tensor], fresh: int
    ) -> Recording:
        """The recording for these ControlNets; weights are looked at once a run: they are lent."""
        asked = counting, solves
        if asked not in self._found:
            used = [self._nets[0], *(self._nets[1 + at] for at in counting)]
            weights = [one for net in used for one in net.parameters()]
            work = partial(self._work, *asked)
            make = partial(Recording, self._capturer, work, inputs, fresh)
            how = solves, self._how(inputs, counting)
            self._found[asked] = self._recordings.find(how, weights, make)
        return self._found[asked]

    def _how(self, inputs: Sequence[Tensor], counting: Sequence[int]) -> Hashable:
        """All that a recording takes for granted, but the weights."""
        predict = self._eager
        shapes = tuple((one.shape, one.stride(), one.dtype) for one in inputs)
        pools = tuple(predict.guides[at].pool for at in counting)
        given = predict.scale is not None, predict.shown is not None
        return shapes, pools, given, predict.guess, predict.dtype

    def _inputs(
        self, latents: Tensor, index: int, counting: Sequence[int], solving: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """What is read: what every step changes, and what none does."""
        predict = self._eager
        told = [self._told[0], *(self._told[1 + at] for at in counting)]
        fresh = [latents, *solving, *(one.rows[index] for one in told)]
        fresh += [self._strengths[at][index] for at in counting]
        steady = [one for one in (predict.scale, predict.shown) if one is not None]
        hints = [self._controls[at].hint for at in counting]
        return fresh, [*steady, *hints, *(tensor for one in told for tensor in one.prompts)]

    def _work(self, counting: Sequence[int], solves: bool, inputs: Sequence[Tensor]) -> Tensor:
        """Predict from ``inputs`` alone, in the order of ``_inputs``.

        Returns:
            The prediction; where the solver's part is recorded too, after the latents that follow.
        """
        take = iter(inputs)
        latents = next(take)
        if not solves:
            return self._predicted(counting, latents, take)
        factor, weights, before = (next(take) for _ in range(3))
        predicted = self._predicted(counting, latents * factor, take)
        return torch.stack([summed(weights, latents, predicted, before), predicted])

    def _predicted(self, counting: Sequence[int], sample: Tensor, take: Iterator[Tensor]) -> Tensor:
        predict = self._eager
        told = [self._told[0], *(self._told[1 + at] for at in counting)]
        rows = [next(take) for _ in told]
        strengths = [next(take) for _ in counting]
        scale = None if predict.scale is None else next(take)
        shown = None if predict.shown is None else next(take)
        hints = [next(take) for _ in counting]
        mine, *others = (one.step(row, take) for one, row in zip(told, rows, strict=True))
        adding = [
            partial(self._adds, at, one, hint, strength)
            for at, one, hint, strength in zip(counting, others, hints, strengths, strict=True)
        ]
        static = replace(predict, scale=scale, shown=shown)
        return static.drawn(sample, partial(self._unet.at, mine), adding)

    def _adds(
        self, at: int, step: Step, hint: Tensor, strength: Tensor, sample: Tensor
    ) -> Residuals:
        added: Residuals = self._controls[at].at(step, hint, sample)
        pool = self._eager.guides[at].pool
        alike = pool or not self._eager.guess
        weights = strength.expand(len(added)) if alike else weights_of(added) * strength
        # In float32: a half-precision tensor would have a strength of its own type rounded first.
        added = [(a.float() * w).to(a.dtype) for a, w in zip(added, weights, strict=True)]
        return [a.mean(dim=(2, 3), keepdim=True) for a in added] if pool else added


class _Told:
    """What a network is told, as tensors: a row for each step, and what holds for all of them."""

    def __init__(self, net: Any) -> None:
        steps: Sequence[Step] = net.steps
        self.rows = torch.stack([torch.cat([s.flatten() for s in one.shifts]) for one in steps])
        self._widths = [shift.numel() for shift in steps[0].shifts]
        self.prompts = [one for pair in steps[0].prompts for one in pair]

    def step(self, row: Tensor, take: Iterator[Tensor]) -> Step:
        """What it is told, of a row and the next tensors of ``take``."""
        shifts = [one.view(1, -1, 1, 1) for one in torch.split_with_sizes(row, self._widths)]
        pairs = range(len(self.prompts) // 2)
        return Step(shifts, [(next(take), next(take)) for _ in pairs])
