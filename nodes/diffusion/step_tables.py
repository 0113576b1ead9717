"""Deterministic schedulers as tables: a step is one sum of the last latents and predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodegraph.node import Memo, Wire

from .._packages import MODELS
from .schedulers import Scheduler, SchedulerName

if TYPE_CHECKING:
    from torch import Tensor

TABLED: frozenset[SchedulerName] = frozenset({
    "UniPC", "UniPC Karras", "DDIM", "LMS", "LMS Karras", "DEIS",
})  # fmt: skip
"""Those whose table lies closer to their float64 steps than their own float32 ones.

Euler and DPM++ 2M compute in float32 whatever they are given, so theirs can be read off no better;
PNDM looks back too far, the others draw noise. They ask little of the host, or nothing.
"""
PROBES = 8
"""Numbers that are denoised beside the table, and must come out as the table has it."""
REACH = 5
"""A step looks back at most this far, at latents and at predictions."""
CLOSE = 3e-7
"""What rounding is of a row: some schedulers compute in float32 whatever they are given."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums(Wire):
    """What a scheduler does at each of T steps.

    Attributes:
        scales: What latents are multiplied by before they are shown to the model.
        weights: (T, 2, W) float64: how much of the latents before the step and of those before
            them, and of the last predictions, is in the latents after it; newest first.
    """

    scales: tuple[float, ...]
    weights: Tensor


class Table(Memo):
    """A scheduler's steps as sums; None where they are none: where it draws noise or clips."""

    packages = MODELS
    sums: Sums | None


def tabled(name: SchedulerName, device: str) -> bool:
    """Whether a scheduler is run by its table.

    On a CPU, reading one off takes as long as it saves in a run; others may know no float64.
    """
    return name in TABLED and device.startswith("cuda")


def table(name: SchedulerName, config: str, steps: int, skipped: int | None) -> Table:
    """Read a scheduler's table off its own steps.

    The latents are a 1 and the predictions a 1 each, in places of their own, so that every place
    tells how much of one of them there is after each step.
    """
    import torch

    scheduler = Scheduler(name, config, steps, "cpu", skipped)
    count = len(scheduler.timesteps)
    dice = torch.Generator().manual_seed(0)
    probes = 10 * torch.randn(PROBES, count + 1, dtype=torch.float64, generator=dice)
    given = torch.cat([torch.eye(count + 1, dtype=torch.float64), probes])
    latents = _column(given, 0)
    scales, rows = [], [latents.flatten()]
    for i, timestep in enumerate(scheduler.timesteps):
        scales.append(float(scheduler.scale(torch.ones(1, dtype=torch.float64), timestep)))
        generators = [torch.Generator().manual_seed(i)] * len(given)
        latents = scheduler.step(_column(given, i + 1), timestep, latents, generators)
        rows.append(latents.flatten().double())
    found = torch.stack(rows)
    whole = found[:, : count + 1]
    linear = torch.allclose(probes @ whole.T, found[:, count + 1 :].T, rtol=1e-5, atol=1e-5)
    weights = _all_weights(whole) if linear else None
    return Table(sums=None if weights is None else Sums(tuple(scales), weights))


def _column(given: Tensor, at: int) -> Tensor:
    """One column as a batch of pictures of one number."""
    return given[:, at].reshape(-1, 1, 1, 1)


def _all_weights(whole: Tensor) -> Tensor | None:
    """Every step as a sum, (T, 2, W); None where one looks back too far.

    Args:
        whole: (T + 1, T + 1): how much of the first latents and of each prediction is in the
            latents before each step, and after the last.
    """
    import torch
    from torch.nn.functional import pad

    found = [_weights(whole, step) for step in range(len(whole) - 1)]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    reach = max(one.shape[1] for one in known)
    return torch.stack([pad(one, (0, reach - one.shape[1])) for one in known])


def _weights(whole: Tensor, step: int) -> Tensor | None:
    """The latents after a step as a sum that looks back as little as can be: (2, W).

    Of all such sums it is the one with the smallest weights: it rounds least.
    """
    import torch

    wanted, unit = whole[step + 1], torch.eye(len(whole), dtype=whole.dtype)
    for reach in range(1, min(REACH, step + 1) + 1):
        # The latents before the step, and before them; the prediction at the step, and before it.
        places = [step - back for back in range(reach)]
        basis = torch.stack([*(whole[at] for at in places), *(unit[at + 1] for at in places)])
        found: Tensor = torch.linalg.lstsq(basis.T, wanted[:, None], driver="gelsd").solution[:, 0]
        if (found @ basis - wanted).norm() <= CLOSE * wanted.norm():
            return found.view(2, reach)
    return None
