"""Every scheduler is offered by a short name and runs."""

from __future__ import annotations

from typing import get_args

import pytest

from nodes.diffusion.schedulers import SCHEDULERS, Scheduler, SchedulerName

from ..support.weights import TINY

CONFIG = (TINY / "base" / "scheduler" / "scheduler_config.json").read_text()
LEFT_OUT = {
    "DPMSolverSDEScheduler",  # needs torchsde
    "EDMEulerScheduler",  # for models trained with other noise levels
}


def test_the_names_are_those_of_the_table() -> None:
    assert list(SCHEDULERS) == list(get_args(SchedulerName))


def test_every_scheduler_that_diffusers_calls_compatible_is_there() -> None:
    from diffusers.schedulers.scheduling_utils import KarrasDiffusionSchedulers

    ours = {kind for kind, _ in SCHEDULERS.values()}

    assert {one.name for one in KarrasDiffusionSchedulers} - ours == LEFT_OUT


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_takes_all_its_steps(name: SchedulerName) -> None:
    import torch

    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    scheduler = Scheduler(name, CONFIG, 6, "cpu")
    latents = scheduler.start(torch.randn(2, 8, 4, 4, generator=generators[0]))

    for timestep in scheduler.timesteps:
        predicted = scheduler.scale(latents, timestep) * 0.1
        latents = scheduler.step(predicted, timestep, latents, generators)

    assert latents.shape == (2, 8, 4, 4)
    assert torch.isfinite(latents).all()


def test_a_picture_keeps_its_own_noise_in_a_batch() -> None:
    import torch

    def run(seeds: list[int]) -> torch.Tensor:
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        scheduler = Scheduler("Euler ancestral", CONFIG, 3, "cpu")
        latents = torch.zeros(len(seeds), 8, 4, 4)
        for timestep in scheduler.timesteps:
            latents = scheduler.step(torch.zeros_like(latents), timestep, latents, generators)
        return latents

    torch.testing.assert_close(run([1, 2])[1:], run([2]))
