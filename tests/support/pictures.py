"""Pictures and a context for tests that run nodes by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from nodegraph.carriers.png import KEY
from nodegraph.node import Folders
from nodegraph.savings import NO_SAVINGS, Savings
from nodes.images import LoadImage
from nodes.types import Image, Mask

from .forgetful import Forgetful

INPUTS = Path(__file__).parent.parent.parent / "workflows" / "inputs"


@dataclass(frozen=True)
class Hand(Forgetful):
    """What a node sees when it is run by hand."""

    folders: Folders = field(default_factory=Folders)
    allow: frozenset[str] = frozenset()
    workflow: str = ""
    device: str = "cpu"
    dtype: str = "float32"
    savings: Savings = NO_SAVINGS

    @contextmanager
    def lease(self, ref: Any) -> Iterator[Any]:
        yield ref.load(self.device, self.dtype)

    @property
    def texts(self) -> Mapping[str, str]:
        return {KEY: self.workflow} if self.workflow else {}

    def pinned(self, model: str) -> tuple[str, str]:  # noqa: ARG002
        """No model is pinned."""
        return "", ""

    def pinned_files(self, model: str) -> Mapping[str, str]:  # noqa: ARG002
        return {}


def gradient(width: int = 48, height: int = 32) -> Image:
    """A picture whose every pixel tells where it is."""
    y, x = np.mgrid[:height, :width]
    return Image(np.stack([x * 4 % 256, y * 6 % 256, (x + y) % 256], axis=2).astype(np.uint8))


def flat(colour: tuple[int, int, int], width: int = 48, height: int = 32) -> Image:
    """A picture of one colour."""
    return Image(np.full((height, width, 3), colour, np.uint8))


def spot(width: int = 48, height: int = 32) -> Mask:
    """A mask with a white rectangle, from (8, 4) to (24, 20), half grey at its right border."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[4:20, 8:24] = 255
    pixels[4:20, 23] = 128
    return Mask(pixels)


def encoded(draw: Callable[[BytesIO], object]) -> bytes:
    """The bytes that ``draw`` writes into a file."""
    file = BytesIO()
    draw(file)
    return file.getvalue()


def picture(name: str) -> Image:
    """A picture of the shipped inputs."""
    return LoadImage(path=Path(name)).run(Hand(folders=Folders((INPUTS,)))).image
