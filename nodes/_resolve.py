"""From what a user calls a model to the folder or file that holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from nodegraph.errors import UserError, did_you_mean

from .types import Conditioned

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

_TINY = Path(__file__).parent / "tiny"
TINY: Mapping[Role, Mapping[str, Path]] = {
    "base model": {"tiny": _TINY / "base", "tiny-potato": _TINY / "potato"},
    "ControlNet": {f"tiny-{kind}": _TINY / f"controlnet-{kind}" for kind in get_args(Conditioned)},
    "depth model": {"tiny": _TINY / "dense"},
    "segmentation model": {"tiny": _TINY / "dense"},
    "LoRA": {"tiny-ink": _TINY / "ink.safetensors"},
    "embedding": {},
}
FILES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".bin"})
_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_KINDS: Mapping[str, str] = {kind: kind for kind in get_args(Conditioned)} | {
    "softedge": "hed",
    "inpaint": "inpaint",
}


def resolve(model: str, role: Role, revision: str, variant: str, allow: frozenset[str]) -> Path:
    """Find the folder or file that ``model`` names, fetching it from the hub where it must be.

    Args:
        variant: Of an add-on: which file.

    Raises:
        UserError: There is no such model, or it cannot be had from here.
    """
    if model in TINY[role]:
        return TINY[role][model]
    path = Path(model).expanduser()
    if path.exists():
        return path
    at = ADDRESSES[role]
    if _is_path(model, path):
        raise UserError(f"{at}: no file or folder {model!r}; looked for {str(path.absolute())!r}")
    if not _HUB.fullmatch(model):
        known = f"{did_you_mean(model, TINY[role])}; or" if TINY[role] else f"no {model!r};"
        raise UserError(f"{at}: {known} give a hub id (owner/name), a folder or a file")
    from ._hub import fetch

    return fetch(model, role, revision, variant, allow)


def _is_path(model: str, path: Path) -> bool:
    return model.startswith((".", "~", "/")) or path.suffix.lower() in FILES or "\\" in model


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
