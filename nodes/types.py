"""Wires: the values between nodes that JSON cannot spell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from nodegraph.node import Wire

from .weights.patches import Difference
from .weights.reference import Weights

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from torch import Tensor

Pixels: TypeAlias = npt.NDArray[np.uint8]


# Wires that hold arrays or tensors have eq=False: == of two arrays is an array, not an answer.
@dataclass(frozen=True, slots=True, eq=False)
class Image(Wire):
    """One picture, exact and small.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, read-only.
        conditioning: What a preprocessor drew it as, for the ControlNet that was trained on it.
    """

    pixels: Pixels
    conditioning: str | None = None

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            shape = " x ".join(map(str, self.pixels.shape))
            raise ValueError(f"an Image is H x W x 3 uint8, not {shape} {self.pixels.dtype}")
        object.__setattr__(self, "pixels", read_only(self.pixels))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.pixels.shape[:2]
        return width, height

    @classmethod
    def from_grey(cls, grey: Pixels, conditioning: str | None = None) -> Image:
        """Make a picture of (H, W) grey values."""
        return cls(np.repeat(grey[:, :, None], 3, axis=2), conditioning)

    @classmethod
    def from_pil(cls, picture: Picture, conditioning: str | None = None) -> Image:
        """Take over a PIL picture of any mode; transparency is dropped."""
        return cls(np.asarray(picture.convert("RGB")), conditioning)

    def pil(self) -> Picture:
        """A PIL picture of its own."""
        from PIL.Image import fromarray

        return fromarray(self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class Mask(Wire):
    """How much each pixel counts: (H, W) uint8, 0 not at all, 255 fully; read-only."""

    pixels: Pixels

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 2:
            shape = " x ".join(map(str, self.pixels.shape))
            raise ValueError(f"a Mask is H x W uint8, not {shape} {self.pixels.dtype}")
        object.__setattr__(self, "pixels", read_only(self.pixels))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.pixels.shape
        return width, height


def read_only(pixels: Pixels) -> Pixels:
    """The same pixels, not to be written to: results are shared."""
    # A view, so that the flag is not set on an array that the caller still writes to.
    view = np.ascontiguousarray(pixels).view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Shape(Wire):
    """What must agree between a base model and its ControlNets.

    Attributes:
        family: ``SD 1.x``, ``SD 2.x``, ``tiny``, or what else the sizes say.
        channels: Of the latents.
        text_width: Numbers per token that cross-attention reads.
        blocks: Channels of each level of the UNet.
    """

    family: str
    channels: int
    text_width: int
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DiffusionModel(Wire):
    """A base model: light references to its weights, which nodes lease while they run.

    Attributes:
        name: As it was asked for.
        factor: Pixels per latent, along one side.
        size: Width and height it was trained at, in pixels.
        scheduler: Its scheduler's configuration, as JSON.
        inpaints: Whether its UNet also reads a mask and the latents of the masked image.
    """

    apart: ClassVar[tuple[str, ...]] = (
        "text_encoder", "unet", "vae", "encoding", "coding", "content",
    )  # fmt: skip

    name: str
    shape: Shape
    factor: int
    size: int
    scheduler: str
    text_encoder: Weights
    unet: Weights
    vae: Weights
    inpaints: bool = False

    @property
    def encoding(self) -> object:
        """What prompts are encoded by, wherever it lies."""
        return self.text_encoder.content

    @property
    def coding(self) -> object:
        """What pictures are coded and decoded by, wherever it lies."""
        return self.vae.content, self.factor, self.inpaints

    @property
    def content(self) -> object:
        """All of it but what it is called, and where it lies."""
        network = self.unet.content, self.shape, self.size, self.scheduler
        return self.encoding, self.coding, network


@dataclass(frozen=True, slots=True)
class ControlNetModel(Wire):
    """A network that steers a base model by a control image of the kind it was trained on.

    Attributes:
        conditioning: The kind of control image, ``canny`` or ``openpose`` …, where it is known.
        difference: Whether its file holds what is to be added to the base model's weights.
    """

    name: str
    shape: Shape
    net: Weights
    conditioning: str | None = None
    difference: bool = False

    def weights(self, model: DiffusionModel) -> Weights:
        """Its weights where it steers ``model``."""
        if not self.difference:
            return self.net
        return replace(self.net, patches=(Difference(replace(model.unet, patches=())),))

    @property
    def content(self) -> object:
        """All of it but what it is called, and where it lies."""
        return self.net.content, self.shape, self.conditioning, self.difference


@dataclass(frozen=True, slots=True, eq=False)
class Control(Wire):
    """A control image, the ControlNet that reads it, and how much it counts when.

    Attributes:
        start: Fraction of the steps before which it is not applied.
        end: Fraction of the steps after which it is not applied.
        mask: What an inpainting ControlNet is to fill in; it is shown these pixels as missing.
    """

    apart: ClassVar[tuple[str, ...]] = ("content",)

    image: Image
    model: ControlNetModel
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    mask: Mask | None = None

    @property
    def content(self) -> object:
        """All of it but what its ControlNet is called, and where that lies."""
        steering = self.strength, self.start, self.end
        return self.image, self.mask, self.model.content, steering


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning(Wire):
    """A prompt as a model's text encoder understood it.

    Attributes:
        embeddings: (77 n, D) of n chunks, on the device where they were made.
        encoder: The key of the text encoder.
    """

    embeddings: Tensor
    encoder: str


@dataclass(frozen=True, slots=True, eq=False)
class Latents(Wire):
    """A picture as the denoiser sees it, before the autoencoder decodes it.

    Attributes:
        values: (C, H / factor, W / factor) float32, scaled as the UNet expects it.
        vae: The key of the autoencoder that decodes them.
        masked_image: The same picture with all that is to be redrawn in grey, for models that
            inpaint.
    """

    values: Tensor
    vae: str
    masked_image: Tensor | None = None

    def size(self, factor: int) -> tuple[int, int]:
        """Width and height, in pixels, of what they stand for."""
        height, width = self.values.shape[1:]
        return width * factor, height * factor
