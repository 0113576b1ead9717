"""Predictions that are recorded, one for each set of ControlNets that count, and repeated."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from nodegraph.node import Context

from ._blocks import Step
from ._capture import Capturer, CudaGraphs, Recording, Recordings
from ._predict import Predictor, weights_of
from ._unet import ControlNet, Residuals, UNet

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Predicts: TypeAlias = "Callable[[Tensor, int], Tensor]"


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
    return Recorded(predict, nets, _graphs(context.device), Recordings(context, leases))


def recordable(predict: Predictor, nets: Sequence[Module]) -> bool:
    """Whether all networks are computed our way, with weights that stay on one device.

    Hooks, which offload say, run on the host: a recording would leave them out.
    """
    ours = isinstance(predict.unet, UNet) and all(
        isinstance(guide.net, ControlNet) for guide in predict.guides
    )
    return ours and len({one.device for net in nets for one in net.parameters()}) == 1


@cache
def _graphs(device: str) -> Capturer:
    """A device's own: the memory of its graphs."""
    return CudaGraphs(device)


class Recorded:
    """A Predictor by recordings.

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
        self._found: dict[tuple[int, ...], Recording] = {}
        self._failed = False

    def __call__(self, latents: Tensor, index: int) -> Tensor:
        """(B, C, h, w) float32 latents, scaled, to a prediction of the same shape and type."""
        if self._failed:
            return self._eager(latents, index)
        counting = tuple(at for at, g in enumerate(self._eager.guides) if g.scales[index])
        fresh, steady = self._inputs(latents, index, counting)
        try:
            with torch.no_grad():
                return self._recording(counting, [*fresh, *steady], len(fresh))([*fresh, *steady])
        except RuntimeError as error:
            logging.getLogger(__name__).warning("not recorded, but computed as usual: %s", error)
        self._failed = True
        self._found.clear()
        return self._eager(latents, index)

    def _recording(
        self, counting: tuple[int, ...], inputs: Sequence[Tensor], fresh: int
    ) -> Recording:
        """The recording for these ControlNets; weights are looked at once a run: they are lent."""
        if counting not in self._found:
            used = [self._nets[0], *(self._nets[1 + at] for at in counting)]
            weights = [one for net in used for one in net.parameters()]
            work = partial(self._work, counting)
            make = partial(Recording, self._capturer, work, inputs, fresh)
            how = self._how(inputs, counting)
            self._found[counting] = self._recordings.find(how, weights, make)
        return self._found[counting]

    def _how(self, inputs: Sequence[Tensor], counting: Sequence[int]) -> Hashable:
        """All that a recording takes for granted, but the weights."""
        predict = self._eager
        shapes = tuple((one.shape, one.stride(), one.dtype) for one in inputs)
        pools = tuple(predict.guides[at].pool for at in counting)
        given = predict.scale is not None, predict.shown is not None
        return shapes, pools, given, predict.guess, predict.dtype

    def _inputs(
        self, latents: Tensor, index: int, counting: Sequence[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """What is read: what every step changes, and what none does."""
        predict = self._eager
        told = [self._told[0], *(self._told[1 + at] for at in counting)]
        fresh = [latents, *(one.rows[index] for one in told)]
        fresh += [self._strengths[at][index] for at in counting]
        steady = [one for one in (predict.scale, predict.shown) if one is not None]
        hints = [self._controls[at].hint for at in counting]
        return fresh, [*steady, *hints, *(tensor for one in told for tensor in one.prompts)]

    def _work(self, counting: Sequence[int], inputs: Sequence[Tensor]) -> Tensor:
        """Predict from ``inputs`` alone, in the order of ``_inputs``."""
        predict, take = self._eager, iter(inputs)
        told = [self._told[0], *(self._told[1 + at] for at in counting)]
        latents, rows = next(take), [next(take) for _ in told]
        strengths = [next(take) for _ in counting]
        scale = None if predict.scale is None else next(take)
        shown = None if predict.shown is None else next(take)
        hints = [next(take) for _ in counting]
        step, *steps = (one.step(row, take) for one, row in zip(told, rows, strict=True))
        adding = [
            partial(self._adds, at, one, hint, strength)
            for at, one, hint, strength in zip(counting, steps, hints, strengths, strict=True)
        ]
        static = replace(predict, scale=scale, shown=shown)
        return static.drawn(latents, partial(self._unet.at, step), adding)

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
