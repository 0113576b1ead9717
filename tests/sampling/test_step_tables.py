"""Schedulers as tables: they do what diffusers' steps do, and round less."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from nodegraph.cache import Cache
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.settings import Settings
from nodes.diffusion.loop import Solver
from nodes.diffusion.schedulers import SCHEDULERS, Scheduler, SchedulerName
from nodes.diffusion.solvers import SchedulerSolver, TableSolver
from nodes.diffusion.step_tables import TABLED, table, tabled

from ..support.weights import TINY
from . import test_resume
from .test_sampling_oracle import Models, Setting, assert_same, ours, theirs

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = (TINY / "base" / "scheduler" / "scheduler_config.json").read_text()
DRAWING: list[SchedulerName] = [
    "DDPM", "Euler ancestral", "DPM++ 2M SDE", "DPM++ 2M SDE Karras", "DPM2 ancestral",
    "DPM2 ancestral Karras", "SA-Solver", "LCM",
]  # fmt: skip


def predicting(dtype: Any) -> Callable[[Any, int], Any]:
    """As a model predicts: it mixes what lies side by side, and is no sum."""
    import torch

    weights = torch.randn(8, 8, 3, 3, generator=torch.Generator().manual_seed(3)).to(dtype)

    def predict(latents: Any, index: int) -> Any:  # noqa: ARG001 (called as a model is)
        mixed = torch.nn.functional.conv2d(latents.tanh(), weights, padding=1)
        return 0.1 * mixed + 0.6 * latents / (latents.std() + 1e-6)

    return predict


def noise(seed: int) -> Any:
    import torch

    return torch.randn(2, 8, 16, 16, generator=torch.Generator().manual_seed(seed))


def stepping(name: SchedulerName, config: str, steps: int, skipped: int | None) -> Solver:
    from nodes.diffusion.loop import generators_of

    return SchedulerSolver(Scheduler(name, config, steps, "cpu", skipped), generators_of([0, 1]))


def summing(
    name: SchedulerName, config: str, steps: int, skipped: int | None, start: Any
) -> Solver:
    sums = table(name, config, steps, skipped).sums
    assert sums is not None
    return TableSolver(sums, start)


def run(solver: Solver, start: Any) -> list[Any]:
    from nodes.diffusion.loop import denoise, step

    return list(denoise(partial(step, predicting(start.dtype), solver), solver.count, start))


@pytest.mark.parametrize("skipped", [None, 3])
@pytest.mark.parametrize("name", sorted(TABLED))
def test_a_table_takes_the_steps_of_its_scheduler(name: SchedulerName, skipped: int | None) -> None:
    import torch

    asked = name, CONFIG, 8, skipped
    start = Scheduler(*asked[:3], "cpu", skipped).start(noise(0))

    found, expected = run(summing(*asked, start), start), run(stepping(*asked), start)

    assert len(found) == len(expected) == 8 - (skipped or 0)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [8, 20])
@pytest.mark.parametrize("name", sorted(TABLED))
def test_a_table_rounds_less_than_its_scheduler(name: SchedulerName, steps: int) -> None:
    asked = name, CONFIG, steps, None
    off = {"table": 0.0, "steps": 0.0}
    for seed in range(4):
        start = Scheduler(name, CONFIG, steps, "cpu").start(noise(seed))
        (*_, truth) = run(stepping(*asked), start.double())
        for kind, solver in (("table", summing(*asked, start)), ("steps", stepping(*asked))):
            off[kind] += float((run(solver, start)[-1].double() - truth).square().mean().sqrt())

    assert off["table"] < off["steps"]


@pytest.mark.parametrize("name", DRAWING)
def test_a_scheduler_that_draws_noise_has_no_table(name: SchedulerName) -> None:
    assert table(name, CONFIG, 8, None).sums is None


def test_a_scheduler_that_clips_has_no_table() -> None:
    config = json.dumps({**json.loads(CONFIG), "thresholding": True})

    assert table("DDIM", config, 8, None).sums is None


def test_velocities_have_a_table_too() -> None:
    import torch

    config = json.dumps({**json.loads(CONFIG), "prediction_type": "v_prediction"})
    start = noise(0)

    found = run(summing("UniPC", config, 6, None, start), start)

    expected = run(stepping("UniPC", config, 6, None), start)

    torch.testing.assert_close(found[-1], expected[-1], rtol=1e-5, atol=1e-5)


def test_tables_are_for_devices_that_would_wait_for_the_host() -> None:
    assert set(SCHEDULERS) >= TABLED
    assert tabled("UniPC", "cuda:0")
    assert not tabled("UniPC", "cpu")
    assert not tabled("PNDM", "cuda:0")


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Tables are used on the CPU too; notes every one that steps."""
    from nodes.diffusion import prepare

    used: list[object] = []

    class Noting(TableSolver):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            used.append(self)

    monkeypatch.setattr(prepare, "tabled", lambda name, _: name in TABLED)
    monkeypatch.setattr(prepare, "TableSolver", Noting)
    return used


@pytest.mark.usefixtures("rounded_once")
@pytest.mark.parametrize("scheduler", ["UniPC", "DDIM", "LMS"])
def test_pictures_by_tables_are_the_pipelines(
    scheduler: SchedulerName, asked_for: list[object]
) -> None:
    nets = TINY / "controlnet-canny", TINY / "controlnet-openpose"
    models, setting = Models(TINY / "base", nets), Setting(scheduler=scheduler, steps=8)

    # A table sums up otherwise than the scheduler that it was read off.
    assert_same(theirs(models, setting), ours(models, setting), atol=1e-4)
    assert len(asked_for) == 1


plain = test_resume.plain


@pytest.mark.parametrize("scheduler", sorted(TABLED))
def test_a_run_by_a_table_goes_on_to_the_same_bits(
    plain: Any, scheduler: SchedulerName, asked_for: list[object]
) -> None:
    node = plain.model_copy(update={"scheduler": scheduler})
    first, then = (test_resume.under(node, test_resume.control(end=end)) for end in (1.0, 0.5))

    test_resume.assert_resumed([first], [then], 3)
    assert len(asked_for) == 3


def test_a_table_is_read_once(
    plain: Any, asked_for: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    from nodes.diffusion import prepare

    read: list[object] = []

    def reading(*asked: Any) -> Any:
        read.append(asked)
        return table(*asked)

    monkeypatch.setattr(prepare, "table", reading)
    context = RunContext(Settings(), "cpu", Workflow(), Cache.in_memory())
    for seed in (1, 2):
        test_resume.ran([plain.model_copy(update={"seed": seed})], context)

    assert len(asked_for) == 2
    assert len(read) == 1
