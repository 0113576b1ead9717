"""Wires: what travels between nodes and JSON cannot spell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from nodegraph.node import Wire

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Pixels: TypeAlias = npt.NDArray[np.uint8]
Conditioned: TypeAlias = Literal["canny", "openpose"]


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
        from PIL import Image as PIL  # noqa: N811

        return PIL.fromarray(self.pixels)


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
    view = np.ascontiguousarray(pixels).view()
    view.flags.writeable = False
    return view
