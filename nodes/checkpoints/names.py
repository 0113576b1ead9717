"""Names of models: built-in ones by role, and the family and kind that words in a name tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from ..builtin.paths import TINY

ControlKind: TypeAlias = Literal[
    "canny", "depth", "hed", "mlsd", "normal", "openpose", "scribble", "seg"
]
"""The kinds of control image that a preprocessor draws and a built-in ControlNet reads."""

Addon: TypeAlias = Literal["LoRA", "embedding"]
Role: TypeAlias = Literal["base model", "ControlNet", "depth model", "segmentation model"] | Addon
"""The models that a node may ask for, each with rules of its own for the files that make it up."""

ADDRESSES: Mapping[Role, str] = {
    "base model": "model",
    "ControlNet": "model",
    "depth model": "model",
    "segmentation model": "model",
    "LoRA": "lora",
    "embedding": "embedding",
}
"""The input that names such a model: an error begins with it."""
BUILT_IN: Mapping[Role, Mapping[str, Path]] = {
    "base model": {"tiny": TINY / "base", "tiny-potato": TINY / "potato"},
    "ControlNet": {f"tiny-{kind}": TINY / f"controlnet-{kind}" for kind in get_args(ControlKind)},
    "depth model": {"tiny": TINY / "dense"},
    "segmentation model": {"tiny": TINY / "dense"},
    "LoRA": {"tiny-ink": TINY / "ink.safetensors"},
    "embedding": {},
}
"""The built-in models by name, and where they lie."""
_KINDS: Mapping[str, str] = {kind: kind for kind in get_args(ControlKind)} | {
    "softedge": "hed",
    "inpaint": "inpaint",
}


def is_built_in(model: str) -> bool:
    """Whether a model comes with the package."""
    return any(model in names for names in BUILT_IN.values())


def family_of(model: str) -> str | None:
    """The family that a model's name tells, if it does; its configuration has the last word."""
    if is_built_in(model):
        return "tiny"
    name = model.lower().rpartition("/")[2]
    if re.search(r"stable-diffusion-v1|sd-controlnet-|control_v11[a-z]\d?_sd15|[-_]sd-?v?15", name):
        return "SD 1.x"
    if re.search(r"stable-diffusion-2|[-_]sd-?21", name):
        return "SD 2.x"
    return None


def conditioning_of(model: str) -> str | None:
    """The kind of control image that a ControlNet's name says it reads."""
    # Whole words: "scribble" is a kind, "canny" in "uncanny" is none.
    words = re.split(r"[^a-z]+", model.lower().replace("\\", "/").rpartition("/")[2])
    return next((kind for word, kind in _KINDS.items() if word in words), None)
