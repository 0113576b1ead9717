"""What pictures and models are, in numbers and words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nodegraph.node import Node, Output

from .types import ControlNetModel, DiffusionModel, Image


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

    image: Image

    def run(self) -> AboutImage:
        from ._info import mean_colour, sentence

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

    model: Annotated[
        DiffusionModel | ControlNetModel, Field(description="A base model or a ControlNet.")
    ]

    def run(self) -> AboutModel:
        from ._info import base_model, controlnet

        model = self.model
        lines = base_model(model) if isinstance(model, DiffusionModel) else controlnet(model)
        return AboutModel(family=model.shape.family, text="\n".join(lines))
