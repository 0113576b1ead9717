"""Deterministic schedulers as tables: every step is one sum of what was predicted so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from ._schedulers import Scheduler, SchedulerName

PROBES = 8
"""Numbers that are denoised beside the table, and must come out as the table has it."""


class Table(NamedTuple):
    """What a scheduler does at each of T steps.

    Attributes:
        scales: What latents are multiplied with before they are shown to the model.
        sums: (T, T + 1) float64: how much of the latents it started from and of each prediction
            is in the latents after each step.
    """

    scales: list[float]
    sums: Tensor


@lru_cache(maxsize=64)
def table(name: SchedulerName, config: str, steps: int, skipped: int | None) -> Table | None:
    """The table of a scheduler; None where a step draws noise, clips, or is no sum otherwise.

    It is read off diffusers' own steps: the latents are a 1 and the predictions a 1 each, in
    places of their own, so that every place tells how much of one of them there is in the end.
    """
    scheduler = Scheduler(name, config, steps, "cpu", skipped)
    count = len(scheduler.timesteps)
    dice = torch.Generator().manual_seed(0)
    probes = 10 * torch.randn(PROBES, count + 1, dtype=torch.float64, generator=dice)
    given = torch.cat([torch.eye(count + 1, dtype=torch.float64), probes])
    latents, scales, rows = _column(given, 0), [], []
    for i, timestep in enumerate(scheduler.timesteps):
        scales.append(float(scheduler.scale(torch.ones(1, dtype=torch.float64), timestep)))
        generators = [torch.Generator().manual_seed(i)] * len(given)
        latents = scheduler.step(_column(given, i + 1), timestep, latents, generators)
        rows.append(latents.flatten())
    found = torch.stack(rows)
    sums = found[:, : count + 1]
    close = torch.allclose(probes @ sums.T, found[:, count + 1 :].T, rtol=1e-5, atol=1e-5)
    return Table(scales, sums) if close else None


def _column(given: Tensor, at: int) -> Tensor:
    """One column as a batch of pictures of one number."""
    return given[:, at].reshape(-1, 1, 1, 1)


def denoise(
    predict: Callable[[Tensor, int], Tensor], table: Table, latents: Tensor
) -> Iterator[Tensor]:
    """Remove noise step by step, yielding the latents after each step.

    Args:
        predict: Maps (scaled latents, step number) to the model's prediction, same shape.
        latents: (B, C, h, w) float32.
    """
    shape, sums = latents.shape, table.sums.to(latents.device, torch.float32)
    known = latents.new_empty((len(table.scales) + 1, latents.numel()))
    known[0] = latents.flatten()
    for i, scale in enumerate(table.scales):
        shown = latents if scale == 1.0 else latents * scale
        known[i + 1] = predict(shown, i).flatten()
        latents = (sums[i, : i + 2] @ known[: i + 2]).view(shape)
        yield latents
