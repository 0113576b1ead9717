"""Pictures as the denoiser sees them: encoded, and made larger."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Annotated, Any, Literal

from pydantic import Field

from nodegraph.errors import UserError
from nodegraph.node import Context, Facts, Finding, LinkedFacts, ModelRef, Node, Output, Reads, Work

from . import _checks
from ._packages import MODELS
from .pixels import boxes
from .types import DiffusionModel, Image, Latents, Mask

_PIXELS = 8
"""Along a side, that one latent stands for in most models."""
Interpolation = Literal["nearest", "bilinear", "bicubic"]
Space = Literal["pixels", "latents"]
Factor = Annotated[float, Field(ge=1, le=8, description="Both sides become this times as long.")]
Within = Annotated[
    Space,
    Field(
        description="pixels: resampled sharply (Lanczos) and encoded; latents: fast and soft, to be"
        " redrawn with a denoise above 0.5."
    ),
]
OneImage = Annotated[Image | None, Field(description="The picture, or else its latents.")]
OneLatents = Annotated[Latents | None, Field(description="The latents, or else their picture.")]


class EncodedImage(Output):
    """A picture's latents."""

    latents: Latents


class EncodeImage(Node):
    """Turn a picture into its likeliest latents, which Denoise can start from."""

    aliases = ("VAE encode", "image to latents")

    model: Annotated[DiffusionModel, Reads(("coding",))]
    image: Annotated[Image, Field(description="Its sides are multiples of 8 pixels.")]
    mask: Annotated[
        Mask | None,
        Field(
            description="What is to be redrawn: all but black. Models made to inpaint are shown the"
            " picture without it; others need none. One of another size is stretched."
        ),
    ] = None

    lane = "device"
    version = 2
    packages = MODELS
    savings = ("tiles", "layers")

    def run(self, context: Context) -> EncodedImage:
        return self.run_batch([self], context)[0]

    @classmethod
    def run_batch(cls, items: Sequence[EncodeImage], context: Context) -> list[EncodedImage]:
        from .diffusion.vae import encode_images

        model = items[0].model
        for item in items:
            _checks.encodable(item.image.size, model.factor)
        images = [item.image for item in items]
        masks = [item.mask for item in items if item.mask is not None] if model.inpaints else []
        with context.lease(model.vae) as vae:
            tiles = context.savings.tiles
            code = partial(encode_images, vae, images, tiles=tiles, pause=context.proceed)
            whole = code()
            masked = code(masks=masks) if masks else [None] * len(items)
        pairs = zip(whole, masked, strict=True)
        return [EncodedImage(latents=Latents(a, model.vae.key, b)) for a, b in pairs]

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"latents": _checks.sized(_checks.size_of(linked.get("image", ())))}

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:  # noqa: ARG003
        yield from _too_large(linked.get("image", ()), linked.get("model", ()))

    def work(self) -> Work:
        width, height = self.image.size
        return Work(self.model.vae.key, width * height, (self.model.vae,))

    def group(self) -> Hashable:
        return self.model, self.image.size, self.mask is None

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        if model := inputs.get("model"):
            yield model.vae


class Upscaled(Output):
    """Larger latents."""

    latents: Latents


class UpscaleLatents(Node):
    """Make latents larger by mixing their neighbours, for Denoise to draw detail into."""

    aliases = ("latent upscale",)

    latents: Latents
    factor: Factor = 2.0
    filter: Annotated[Interpolation, Field(description="How neighbours are mixed.")] = "bilinear"

    lane = "device"
    packages = MODELS

    def run(self) -> Upscaled:
        from .diffusion.vae import stretched

        height, width = self.latents.values.shape[1:]
        _bounded("latents", (width * _PIXELS, height * _PIXELS), self.factor)
        values = stretched(self.latents.values, self.factor, self.filter)
        return Upscaled(latents=Latents(values, self.latents.vae))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return {"latents": _larger(linked.get("latents", ()), values)}

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:
        return _checks.bounds(cls, values, linked, "latents", "latents")


class Enlarge(Node):
    """Bring a picture, or latents, to larger latents, by way of its pixels or of its latents."""

    aliases = ("upscale", "upscaler")

    model: Annotated[DiffusionModel, Reads(("coding",))]
    image: OneImage = None
    latents: OneLatents = None
    factor: Factor = 2.0
    within: Within = "pixels"

    lane = "device"
    packages = MODELS
    savings = ("tiles", "layers")

    def run(self, context: Context) -> Upscaled:
        from .diffusion import vae as vae_coding

        for name, problem in _either({"image": self.image, "latents": self.latents}):
            raise UserError(f"{name}: {problem}")
        if self.latents is not None:
            _checks.same_vae(self.model, self.latents)
            _bounded("latents", self.latents.size(self.model.factor), self.factor)
        elif self.image is not None:
            _bounded("image", self.image.size, self.factor)
        tiles = context.savings.tiles
        with context.lease(self.model.vae) as vae:
            if self.within == "latents":
                values = vae_coding.stretched(self._latents(vae, tiles), self.factor, "bilinear")
            else:
                picture = self._image(vae, tiles)
                larger = vae_coding.enlarged(picture, self.factor, self.model.factor)
                values = vae_coding.encode_images(
                    vae, [larger], tiles=tiles, pause=context.proceed
                )[0]
        return Upscaled(latents=Latents(values, self.model.vae.key))

    def work(self) -> Work | None:
        source = self.image if self.latents is None else self.latents
        if source is None:
            return None
        sides = source.size if isinstance(source, Image) else source.size(self.model.factor)
        task = f"{type(source).__name__} within {self.within} x {self.factor:g}"
        return Work(f"{self.model.vae.key} {task}", prod(sides), (self.model.vae,))

    def _latents(self, vae: Any, tiles: int) -> Any:
        from .diffusion.vae import encode_images

        if self.image is None:
            assert self.latents is not None
            return self.latents.values
        _checks.encodable(self.image.size, self.model.factor)
        return encode_images(vae, [self.image], tiles=tiles)[0]

    def _image(self, vae: Any, tiles: int) -> Image:
        from .diffusion.vae import decode_latents

        if self.image is not None:
            return self.image
        assert self.latents is not None
        return Image(decode_latents(vae, [self.latents.values], tiles)[0])

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:
        source = "image" if linked.get("image") else "latents"
        yield from _checks.bounds(cls, values, linked, source, "latents")
        for name, problem in _either({name: linked.get(name) for name in ("image", "latents")}):
            yield name, problem, "error"
        yield from _too_large(linked.get("image", ()), linked.get("model", ()))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        sources = [*linked.get("image", ()), *linked.get("latents", ())]
        return {"latents": _larger(sources, values)}

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        if model := inputs.get("model"):
            yield model.vae


def _bounded(name: str, size: tuple[int, int], factor: float) -> None:
    boxes.bounded(name, (round(size[0] * factor), round(size[1] * factor)))


def _larger(sources: Sequence[Facts], values: Mapping[str, Any]) -> Facts:
    """The size of latents that are made larger, where both that and the factor are known."""
    size, factor = _checks.size_of(sources), values.get("factor")
    larger = size and factor and (round(size[0] * factor), round(size[1] * factor))
    return _checks.sized(larger or None)


def _too_large(images: Sequence[Facts], models: Sequence[Facts]) -> Iterable[Finding]:
    """Find pictures that nobody wants redrawn at their size."""
    if judged := _checks.oversized(_checks.size_of(images), models):
        words, (width, height) = judged
        yield "image", f"is {words}; Resize it first, to {width} x {height} say", "warning"


def _either(inputs: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Find that not just one of two inputs is there."""
    (first, left), (second, right) = inputs.items()
    if left is None and right is None:
        yield first, f"is missing; link it, or {second}"
    elif left is not None and right is not None:
        yield second, f"is given as well as {first}; give one of them"
