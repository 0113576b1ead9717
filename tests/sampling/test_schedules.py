"""Every scheduler, in 1 to 150 steps, from noise and from pictures, whole and in part.

By a toy in place of the networks, step by step beside diffusers' own scheduler as its pipelines run
it. The pipelines themselves, with networks, are in the tests of the oracles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nodegraph.errors import Fix, UserError
from nodes.diffusion.schedulers import SCHEDULERS, Scheduler, SchedulerName
from nodes.sampling import Denoise
from nodes.types import Latents, Mask

from ..support.pipelines import scheduler_of
from ..support.weights import TINY

pytestmark = pytest.mark.usefixtures("one_thread", "without_gradients")

TINY_CONFIG = json.loads((TINY / "base" / "scheduler" / "scheduler_config.json").read_text())
STABLE_DIFFUSION = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "clip_sample": False,
}
STEPS = (1, 2, 3, 5, 20, 50, 150)
DENOISE = (None, 0.0, 0.05, 0.3, 0.5, 1.0)  # None: from noise
SIZE = 32


def drawn(seed: int) -> Any:
    import torch

    return torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(seed))


def predicted(latents: Any) -> Any:
    """The prediction of a network that is none: of the right size, and no sum of its input."""
    return 0.6 * latents / (1 + latents.square().mean().sqrt()) + 0.1 * latents.flip(-1).tanh()


def half() -> Mask:
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[:, : SIZE // 2] = 255
    return Mask(pixels)


def ours(
    name: SchedulerName, config: dict[str, Any], steps: int, denoise: float | None, masked: bool
) -> Any:
    """The latents in the end; None where no step is run."""
    import torch

    from nodes.diffusion import loop
    from nodes.diffusion.solvers import SchedulerSolver
    from nodes.diffusion.start import start

    node = SimpleNamespace(steps=steps, denoise=1.0 if denoise is None else denoise)
    skipped = Denoise.skipped.fget(node)  # type: ignore[attr-defined]
    if skipped == steps:
        return None
    item: Any = SimpleNamespace(
        model=SimpleNamespace(inpaints=False, factor=8),
        latents=None if denoise is None else Latents(drawn(1)[0], "vae"),
        mask=half() if masked else None,
        size=(SIZE, SIZE),
        skipped=skipped,
    )
    scheduler = Scheduler(
        name, json.dumps(config), steps, "cpu", None if denoise is None else skipped
    )
    dice = [torch.Generator().manual_seed(7)]
    latents, unmasked, _ = start([item], scheduler, drawn(2))
    solver = SchedulerSolver(scheduler, dice, unmasked)
    predict: Callable[[Any, int], Any] = lambda latents, index: predicted(latents)  # noqa: E731, ARG005
    *_, last = loop.denoise(partial(loop.step, predict, solver), solver.count, latents)
    return last


def theirs(
    name: SchedulerName, config: dict[str, Any], steps: int, denoise: float | None, masked: bool
) -> Any:
    """The same by diffusers' scheduler, in the words of its pipelines."""
    import inspect

    import torch
    from diffusers import StableDiffusionInpaintPipeline

    kind, changes = SCHEDULERS[name]
    scheduler = scheduler_of(kind, config, **changes)
    scheduler.set_timesteps(steps, device="cpu")
    timesteps, noise, picture = scheduler.timesteps, drawn(2), drawn(1)
    if denoise is not None:
        stand_in: Any = SimpleNamespace(scheduler=scheduler)
        timesteps, _ = StableDiffusionInpaintPipeline.get_timesteps(stand_in, steps, denoise, "cpu")
    if denoise is None or (masked and denoise == 1):
        latents = noise * scheduler.init_noise_sigma
    else:
        latents = scheduler.add_noise(picture, noise, timesteps[:1])
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    extra = {}
    if "generator" in inspect.signature(scheduler.step).parameters:
        extra["generator"] = [torch.Generator().manual_seed(7)]
    for i, t in enumerate(timesteps):
        noise_pred = predicted(scheduler.scale_model_input(latents, t))
        latents = scheduler.step(noise_pred, t, latents, **extra, return_dict=False)[0]
        if masked:
            proper = picture
            if i < len(timesteps) - 1:
                proper = scheduler.add_noise(picture, noise, torch.tensor([timesteps[i + 1]]))
            latents = (1 - mask) * proper + mask * latents
    return latents


@pytest.fixture(scope="module")
def remembered() -> Iterator[None]:
    """Schedules and integrals are computed once, however often the table below asks for them."""
    import diffusers

    with pytest.MonkeyPatch.context() as patches:
        for kind in {kind for kind, _ in SCHEDULERS.values()}:
            scheduler = getattr(diffusers, kind)
            patches.setattr(scheduler, "set_timesteps", _remembering(scheduler.set_timesteps))
        lms = diffusers.LMSDiscreteScheduler
        integral, integrals = lms.get_lms_coefficient, dict[object, float]()

        def integrated(self: Any, *place: int) -> float:
            key = tuple(self.sigmas.tolist()), place
            if key not in integrals:
                integrals[key] = integral(self, *place)
            return integrals[key]

        patches.setattr(lms, "get_lms_coefficient", integrated)
        yield


def _remembering(set_timesteps: Callable[..., None]) -> Callable[..., None]:
    known: dict[str, dict[str, Any]] = {}

    def remembering(self: Any, steps: int, *more: Any, **named: Any) -> None:
        key = f"{sorted(self.config.items(), key=str)} {steps} {more}"
        if key not in known:
            set_timesteps(self, steps, *more, **named)
            known[key] = deepcopy(vars(self))
        vars(self).update(deepcopy(known[key]))

    return remembering


def table(counts: Sequence[int]) -> Iterator[tuple[int, float | None, bool]]:
    for steps, denoise, masked in product(counts, DENOISE, (False, True)):
        if not (denoise is None and masked):
            yield steps, denoise, masked


def assert_same_steps(
    name: SchedulerName, config: dict[str, Any], changes: dict[str, Any], counts: Sequence[int]
) -> None:
    """Ours, by a configuration with changes, does what the pipelines do by the configuration."""
    import torch

    for steps, denoise, masked in table(counts):
        latents = ours(name, {**config, **changes}, steps, denoise, masked)
        where = f"{steps} steps, denoise {denoise}, {'masked' if masked else 'whole'}"
        if latents is None:  # which check names, where something was to change
            assert denoise is not None
            assert steps * denoise < 1, where
            continue
        assert torch.isfinite(latents).all(), where
        if name == "LCM" and steps > 50:  # which diffusers cannot do
            continue
        expected = theirs(name, config, steps, denoise, masked)
        assert torch.allclose(latents, expected, rtol=1e-5, atol=1e-5), where


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_schedule_is_run_as_the_pipelines_run_it(
    name: SchedulerName, capfd: pytest.CaptureFixture[str]
) -> None:
    assert_same_steps(name, STABLE_DIFFUSION, {}, STEPS)
    assert_same_steps(name, TINY_CONFIG, {}, (3,))

    assert capfd.readouterr() == ("", "")  # no library speaks


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_what_a_configuration_leaves_out_is_stable_diffusions(name: SchedulerName) -> None:
    said = {"_class_name": "PNDMScheduler"}
    latents = ours(name, said, 5, 0.5, True)

    assert latents.equal(ours(name, STABLE_DIFFUSION, 5, 0.5, True))


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("changes", [
    {"clip_sample": True}, {"steps_offset": 0}, {"skip_prk_steps": False},
    {"_use_default_values": ["clip_sample", "beta_start"]},
    {"algorithm_type": "sde-dpmsolver++"}, {"algorithm_type": "data_prediction"},
    {"solver_type": "heun"}, {"solver_type": "bh1"}, {"lower_order_final": False},
    {"use_exponential_sigmas": True}, {"use_beta_sigmas": True}, {"use_karras_sigmas": True},
], ids=str)  # fmt: skip
def test_what_is_configured_for_other_samplers_changes_and_breaks_nothing(
    changes: dict[str, Any],
) -> None:
    own = {
        "solver_type": ("UniPC", "DPM++ 2M", "DPM++ 2S"),
        "lower_order_final": ("DPM++ 2M",),
    }
    for name in SCHEDULERS:
        if not name.startswith(own.get(next(iter(changes)), ())):  # there it is meant
            latents = ours(name, {**STABLE_DIFFUSION, **changes}, 3, 1.0, False)
            assert latents.equal(ours(name, STABLE_DIFFUSION, 3, 1.0, False)), name


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("DDIM", {"num_train_timesteps": 2}, "steps: 3 are more than the model was trained with"),
        (
            "Euler",
            {"beta_schedule": "sigmoid"},
            "scheduler: Euler cannot be run with the scheduler",
        ),
        ("Euler", {"timestep_spacing": "odd"}, "scheduler: Euler cannot be run with the scheduler"),
        ("UniPC", {"beta_start": "small"}, "scheduler: UniPC cannot be run with the scheduler"),
        ("DPM2", {"prediction_type": "sample"}, "scheduler: DPM2 cannot be run with the scheduler"),
    ],
)
def test_settings_that_are_not_for_a_scheduler_are_told_in_a_sentence(
    name: SchedulerName, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        ours(name, {**STABLE_DIFFUSION, **changes}, 3, 1.0, False)

    assert "\n" not in str(caught.value)


def test_a_denoise_of_less_than_a_step_is_named_before_the_run() -> None:
    for steps, denoise in product(range(1, 151), (0.0, 0.01, 0.05, 0.3, 0.5, 1.0)):
        findings = [*Denoise.check_facts({"steps": steps, "denoise": denoise}, {"latents": [{}]})]

        assert bool(findings) == (denoise > 0 and int(steps * denoise) == 0)
    (finding,) = Denoise.check_facts({"steps": 30, "denoise": 0.02}, {"latents": [{}]})
    assert finding == (
        "denoise",
        "0.02 of 30 steps is less than one, so the picture stays as it is; use 0.04 or more",
        "warning",
        Fix("Use 0.04", {"denoise": 0.04}),
    )
