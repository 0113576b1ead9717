"""Deterministic schedulers as tables: a step is one sum of the last latents and predictions.

With latents x and predictions e, step i of a linear multistep method is

    x[i+1] = a[0] x[i] + a[1] x[i-1] + ... + b[0] e[i] + b[1] e[i-1] + ...

where the weights follow from the noise levels alone, so that no run need compute them again:

- DDIM (arXiv 2010.02502, eq. 12 without noise) has a[0] and b[0] alone, from two noise levels.
- LMS: a[0] = 1, and b[j] is the integral over the step in sigma of the Lagrange polynomial that is
  1 at the sigma of e[i-j] and 0 at those of the others (Adams-Bashforth on uneven steps).
- DEIS (arXiv 2204.13902) integrates such polynomials too, weighed by the exact solution of the
  linear part of the equation, which is a[0].
- UniPC (arXiv 2302.04867) corrects x[i] by e[i] before it predicts x[i+1], both in differences of
  predictions: so its sums reach back to latents before x[i] as well.

The weights are read off diffusers' own steps instead of these formulas: their orders at the first
and last steps, their thresholds and rescalings are then what they are there.
"""

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
"""Schedulers whose table lies closer to their float64 steps than their own float32 ones.

Euler and DPM++ 2M compute in float32 whatever the type of their inputs, so their weights can be
read off no better; PNDM looks back too far, the others draw noise. They ask little of the host, or
nothing.
"""
PROBES = 8
"""Numbers that are denoised beside the table, and must come out as the table has it."""
REACH = 5
"""A step looks back at most this far, at latents and at predictions."""
CLOSE = 3e-7
"""Rounding, as a share of a row: some schedulers compute in float32 whatever their inputs."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums(Wire):
    """A scheduler's T steps as sums.

    Attributes:
        scales: Factors of the latents that the model is given.
        weights: (T, 2, W) float64: the weights of latents, and of predictions; newest first.
    """

    scales: tuple[float, ...]
    weights: Tensor


class Table(Memo):
    """A scheduler's steps as sums; None where they are none: where it draws noise or clips."""

    version = 2
    packages = MODELS
    sums: Sums | None


def tabled(name: SchedulerName, device: str) -> bool:
    """Whether a scheduler is run by its table.

    On a CPU, reading one off takes as long as it saves in a run; others may know no float64.
    """
    return name in TABLED and device.startswith("cuda")


def table(name: SchedulerName, config: str, steps: int, skipped: int | None) -> Table:
    """Read a scheduler's table off its own steps.

    It denoises the columns of a unit matrix: the first latents are 1 in row 0 alone, the prediction
    of step i is 1 in row i + 1 alone. A row after a step is then the weight of that row's 1 in the
    latents. Random rows below check that the steps are linear at all.
    """
    import torch

    scheduler = Scheduler(name, config, steps, "cpu", skipped)
    count = len(scheduler.timesteps)
    dice = torch.Generator().manual_seed(0)
    probes = 10 * torch.randn(PROBES, count + 1, dtype=torch.float64, generator=dice)
    columns = torch.cat([torch.eye(count + 1, dtype=torch.float64), probes])
    latents = _column(columns, 0)  # [T + 1 + PROBES, 1, 1, 1]
    scales, rows = [], [latents.flatten()]
    for i, timestep in enumerate(scheduler.timesteps):
        scales.append(float(scheduler.scale(torch.ones(1, dtype=torch.float64), timestep)))
        generators = [torch.Generator().manual_seed(i)] * len(columns)
        latents = scheduler.step(_column(columns, i + 1), timestep, latents, generators)
        rows.append(latents.flatten().double())
    results = torch.stack(rows)  # [T + 1, T + 1 + PROBES]
    whole = results[:, : count + 1]
    # Linear steps make of a random row the sum of what they make of each 1, times its numbers.
    linear = torch.allclose(probes @ whole.T, results[:, count + 1 :].T, rtol=1e-5, atol=1e-5)
    weights = _all_weights(whole) if linear else None
    return Table(sums=None if weights is None else Sums(tuple(scales), weights))


def _column(columns: Tensor, at: int) -> Tensor:
    """One column as a batch of pictures of one number."""
    return columns[:, at].reshape(-1, 1, 1, 1)


def _all_weights(whole: Tensor) -> Tensor | None:
    """Every step as a sum, (T, 2, W); None where a step looks back too far.

    Args:
        whole: (T + 1, T + 1): how much of the first latents and of each prediction is in the
            latents before each step, and after the last.
    """
    import torch
    from torch.nn.functional import pad

    steps = [_weights(whole, step) for step in range(len(whole) - 1)]
    sums = [weights for weights in steps if weights is not None]
    if len(sums) < len(steps):
        return None
    reach = max(weights.shape[1] for weights in sums)
    # The first steps look back less: zeros for what was before the run.
    return torch.stack([pad(weights, (0, reach - weights.shape[1])) for weights in sums])


def _weights(whole: Tensor, step: int) -> Tensor | None:
    """The latents after a step as a sum that looks back as little as can be: (2, W).

    Solves target = w @ basis for w = (a[0..W-1], b[0..W-1]), the weights of the module's formula,
    with all latents written in terms of the first ones and of every prediction. Where the rows of
    the basis depend on each other there are many such w: the shortest one (gelsd) rounds least.
    """
    import torch

    target, unit = whole[step + 1], torch.eye(len(whole), dtype=whole.dtype)
    for reach in range(1, min(REACH, step + 1) + 1):
        # The latents before the step, and before them; the prediction at the step, and before it.
        places = [step - back for back in range(reach)]
        # [2 W, T + 1]
        basis = torch.stack([*(whole[at] for at in places), *(unit[at + 1] for at in places)])
        solved = torch.linalg.lstsq(basis.T, target[:, None], driver="gelsd")
        weights: Tensor = solved.solution[:, 0]  # [2 W]
        if (weights @ basis - target).norm() <= CLOSE * target.norm():
            return weights.view(2, reach)
    return None
