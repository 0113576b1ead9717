"""Our loop makes the pictures of diffusers' pipeline from the same weights, seeds and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodes.diffusion.schedulers import SchedulerName
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Decode, Denoise, Denoised, EncodePrompt
from nodes.types import Image

from ..support.pipelines import scheduler_of
from ..support.weights import TINY, Bench, drain, save_base, save_controlnet

pytestmark = pytest.mark.usefixtures("one_thread", "rounded_once")

BENCH = Bench()


SCHEDULERS: dict[SchedulerName, str] = {
    "UniPC": "UniPCMultistepScheduler",
    "DDIM": "DDIMScheduler",
    "Euler": "EulerDiscreteScheduler",
    "Euler ancestral": "EulerAncestralDiscreteScheduler",
    "DPM++ 2M": "DPMSolverMultistepScheduler",
    "LMS": "LMSDiscreteScheduler",
    "PNDM": "PNDMScheduler",
}


@dataclass(frozen=True)
class Models:
    """A base model and two ControlNets, by folder."""

    base: Path
    nets: tuple[Path, Path]


TINY_MODELS = Models(TINY / "base", (TINY / "controlnet-canny", TINY / "controlnet-openpose"))


def save_models(folder: Path) -> Models:
    """Make models with random weights."""
    base = save_base(folder / "base", groups=8)
    first, second = (save_controlnet(folder / f"net{i}", base, seed=i) for i in (1, 2))
    return Models(base, (first, second))


@dataclass(frozen=True)
class Setting:
    """What both sides are asked for; a batch where there are several prompts."""

    prompts: Sequence[str] = ("a red circle on blue",)
    negative: str = "blurry"
    nets: tuple[int, ...] = (0,)
    strengths: tuple[float, ...] = (1.0, 0.7)
    starts: tuple[float, ...] = (0.0, 0.0)
    ends: tuple[float, ...] = (1.0, 1.0)
    scheduler: SchedulerName = "UniPC"
    steps: int = 4
    guidance: float = 7.5
    guess: bool = False
    size: tuple[int, int] = (64, 64)
    seeds: tuple[int, ...] = field(default=(2, 3, 5, 7))


@pytest.fixture(scope="module")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return save_models(tmp_path_factory.mktemp("random"))


@pytest.fixture(params=["tiny", "random"])
def models(request: pytest.FixtureRequest) -> Models:
    if request.param == "tiny":
        return TINY_MODELS
    found: Models = request.getfixturevalue("random_models")
    return found


@cache
def picture(number: int) -> Image:
    """A control image with blocks of colour, another for each number."""
    blocks = np.random.default_rng(number).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    return Image(np.kron(blocks, np.ones((8, 8, 1), np.uint8)))


@cache
def loaded(models: Models, nets: tuple[int, ...]) -> Any:
    """diffusers' pipeline over the same weights, without a safety checker."""
    import torch
    from diffusers import ControlNetModel, StableDiffusionControlNetPipeline

    options = {"dtype": torch.float32, "local_files_only": True}
    parts = [ControlNetModel.from_pretrained(models.nets[net], **options) for net in nets]
    one = parts[0] if len(parts) == 1 else parts
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        models.base, controlnet=one, safety_checker=None, **options
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def theirs(models: Models, setting: Setting) -> tuple[Any, list[Any]]:
    """The pipeline's latents and pictures."""
    import torch

    pipeline = loaded(models, setting.nets)
    known = pipeline.scheduler.__class__.load_config(models.base / "scheduler")
    pipeline.scheduler = scheduler_of(SCHEDULERS[setting.scheduler], known)
    count = len(setting.prompts)
    several = len(setting.nets) > 1
    images = [[picture(net).pil() for net in setting.nets] for _ in range(count)]

    def each(values: tuple[float, ...]) -> Any:
        return list(values[: len(setting.nets)]) if several else values[0]

    latents = pipeline(
        prompt=list(setting.prompts),
        negative_prompt=[setting.negative] * count,
        image=images if several else [row[0] for row in images],
        width=setting.size[0],
        height=setting.size[1],
        num_inference_steps=setting.steps,
        guidance_scale=setting.guidance,
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in setting.seeds[:count]],
        controlnet_conditioning_scale=each(setting.strengths),
        control_guidance_start=each(setting.starts),
        control_guidance_end=each(setting.ends),
        guess_mode=setting.guess,
        output_type="latent",
    ).images
    with torch.no_grad():
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    pictures = pipeline.image_processor.postprocess(decoded, output_type="pil")
    return latents, [np.asarray(one) for one in pictures]


def ours(models: Models, setting: Setting, batch: int = 4) -> tuple[Any, list[Any]]:
    """Our nodes' latents and pictures, ``batch`` of them at a time."""
    import torch

    model = LoadBaseModel(model=str(models.base)).run(BENCH).model
    controls = [_control(models, setting, at) for at in range(len(setting.nets))]
    prompts = EncodePrompt.run_batch(
        [EncodePrompt(model=model, prompt=text) for text in (*setting.prompts, setting.negative)],
        BENCH,
    )
    items = [
        Denoise(
            model=model,
            prompt=prompt.conditioning,
            negative_prompt=prompts[-1].conditioning,
            controls=controls,
            seed=seed,
            steps=setting.steps,
            guidance_scale=setting.guidance,
            scheduler=setting.scheduler,
            width=setting.size[0],
            height=setting.size[1],
            guess_mode=setting.guess,
        )
        for prompt, seed in zip(prompts[:-1], setting.seeds, strict=False)
    ]
    latents, pictures = [], []
    for start in range(0, len(items), batch):
        denoised: list[Denoised] = drain(Denoise.run_batch(items[start : start + batch], BENCH))
        todo = [Decode(model=model, latents=one.latents) for one in denoised]
        latents += [one.latents.values for one in denoised]
        pictures += [one.image.pixels for one in Decode.run_batch(todo, BENCH)]
    return torch.stack(latents), pictures


def _control(models: Models, setting: Setting, at: int) -> Any:
    net = setting.nets[at]
    found = LoadControlNet(model=str(models.nets[net])).run(BENCH).controlnet
    return (
        Control(
            image=picture(net),
            controlnet=found,
            strength=setting.strengths[at],
            start=setting.starts[at],
            end=setting.ends[at],
        )
        .run()
        .control
    )


def assert_same(
    expected: tuple[Any, list[Any]], actual: tuple[Any, list[Any]], atol: float = 1e-5
) -> None:
    """Latents within 1e-5, pictures within one grey level; rounding_once leaves no more apart."""
    import torch

    torch.testing.assert_close(actual[0], expected[0], rtol=0, atol=atol)
    for one, other in zip(expected[1], actual[1], strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_removes_noise_as_the_pipeline_does(
    models: Models, scheduler: SchedulerName
) -> None:
    setting = Setting(scheduler=scheduler)

    assert_same(theirs(models, setting), ours(models, setting))


@pytest.mark.parametrize(
    "setting",
    [
        Setting(nets=(0, 1)),
        Setting(nets=(0, 1), starts=(0.0, 0.25), ends=(0.5, 1.0)),
        Setting(strengths=(0.5,)),
        Setting(strengths=(0.0,)),
        Setting(starts=(0.3,), ends=(0.8,)),
        Setting(guess=True),
        Setting(guess=True, nets=(0, 1)),
        Setting(guidance=1.0),
        Setting(guidance=1.0, guess=True),
        Setting(size=(96, 64)),
        Setting(size=(72, 104)),
    ],
    ids=[
        "two ControlNets",
        "two windows",
        "half strength",
        "no strength",
        "a window",
        "guess mode",
        "guess mode with two",
        "no guidance",
        "guess mode without guidance",
        "a wide picture",
        "sizes that do not halve evenly",
    ],
)
def test_every_setting_means_what_it_means_to_the_pipeline(
    models: Models, setting: Setting
) -> None:
    assert_same(theirs(models, setting), ours(models, setting))


FOUR = Setting(prompts=("a red circle", "a blue star", "a person", "a red circle"), steps=3)


@pytest.mark.parametrize("scheduler", ["UniPC", "Euler ancestral"])
def test_four_prompts_with_a_generator_each_give_the_pipelines_pictures(
    models: Models, scheduler: SchedulerName
) -> None:
    setting = replace(FOUR, scheduler=scheduler)

    assert_same(theirs(models, setting), ours(models, setting))


@pytest.mark.parametrize("scheduler", ["UniPC", "Euler ancestral"])
def test_pictures_do_not_depend_on_how_items_are_grouped(
    models: Models, scheduler: SchedulerName
) -> None:
    setting = replace(FOUR, scheduler=scheduler, nets=(0, 1))

    one, two, four = (ours(models, setting, batch) for batch in (1, 2, 4))

    assert_same(four, one)
    assert_same(four, two)


def test_a_control_changes_the_picture(models: Models) -> None:
    import torch

    with_control, _ = ours(models, Setting())
    without, _ = ours(models, Setting(strengths=(0.0,)))

    assert not torch.allclose(with_control, without, atol=1e-2)
