"""From one picture to another: whole, in part, or larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from nodegraph.node import Composite

from . import types as wires
from ._fields import (
    Denoising,
    Guess,
    Guidance,
    NegativePrompt,
    Picked,
    Prompt,
    Seed,
    Skip,
    StepCount,
)
from .combine import Blend, Feather
from .latents import EncodeImage, Enlarge, Factor, OneImage, OneLatents, Within
from .sampling import Sample, Sampled
from .types import DiffusionModel, Image, Mask

if TYPE_CHECKING:
    from nodegraph.graph.drawing import Drawing


class ImageToImage(Composite):
    """Redraw a picture under a prompt, steered by any number of controls."""

    aliases = ("img2img", "i2i")

    model: DiffusionModel
    image: Annotated[Image, Field(description="Its sides are multiples of 8 pixels.")]
    prompt: Prompt = ""
    negative_prompt: NegativePrompt = ""
    denoise: Denoising = 0.75
    controls: list[wires.Control] = []
    clip_skip: Skip = 0
    seed: Seed = 0
    steps: StepCount = 20
    guidance_scale: Guidance = 7.5
    scheduler: Picked = "UniPC"
    guess_mode: Guess = False

    def draw(self, drawing: Drawing) -> Sampled:
        encoded = drawing.add("encode", EncodeImage, model=self.model, image=self.image)
        return drawing.add("sample", Sample, **_shared(self), latents=encoded.latents)


class Inpaint(Composite):
    """Redraw a part of a picture under a prompt; the rest stays, pixel for pixel."""

    aliases = ("inpainting", "fill in")

    model: DiffusionModel
    image: Annotated[Image, Field(description="Its sides are multiples of 8 pixels.")]
    mask: Annotated[
        Mask,
        Field(
            description="What is redrawn: white. Black stays as it is, grey changes less. One of"
            " another size is stretched."
        ),
    ]
    prompt: Prompt = ""
    negative_prompt: NegativePrompt = ""
    denoise: Denoising = 1.0
    feather: Feather = 0
    controls: list[wires.Control] = []
    clip_skip: Skip = 0
    seed: Seed = 0
    steps: StepCount = 20
    guidance_scale: Guidance = 7.5
    scheduler: Picked = "UniPC"
    guess_mode: Guess = False

    def draw(self, drawing: Drawing) -> Sampled:
        encoded = drawing.add(
            "encode", EncodeImage, model=self.model, image=self.image, mask=self.mask
        )
        sampled = drawing.add("sample", Sample, **_shared(self), latents=encoded.latents)
        blended = drawing.add(
            "blend",
            Blend,
            image=self.image,
            layer=sampled.image,
            amount=1.0,
            mask=self.mask,
            feather=self.feather,
        )
        return Sampled(image=blended.image, latents=sampled.latents)


class Hires(Composite):
    """Make a picture larger and draw the detail that it then lacks."""

    aliases = ("hires fix", "highres fix")

    model: DiffusionModel
    image: OneImage = None
    latents: OneLatents = None
    factor: Factor = 2.0
    within: Within = "pixels"
    prompt: Prompt = ""
    negative_prompt: NegativePrompt = ""
    denoise: Denoising = 0.5
    controls: list[wires.Control] = []
    clip_skip: Skip = 0
    seed: Seed = 0
    steps: StepCount = 20
    guidance_scale: Guidance = 7.5
    scheduler: Picked = "UniPC"
    guess_mode: Guess = False

    def draw(self, drawing: Drawing) -> Sampled:
        larger = drawing.add(
            "enlarge",
            Enlarge,
            model=self.model,
            image=self.image,
            latents=self.latents,
            factor=self.factor,
            within=self.within,
        )
        sampling = {**_shared(self), "latents": larger.latents}
        return drawing.add("sample", Sample, **sampling)


def _shared(composite: BaseModel) -> dict[str, Any]:
    """What a composite was given of the inputs that Sample has too."""
    own = type(composite).model_fields
    return {name: getattr(composite, name) for name in Sample.model_fields if name in own}
