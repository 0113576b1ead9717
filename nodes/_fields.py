"""Inputs that several sampling nodes have in common, with their limits and descriptions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .diffusion.schedulers import SchedulerName
from .types import Latents, Mask

Fraction = Annotated[float, Field(ge=0, le=1)]
Prompt = Annotated[str, Field(description="What the picture shows.")]
NegativePrompt = Annotated[str, Field(description="What it should not show.")]
Seed = Annotated[int, Field(ge=0, lt=2**32, description="The same seed gives the same picture.")]
StepCount = Annotated[
    int, Field(ge=1, le=150, description="More take longer and show finer detail.")
]
Guidance = Annotated[
    float,
    Field(
        ge=1, le=30, description="How strictly to follow the prompt; 1 ignores the negative one."
    ),
]
Side = Annotated[
    int | None,
    Field(
        ge=8,
        le=4096,
        description="Pixels, a multiple of 8; empty: the start's, the control image's or the"
        " model's.",
    ),
]
Picked = Annotated[SchedulerName, Field(description="How noise is removed from step to step.")]
Skip = Annotated[
    int,
    Field(
        ge=0,
        le=24,
        description="How many of the text encoder's last layers are left out; 1 is common.",
    ),
]
Guess = Annotated[
    bool, Field(description="Recognise the control image without help from a prompt.")
]
Beside = Annotated[
    Mask | None,
    Field(description="A mask of the picture, to go with it. One of another size is stretched."),
]
Part = Annotated[
    Mask, Field(description="The mask, in its new place; without one, white where the picture is.")
]
Start = Annotated[Latents | None, Field(description="A picture to start from; empty: noise alone.")]
Redrawn = Annotated[
    Mask | None,
    Field(
        description="What of that picture is redrawn: white; black stays, grey is redrawn in the"
        " last steps alone. Empty: all of it. One of another size is stretched."
    ),
]
Denoising = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="How far that picture is redrawn: the last steps × denoise steps are run"
        " (rounded down); 0 keeps it, 1 redraws it from the first step.",
    ),
]
