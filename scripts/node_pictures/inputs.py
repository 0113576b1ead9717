"""The inputs of figures: shipped pictures, and the tiny model with a context to run it in."""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nodegraph import Builder, Cache, Folders, Settings, Workflow
from nodegraph.execution.context import RunContext
from nodes.files.decode import decode_picture
from nodes.images import LoadImage, Resize, Resized
from nodes.models import LoadBaseModel, LoadControlNet, LoadedBase
from nodes.sampling import Control, Decode, Denoise, EncodePrompt
from nodes.types import Control as Controlling
from nodes.types import DiffusionModel, Image, Latents, Mask

INPUTS = Path(__file__).resolve().parents[2] / "workflows/inputs"
SIDE = 152  # pixels of a picture where four stand in a row
MAN = "a man wearing a red shirt and blue trousers on a yellow background"
HOUSE = "a red house on a blue background"


@cache
def settings() -> Settings:
    """The shipped inputs may be read."""
    return Settings(folders=Folders(data=(INPUTS,)))


@cache
def memory_cache() -> Cache:
    """The cache of all figures, so that weights are loaded once."""
    return Cache()


def begun(name: str, side: int = 128) -> tuple[Builder, Resized, LoadedBase]:
    """A graph with a shipped picture, as large as the tiny model draws, and that model."""
    g = Builder()
    picture = g.add("picture", LoadImage, path=Path(name))
    small = g.add("small", Resize, image=picture.image, width=side, height=side)
    return g, small, g.add("base", LoadBaseModel)


def context() -> RunContext:
    """The context of a node that runs alone."""
    return RunContext(settings(), "cpu", Workflow(), memory_cache())


@cache
def photo(name: str = "astronaut.jpg", height: int = SIDE) -> Image:
    """A shipped picture, ``height`` pixels high."""
    pixels, _ = decode_picture((INPUTS / name).read_bytes(), name)
    return Resize(image=Image(pixels), height=height).run().image


def resized(image: Image, height: int = SIDE, *, exact: bool = False) -> Image:
    """A picture as high as others in its row; exact: every pixel a square."""
    return Resize(image=image, height=height, filter="nearest" if exact else "lanczos").run().image


def face(side: int = SIDE) -> Mask:
    """A mask that marks the astronaut's face."""
    y, x = np.mgrid[:side, :side] / side
    inside = ((x - 0.43) / 0.13) ** 2 + ((y - 0.22) / 0.17) ** 2 < 1
    return Mask((inside * 255).astype(np.uint8))


def mask_image(mask: Mask) -> Image:
    """A mask as a picture."""
    return Image.from_grey(mask.pixels)


@cache
def tiny(name: str = "tiny") -> DiffusionModel:
    """A built-in base model."""
    return LoadBaseModel(model=name).run(context()).model


@cache
def control(image: Image, net: str = "tiny-canny", strength: float = 1.0) -> Controlling:
    """A control image for a built-in ControlNet."""
    controlnet = LoadControlNet(model=net).run(context()).controlnet
    return Control(image=image, controlnet=controlnet, strength=strength).run().control


def denoise(prompt: str, model: DiffusionModel | None = None, **inputs: Any) -> Denoise:
    """Denoise as it suits the tiny model, not run yet."""
    model = model or tiny()
    texts = (EncodePrompt(model=model, prompt=text).run(context()) for text in (prompt, ""))
    positive, negative = (encoded.conditioning for encoded in texts)
    inputs = {"guidance_scale": 2.0, "seed": 2, **inputs}
    return Denoise(model=model, prompt=positive, negative_prompt=negative, **inputs)


def sampled(prompt: str, model: DiffusionModel | None = None, **inputs: Any) -> Image:
    """What Sample makes of a prompt."""
    return decoded(latents(prompt, model, **inputs), model)


def latents(prompt: str, model: DiffusionModel | None = None, **inputs: Any) -> Latents:
    """The latents of what Sample makes of a prompt."""
    latents: Latents = last(denoise(prompt, model, **inputs).run(context())).latents
    return latents


def decoded(values: Latents, model: DiffusionModel | None = None) -> Image:
    """The picture that latents stand for."""
    return Decode(model=model or tiny(), latents=values).run(context()).image


def channels(values: Latents, side: int = 104) -> Image:
    """Latents as they are: four channels a row, each from its darkest to its brightest."""
    tiles = [_grey(channel) for channel in values.values.cpu().numpy()]
    rows = [np.hstack(tiles[i : i + 4]) for i in range(0, len(tiles), 4)]
    return resized(Image.from_grey(np.vstack(rows)), side, exact=True)


def _grey(channel: Any) -> Any:
    low, high = channel.min(), channel.max()
    return np.rint((channel - low) / (high - low) * 255).astype(np.uint8)


def last(steps: Generator[Any, None, Any]) -> Any:
    """What a slow node returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
