"""Facts of pictures and models, in numbers and words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from nodegraph.node import Node, Output

from .types import ControlNetModel, DiffusionModel, Image, Shape
from .weights.reference import Weights


class AboutImage(Output):
    """What a picture is."""

    width: Annotated[int, Field(description="Pixels.")]
    height: Annotated[int, Field(description="Pixels.")]
    colour: Annotated[str, Field(description="The mean of all pixels, as #rrggbb.")]
    conditioning: Annotated[
        str, Field(description="What a preprocessor drew it as; empty where it did not.")
    ]
    text: Annotated[str, Field(description="All of it in one line.")]


class ImageInfo(Node):
    """Tell a picture's size, its mean colour, and what it was drawn as."""

    aliases = ("size of a picture",)

    image: Image

    def run(self) -> AboutImage:
        width, height = self.image.size
        return AboutImage(
            width=width,
            height=height,
            colour=mean_colour(self.image.pixels),
            conditioning=self.image.conditioning or "",
            text=sentence(self.image),
        )


class AboutModel(Output):
    """What a model is."""

    family: Annotated[str, Field(description="SD 1.x, SD 2.x, tiny, …: what must agree.")]
    text: Annotated[str, Field(description="Its family, sizes and settings, a line each.")]


class ModelInfo(Node):
    """Tell what a base model or a ControlNet is made of, without loading its weights."""

    aliases = ("inspect model",)

    model: Annotated[
        DiffusionModel | ControlNetModel, Field(description="A base model or a ControlNet.")
    ]

    def run(self) -> AboutModel:
        model = self.model
        lines = base_model(model) if isinstance(model, DiffusionModel) else controlnet(model)
        return AboutModel(family=model.shape.family, text="\n".join(lines))


def mean_colour(pixels: npt.NDArray[np.uint8]) -> str:
    """The mean of (H, W, 3) pixels, as ``#rrggbb``."""
    return "#" + "".join(f"{round(float(value)):02x}" for value in pixels.mean(axis=(0, 1)))


def sentence(image: Image) -> str:
    """Everything about a picture in one line."""
    width, height = image.size
    grey = (image.pixels == image.pixels[..., :1]).all()
    drawn = f", drawn as {image.conditioning}" if image.conditioning else ""
    mean = mean_colour(image.pixels)
    return f"{width} x {height} pixels, {'grey' if grey else 'colour'}, on average {mean}{drawn}"


def base_model(model: DiffusionModel) -> Iterator[str]:
    """A base model, a line for each thing."""
    yield f"{model.name}: a base model of the family {model.shape.family}"
    yield f"trained at {model.size} x {model.size} pixels, {model.factor} x {model.factor} a latent"
    yield _shape(model.shape)
    yield f"scheduler: {_scheduler(json.loads(model.scheduler))}"
    yield f"weights: {', '.join(map(_named, (model.text_encoder, model.unet, model.vae)))}"


def controlnet(model: ControlNetModel) -> Iterator[str]:
    """A ControlNet, a line for each thing."""
    yield f"{model.name}: a ControlNet for the family {model.shape.family}"
    yield f"reads {model.conditioning or 'control images of a kind that it does not tell'}"
    yield _shape(model.shape)
    yield f"weights: {_named(model.net)}"


def _shape(shape: Shape) -> str:
    levels = ", ".join(map(str, shape.blocks))
    return (
        f"{shape.channels} latent channels, UNet levels of {levels} channels,"
        f" {shape.text_width} numbers a token"
    )


def _scheduler(config: dict[str, Any]) -> str:
    name = str(config.get("_class_name", "unknown")).removesuffix("Scheduler")
    details = [str(config[key]) for key in ("prediction_type", "beta_schedule") if config.get(key)]
    return ", ".join([name, *details, f"{config.get('num_train_timesteps', 1000)} training steps"])


def _named(weights: Weights) -> str:
    part, _, digest = weights.key.partition(" ")
    return f"{part} {digest[:12]}"
