"""Solvers, from one step's latents to the next: a scheduler's own steps, or sums by its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from .resume import State
    from .schedulers import Scheduler
    from .start import Unmasked
    from .step_tables import Sums


class SchedulerSolver:
    """A scheduler's own steps.

    Args:
        generators: One a picture, for schedulers that draw noise at every step.
        unmasked: The part of the pictures it started from that is put back after every step.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        generators: Sequence[Generator],
        unmasked: Unmasked | None = None,
    ) -> None:
        self._scheduler, self._generators, self._unmasked = scheduler, generators, unmasked
        self._times = list(scheduler.timesteps)

    @property
    def count(self) -> int:
        return len(self._times)

    def scale(self, latents: Tensor, index: int) -> Tensor:
        return self._scheduler.scale(latents, self._times[index])

    def step(self, predicted: Tensor, index: int, latents: Tensor) -> Tensor:
        scheduler = self._scheduler
        latents = scheduler.step(predicted, self._times[index], latents, self._generators)
        if self._unmasked is None:
            return latents
        following = scheduler.timesteps[index + 1 : index + 2]
        return self._unmasked.put_back(latents, scheduler, index, following)

    def state(self) -> State:
        return self._scheduler.state(self._generators)

    def restore(self, state: State) -> None:
        self._scheduler.restore(state, self._generators)


class TableSolver:
    """Every step as one sum of the last latents and predictions: no host, and no memory of its own.

    Args:
        latents: (B, C, h, w) float32, before the first step.
    """

    def __init__(self, sums: Sums, latents: Tensor) -> None:
        self._scales = sums.scales
        self._weights = sums.weights.to(latents.device)
        self._factors = latents.new_tensor(sums.scales)
        self._blank = latents.new_zeros(2, sums.weights.shape[-1] - 1, *latents.shape)
        self._latents: list[Tensor] = []
        self._predicted: list[Tensor] = []

    @property
    def count(self) -> int:
        return len(self._scales)

    def scale(self, latents: Tensor, index: int) -> Tensor:
        scale = self._scales[index]
        return latents if scale == 1.0 else latents * scale

    def step(self, predicted: Tensor, index: int, latents: Tensor) -> Tensor:
        _, weights, before = self.inputs(index)
        following = weighted_sum(weights, latents, predicted, before)
        self.remember(latents, predicted)
        return following

    def inputs(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """What a step reads beside latents and prediction, in tensors whose shapes never change.

        Returns:
            The scale of the latents, (); the weights, (2, W) float64; and the latents and the
            predictions of the steps before, (2, W - 1, B, C, h, w), newest first and then zeros.
        """
        # The first steps have less before them than the later ones: zeros stand for the rest, whose
        # weights are zeros too, so that one recorded graph serves all steps.
        before = self._blank.clone()  # [2, W - 1, B, C, h, w]
        for rows, earlier in zip(before, (self._latents, self._predicted), strict=True):
            for row, tensor in zip(rows, earlier, strict=False):
                row.copy_(tensor)
        return self._factors[index], self._weights[index], before

    def remember(self, latents: Tensor, predicted: Tensor) -> None:
        """Remember a step that was taken."""
        reach = self._weights.shape[-1]
        self._latents = [latents, *self._latents][:reach]
        self._predicted = [predicted, *self._predicted][:reach]

    def state(self) -> State:
        return {"latents": self._latents, "predicted": self._predicted}

    def restore(self, state: State) -> None:
        self._latents, self._predicted = state["latents"], state["predicted"]


def weighted_sum(weights: Tensor, latents: Tensor, predicted: Tensor, before: Tensor) -> Tensor:
    """The latents after a step, of what ``TableSolver.inputs`` gives for it.

    In float64: a weight that is rounded is off in the same way for every number, in every step.
    """
    import torch

    # [2 W, B · C · h · w], in the order of the flattened weights: W latents, then W predictions.
    rows = torch.cat([latents[None], before[0], predicted[None], before[1]]).flatten(1)
    return (weights.flatten() @ rows.double()).to(latents.dtype).view(latents.shape)
