"""Schedulers as tables: they do what diffusers' steps do, where a table can."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nodes._schedulers import SCHEDULERS, Scheduler, SchedulerName
from nodes.models import LoadBaseModel

from .weights import Bench

DRAWING: list[SchedulerName] = [
    "DDPM",
    "Euler ancestral",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Karras",
    "DPM2 ancestral",
    "DPM2 ancestral Karras",
    "SA-Solver",
    "LCM",
]


@pytest.fixture(scope="module")
def config() -> str:
    return LoadBaseModel(model="tiny").run(Bench()).model.scheduler


def predict(latents: Any, index: int) -> Any:
    """As a model predicts: bounded, different at every step, and no sum."""
    return (latents * (1 + index % 3)).sin() + 0.1 * latents


@pytest.mark.parametrize("skipped", [None, 3])
@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name not in DRAWING])
def test_a_table_takes_the_steps_of_its_scheduler(
    name: SchedulerName, skipped: int | None, config: str
) -> None:
    import torch

    from nodes import _loop, _solver

    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    scheduler = Scheduler(name, config, 8, "cpu", skipped)
    start = scheduler.start(noise)
    table = _solver.table(name, config, 8, skipped)
    assert table is not None

    ours = list(_solver.denoise(predict, table, start))

    theirs = list(_loop.denoise(predict, scheduler, start, _loop.generators_of([0, 1])))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("name", DRAWING)
def test_a_scheduler_that_draws_noise_has_no_table(name: SchedulerName, config: str) -> None:
    from nodes import _solver

    assert _solver.table(name, config, 8, None) is None


@pytest.mark.parametrize("changes", [{"clip_sample": True}, {"thresholding": True}], ids=str)
def test_a_scheduler_that_clips_has_no_table(changes: dict[str, bool], config: str) -> None:
    from nodes import _solver

    clipping = json.dumps({**json.loads(config), **changes})

    assert _solver.table("DDIM", clipping, 8, None) is None


def test_velocities_have_a_table_too(config: str) -> None:
    import torch

    from nodes import _loop, _solver

    config = json.dumps({**json.loads(config), "prediction_type": "v_prediction"})
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    table = _solver.table("UniPC", config, 6, None)
    assert table is not None

    (*_, ours) = _solver.denoise(predict, table, noise)

    scheduler = Scheduler("UniPC", config, 6, "cpu")
    (*_, theirs) = _loop.denoise(predict, scheduler, noise, _loop.generators_of([0]))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=3e-5)
