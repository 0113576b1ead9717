"""Names of models: the built-in ones by role, and what any other one says about its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from ..builtin.paths import TINY as _TINY

Conditioned: TypeAlias = Literal[
    "canny", "depth", "hed", "mlsd", "normal", "openpose", "scribble", "seg"
]
"""The kinds of control image that a preprocessor draws and a built-in ControlNet reads."""

Addon: TypeAlias = Literal["LoRA", "embedding"]
Role: TypeAlias = Literal["base model", "ControlNet", "depth model", "segmentation model"] | Addon
ADDRESSES: Mapping[Role, str] = {
    "base model": "model",
    "ControlNet": "model",
    "depth model": "model",
    "segmentation model": "model",
    "LoRA": "lora",
    "embedding": "embedding",
}

TINY: Mapping[Role, Mapping[str, Path]] = {
    "base model": {"tiny": _TINY / "base", "tiny-potato": _TINY / "potato"},
    "ControlNet": {f"tiny-{kind}": _TINY / f"controlnet-{kind}" for kind in get_args(Conditioned)},
    "depth model": {"tiny": _TINY / "dense"},
    "segmentation model": {"tiny": _TINY / "dense"},
    "LoRA": {"tiny-ink": _TINY / "ink.safetensors"},
    "embedding": {},
}
_KINDS: Mapping[str, str] = {kind: kind for kind in get_args(Conditioned)} | {
    "softedge": "hed",
    "inpaint": "inpaint",
}


def built_in(model: str) -> bool:
    """Whether a model comes with the package."""
    return any(model in names for names in TINY.values())


def family_of(model: str) -> str | None:
    """What a model's name says about its family; its configuration has the last word."""
    if built_in(model):
        return "tiny"
    name = model.lower().rpartition("/")[2]
    if re.search(r"stable-diffusion-v1|sd-controlnet-|control_v11[a-z]\d?_sd15|[-_]sd-?v?15", name):
        return "SD 1.x"
    if re.search(r"stable-diffusion-2|[-_]sd-?21", name):
        return "SD 2.x"
    return None


def conditioning_of(model: str) -> str | None:
    """The kind of control image that a ControlNet's name says it reads."""
    words = re.split(r"[^a-z]+", model.lower().replace("\\", "/").rpartition("/")[2])
    return next((kind for word, kind in _KINDS.items() if word in words), None)
