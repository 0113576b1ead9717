"""The parts of a model that have weights of their own, and the types their numbers may have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

Part: TypeAlias = Literal["text_encoder", "unet", "vae", "controlnet", "depth", "seg"]
DType: TypeAlias = Literal["auto", "float32", "float16", "bfloat16"]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""The shape of every tensor of a file, or of every layer's weight, by name."""


class Source(NamedTuple):
    """The files that one part of a model is read from.

    Attributes:
        path: The part's folder in diffusers' layout, or one file that holds it.
        variant: Which of a folder's files, ``fp16`` say; empty for the plain ones.
    """

    part: Part
    path: Path
    variant: str = ""
