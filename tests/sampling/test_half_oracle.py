"""Under half-precision networks our latents stay whole, so pictures are closer to the truth."""

from __future__ import annotations

from typing import Any

import pytest

from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Denoise, EncodePrompt

from ..support.weights import TINY, Bench, drain
from .test_sampling_oracle import picture

pytestmark = pytest.mark.usefixtures("one_thread")

NET = TINY / "controlnet-canny"


def pipeline(dtype: Any) -> Any:
    from diffusers import (
        ControlNetModel,
        StableDiffusionControlNetPipeline,
        UniPCMultistepScheduler,
    )

    options = {"dtype": dtype, "local_files_only": True}
    net = ControlNetModel.from_pretrained(NET, **options)
    made = StableDiffusionControlNetPipeline.from_pretrained(
        TINY / "base", controlnet=net, safety_checker=None, **options
    )
    made.scheduler = UniPCMultistepScheduler.from_config(made.scheduler.config)
    made.set_progress_bar_config(disable=True)
    return made


def theirs(made: Any, noise: Any) -> Any:
    return made(
        prompt="a red circle",
        negative_prompt="blurry",
        image=picture(0).pil(),
        width=64,
        height=64,
        num_inference_steps=10,
        guidance_scale=5.0,
        latents=noise.to(made.unet.dtype),
        output_type="latent",
    ).images.double()


def ours(seed: int, bench: Bench) -> Any:
    model = LoadBaseModel(model="tiny").run(bench).model
    net = LoadControlNet(model="tiny-canny").run(bench).controlnet
    texts = [EncodePrompt(model=model, prompt=text) for text in ("a red circle", "blurry")]
    prompt, negative = (one.run(bench).conditioning for one in texts)
    node = Denoise(
        model=model,
        prompt=prompt,
        negative_prompt=negative,
        controls=[Control(image=picture(0), controlnet=net).run().control],
        seed=seed,
        steps=10,
        guidance_scale=5.0,
        width=64,
        height=64,
    )
    return drain(node.run(bench)).latents.values.double()


@pytest.mark.slow
def test_half_networks_draw_no_further_from_the_truth_than_the_pipelines() -> None:
    import torch

    whole, half = pipeline(torch.float32), pipeline(torch.bfloat16)
    bench = Bench(dtype="bfloat16")
    for seed in (1, 2, 3):
        # The very noise that a half-precision run draws, for all three.
        dice = torch.Generator("cpu").manual_seed(seed)
        noise = torch.randn((1, 8, 8, 8), generator=dice, dtype=torch.bfloat16)
        truth = theirs(whole, noise)

        def off(latents: Any, truth: Any = truth) -> float:
            return float((latents - truth).square().mean().sqrt() / truth.std())

        our_off, their_off = off(ours(seed, bench)), off(theirs(half, noise))
        assert 0 < our_off <= their_off
