"""Our loop redraws a picture, or a part of it, as diffusers' pipelines do with the same weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from nodes.diffusion.schedulers import SchedulerName
from nodes.latents import EncodeImage
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Decode, Denoise, EncodePrompt
from nodes.types import Image, Mask

from ..support.pipelines import scheduler_of
from ..support.weights import Bench, drain, save_base
from . import test_sampling_oracle
from .test_sampling_oracle import TINY_MODELS, Models, assert_same, save_models

pytestmark = pytest.mark.usefixtures("one_thread", "rounded_once")

BENCH = Bench()
SCHEDULERS: dict[SchedulerName, str] = {
    **test_sampling_oracle.SCHEDULERS,
    "Heun": "HeunDiscreteScheduler",  # these two take two steps for one
    "DPM2 ancestral": "KDPM2AncestralDiscreteScheduler",
}


@dataclass(frozen=True)
class Setting:
    """What both sides are asked for: as many pictures as prompts, each with its own generator.

    Attributes:
        masked: Whether only a part of each picture is redrawn.
        missing: Whether the control image is the picture with that part missing.
    """

    prompts: tuple[str, ...] = ("a red circle", "a blue star", "a person", "a red circle")
    size: tuple[int, int] = (96, 64)
    scheduler: SchedulerName = "UniPC"
    steps: int = 6
    denoise: float = 0.5
    masked: bool = False
    nets: tuple[int, ...] = ()
    missing: bool = False
    strengths: tuple[float, ...] = (1.0, 0.7)
    starts: tuple[float, ...] = (0.0, 0.0)
    ends: tuple[float, ...] = (1.0, 1.0)
    guidance: float = 7.5
    guess: bool = False


@pytest.fixture(scope="module")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return save_models(tmp_path_factory.mktemp("random"))


@pytest.fixture(scope="module")
def inpainting(random_models: Models) -> Models:
    """A base model whose UNet sees a mask and what is kept."""
    base = save_base(random_models.base.parent / "inpainting", groups=8, channels=9)
    return replace(random_models, base=base)


@pytest.fixture(params=["tiny", "random"])
def models(request: pytest.FixtureRequest) -> Models:
    if request.param == "tiny":
        return TINY_MODELS
    found: Models = request.getfixturevalue("random_models")
    return found


@cache
def picture(number: int, size: tuple[int, int]) -> Image:
    """Blocks of colour, others for each number."""
    width, height = size
    blocks = np.random.default_rng(number).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return Image(np.kron(blocks, np.ones((8, 8, 1), np.uint8)))


@cache
def mask(number: int, size: tuple[int, int]) -> Mask:
    """A rectangle of whole latents, another for each number.

    Of a latent under an edge the pipelines ask one pixel alone; whether ours redraws all that it
    is to redraw is tested beside the nodes.
    """
    pixels = np.zeros(size[::-1], np.uint8)
    pixels[16:48, 16 + 8 * number : 48 + 8 * number] = 255
    return Mask(pixels)


def pictures(setting: Setting) -> list[Image]:
    return [picture(10 + number, setting.size) for number in range(len(setting.prompts))]


def masks(setting: Setting) -> list[Mask]:
    return [mask(number, setting.size) for number in range(len(setting.prompts))]


@cache
def loaded(models: Models, nets: tuple[int, ...], masked: bool) -> Any:
    """The pipeline that diffusers has for this, taking the likeliest latents of a picture."""
    import diffusers
    import torch

    options = {"dtype": torch.float32, "local_files_only": True}
    plain = diffusers.StableDiffusionPipeline.from_pretrained(
        models.base, safety_checker=None, **options
    )
    parts = [diffusers.ControlNetModel.from_pretrained(models.nets[net], **options) for net in nets]
    kind = "Inpaint" if masked else "Img2Img"
    net = {"controlnet": parts if len(parts) > 1 else parts[0]} if parts else {}
    name = f"StableDiffusion{'ControlNet' if parts else ''}{kind}Pipeline"
    pipeline = getattr(diffusers, name)(**plain.components, **net, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    _likeliest(pipeline.vae)
    return pipeline


def _likeliest(vae: Any) -> None:
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTinyOutput

    encode = vae.encode
    if hasattr(vae, "quant_conv"):  # an AutoencoderKL
        vae.encode = lambda pixels: AutoencoderTinyOutput(encode(pixels).latent_dist.mode())


def theirs(models: Models, setting: Setting) -> tuple[Any, list[Any]]:
    """The pipeline's latents and pictures."""
    import torch

    pipeline = loaded(models, setting.nets, setting.masked)
    known = pipeline.scheduler.__class__.load_config(models.base / "scheduler")
    pipeline.scheduler = scheduler_of(SCHEDULERS[setting.scheduler], known)
    given: dict[str, Any] = {"image": [one.pil() for one in pictures(setting)]}
    if setting.masked:
        given["mask_image"] = [_grey(one) for one in masks(setting)]
        given |= dict(zip(("width", "height"), setting.size, strict=True))
    if setting.nets:
        given |= _steered(setting)
    count = len(setting.prompts)
    latents = pipeline(
        prompt=list(setting.prompts),
        negative_prompt=["blurry"] * count,
        strength=setting.denoise,
        num_inference_steps=setting.steps,
        guidance_scale=setting.guidance,
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in range(2, 2 + count)],
        output_type="latent",
        **given,
    ).images
    with torch.no_grad():
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    shown = pipeline.image_processor.postprocess(decoded, output_type="pil")
    return latents, [np.asarray(one) for one in shown]


def _grey(one: Mask) -> Any:
    from PIL.Image import fromarray

    return fromarray(one.pixels)


def _steered(setting: Setting) -> dict[str, Any]:
    count, several = len(setting.prompts), len(setting.nets) > 1
    one_each = [picture(net, setting.size).pil() for net in setting.nets]
    # Of several ControlNets the pipelines give one control image each to all pictures.
    shown: list[Any] = one_each if several else [one_each * count]
    if setting.missing:
        shown[0] = _missing(setting)

    def each(values: tuple[float, ...]) -> Any:
        return list(values[: len(setting.nets)]) if several else values[0]

    return {
        "control_image": shown if several else shown[0],
        "width": setting.size[0],
        "height": setting.size[1],
        "controlnet_conditioning_scale": each(setting.strengths),
        "control_guidance_start": each(setting.starts),
        "control_guidance_end": each(setting.ends),
        "guess_mode": setting.guess,
    }


def _missing(setting: Setting) -> Any:
    """The control image of an inpainting ControlNet, as its model card makes it."""
    import torch

    made = []
    for one, marked in zip(pictures(setting), masks(setting), strict=True):
        values = one.pixels.astype(np.float32) / 255
        values[marked.pixels.astype(np.float32) / 255 > 0.5] = -1
        made.append(torch.from_numpy(values.transpose(2, 0, 1).copy()))
    return torch.stack(made)


def ours(models: Models, setting: Setting, batch: int = 4) -> tuple[Any, list[Any]]:
    """Our nodes' latents and pictures, ``batch`` of them at a time."""
    import torch

    items = denoises(models, setting)
    model = items[0].model
    latents, shown = [], []
    for start in range(0, len(items), batch):
        denoised = drain(Denoise.run_batch(items[start : start + batch], BENCH))
        todo = [Decode(model=model, latents=one.latents) for one in denoised]
        latents += [one.latents.values for one in denoised]
        shown += [one.image.pixels for one in Decode.run_batch(todo, BENCH)]
    return torch.stack(latents), shown


def denoises(models: Models, setting: Setting) -> list[Denoise]:
    model = LoadBaseModel(model=str(models.base)).run(BENCH).model
    marked = masks(setting) if setting.masked else [None] * len(setting.prompts)
    encodings = [
        EncodeImage(model=model, image=image, mask=one)
        for image, one in zip(pictures(setting), marked, strict=True)
    ]
    encoded = EncodeImage.run_batch(encodings, BENCH)
    texts = [EncodePrompt(model=model, prompt=text) for text in (*setting.prompts, "blurry")]
    prompts = EncodePrompt.run_batch(texts, BENCH)
    return [
        Denoise(
            model=model,
            prompt=prompts[at].conditioning,
            negative_prompt=prompts[-1].conditioning,
            latents=encoded[at].latents,
            mask=marked[at],
            denoise=setting.denoise,
            controls=[_control(models, setting, at, which) for which in range(len(setting.nets))],
            seed=2 + at,
            steps=setting.steps,
            guidance_scale=setting.guidance,
            scheduler=setting.scheduler,
            guess_mode=setting.guess,
        )
        for at in range(len(setting.prompts))
    ]


def _control(models: Models, setting: Setting, at: int, which: int) -> Any:
    net = setting.nets[which]
    missing = setting.missing and which == 0
    return (
        Control(
            image=pictures(setting)[at] if missing else picture(net, setting.size),
            controlnet=LoadControlNet(model=str(models.nets[net])).run(BENCH).controlnet,
            strength=setting.strengths[which],
            start=setting.starts[which],
            end=setting.ends[which],
            mask=masks(setting)[at] if missing else None,
        )
        .run()
        .control
    )


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_redraws_a_picture_as_the_pipeline_does(
    models: Models, scheduler: SchedulerName
) -> None:
    setting = Setting(scheduler=scheduler)

    assert_same(theirs(models, setting), ours(models, setting))


@pytest.mark.parametrize(
    "setting",
    [
        # At 7.5, far beyond the 2 that tiny is made for, rounding grows past the bound: to encode
        # the pictures one by one instead of together is enough.
        Setting(denoise=1.0, guidance=2.0),
        Setting(denoise=1.0, scheduler="Euler"),
        Setting(denoise=0.2),
        Setting(guidance=1.0),
        Setting(nets=(0,)),
        Setting(nets=(0, 1), starts=(0.0, 0.3), ends=(0.7, 1.0)),
        Setting(nets=(0,), guess=True),
        Setting(nets=(0, 1), guess=True, scheduler="Euler ancestral"),
    ],
    ids=[
        "all steps",
        "all steps of Euler",
        "one step",
        "no guidance",
        "a ControlNet",
        "two windows",
        "guess mode",
        "guess mode with two, ancestral",
    ],
)
def test_every_setting_redraws_a_picture_as_the_pipeline_does(
    models: Models, setting: Setting
) -> None:
    assert_same(theirs(models, setting), ours(models, setting))


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("denoise", [0.5, 1.0])
def test_every_scheduler_redraws_a_part_as_the_pipeline_does(
    random_models: Models, scheduler: SchedulerName, denoise: float
) -> None:
    setting = Setting(scheduler=scheduler, masked=True, denoise=denoise)

    assert_same(theirs(random_models, setting), ours(random_models, setting))


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_inpaints_as_the_pipeline_does(
    inpainting: Models, scheduler: SchedulerName
) -> None:
    setting = Setting(scheduler=scheduler, masked=True, denoise=1.0)

    assert_same(theirs(inpainting, setting), ours(inpainting, setting))


@pytest.mark.parametrize(
    "setting",
    [
        Setting(masked=True),
        Setting(masked=True, guidance=1.0),
        Setting(masked=True, nets=(0,)),
        Setting(masked=True, nets=(0,), missing=True, denoise=1.0),
        Setting(masked=True, nets=(0, 1), missing=True, starts=(0.0, 0.3), ends=(0.7, 1.0)),
        Setting(masked=True, nets=(0,), missing=True, guess=True, scheduler="Euler ancestral"),
    ],
    ids=[
        "half of the steps",
        "no guidance",
        "a ControlNet",
        "an inpainting ControlNet",
        "an inpainting ControlNet and another, two windows",
        "guess mode, ancestral",
    ],
)
@pytest.mark.parametrize("kind", ["random_models", "inpainting"])
def test_every_setting_redraws_a_part_as_the_pipeline_does(
    request: pytest.FixtureRequest, kind: str, setting: Setting
) -> None:
    models: Models = request.getfixturevalue(kind)

    assert_same(theirs(models, setting), ours(models, setting))


@pytest.mark.parametrize("scheduler", ["DPM++ 2M", "Euler ancestral"])
@pytest.mark.parametrize("kind", ["random_models", "inpainting"])
def test_redrawn_parts_do_not_depend_on_how_items_are_grouped(
    request: pytest.FixtureRequest, kind: str, scheduler: SchedulerName
) -> None:
    models: Models = request.getfixturevalue(kind)
    setting = Setting(scheduler=scheduler, masked=True, nets=(0, 1), missing=True)

    one, three, four = (ours(models, setting, batch) for batch in (1, 3, 4))

    assert_same(four, one)
    assert_same(four, three)


@pytest.mark.parametrize("scheduler", ["UniPC", "Euler ancestral"])
def test_redrawn_pictures_do_not_depend_on_how_items_are_grouped(
    models: Models, scheduler: SchedulerName
) -> None:
    setting = Setting(scheduler=scheduler, nets=(0,))

    assert_same(ours(models, setting), ours(models, setting, batch=3))
