"""diffusers' Stable Diffusion pipelines as oracles of what is sampled, and by which scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def scheduler_of(kind: str, config: Mapping[str, object], **changes: object) -> Any:
    """A diffusers scheduler as the pipelines correct it when they are built.

    Not every pipeline corrects all: those from noise leave PNDM's Runge-Kutta steps, those that
    redraw a part leave the clipping.
    """
    import diffusers

    scheduler = getattr(diffusers, kind).from_config({**config}, **changes)
    parts = dict.fromkeys(("vae", "text_encoder", "tokenizer", "unet"))
    parts |= dict.fromkeys(("safety_checker", "feature_extractor"))
    for name in ("StableDiffusionPipeline", "StableDiffusionInpaintPipeline"):
        pipeline = getattr(diffusers, name)(
            **parts, scheduler=scheduler, requires_safety_checker=False
        )
        scheduler = pipeline.scheduler
    return scheduler
