"""Drawing with the weights of a folder like ``nodes/builtin/tiny``, by diffusers' pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from diffusers import (
    ControlNetModel,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
    UniPCMultistepScheduler,
)
from PIL import Image

from training.scenes.render import Pixels

STEPS, BATCH = 20, 8
Pipeline: TypeAlias = StableDiffusionPipeline | StableDiffusionControlNetPipeline


def load_pipeline(weights: Path, kind: str = "", base: str = "base") -> Pipeline:
    """A base with one ControlNet or none, in fp32, with UniPC."""
    options = {"dtype": torch.float32, "safety_checker": None}
    pipeline: Pipeline
    if kind:
        folder = weights / f"controlnet-{kind}"
        control = ControlNetModel.from_pretrained(folder, dtype=torch.float32)
        pipeline = StableDiffusionControlNetPipeline.from_pretrained(
            weights / base, controlnet=control, **options
        )
    else:
        pipeline = StableDiffusionPipeline.from_pretrained(weights / base, **options)
    pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    for part in (pipeline.unet, pipeline.vae, *([pipeline.controlnet] if kind else [])):
        part.to(memory_format=torch.channels_last)
    return pipeline


def with_lora(pipeline: Pipeline, weights: Path, strength: float) -> Pipeline:
    """The pipeline with the LoRA ``ink`` on its UNet, put there as the node LoadLoRA does."""
    from nodegraph.settings import Settings
    from nodes.library import addons as _addons
    from nodes.library import describe as _describe

    model = _describe.describe_base("tiny", weights / "base", "", "float32", frozenset())
    found = _addons.find_addon(str(weights / "ink.safetensors"), "LoRA", "", "", Settings())
    styled = _addons.with_lora(model, found, strength, strength)
    unet = styled.unet.load("cpu", "float32")
    pipeline.unet = unet.to(memory_format=torch.channels_last)
    return pipeline


@torch.no_grad()
def generate(
    pipeline: Pipeline,
    prompts: Sequence[str],
    hints: Sequence[Pixels] = (),
    guidance: float = 2.0,
    first: int = 0,
) -> list[Pixels]:
    """One picture a prompt; picture number i has seed ``first`` + i."""
    pictures: list[Pixels] = []
    for start in range(0, len(prompts), BATCH):
        rows = range(start, min(start + BATCH, len(prompts)))
        extra = {"image": [Image.fromarray(hints[i]) for i in rows]} if hints else {}
        with torch.autocast("cpu", torch.bfloat16):
            images = pipeline(
                [prompts[i] for i in rows],
                num_inference_steps=STEPS,
                guidance_scale=guidance,
                height=128,
                width=128,
                generator=[torch.Generator().manual_seed(first + i) for i in rows],
                output_type="np",
                **extra,
            ).images
        pictures += [np.round(image * 255).astype(np.uint8) for image in images]
    return pictures


@dataclass(slots=True)
class Studio:
    """Draws under prompts and hints; ``first`` is the seed of every list's first picture.

    What a base draws from prompts alone is drawn once.
    """

    weights: Path
    guidance: float = 2.0
    first: int = 0
    drawn: dict[tuple[str, ...], list[Pixels]] = field(default_factory=dict)

    def alone(self, prompts: Sequence[str], base: str = "base") -> list[Pixels]:
        """What a base draws from prompts alone."""
        key = (base, *prompts)
        if key not in self.drawn:
            self.drawn[key] = self.draw(load_pipeline(self.weights, base=base), prompts)
        return self.drawn[key]

    def draw(
        self, pipeline: Pipeline, prompts: Sequence[str], hints: Sequence[Pixels] = ()
    ) -> list[Pixels]:
        """One picture a prompt."""
        return generate(pipeline, prompts, hints, self.guidance, self.first)
