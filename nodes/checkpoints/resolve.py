"""From what a user calls a model to the folder or file that holds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, get_args

from nodegraph.base.safe_paths import safe_path_below
from nodegraph.errors import UserError, did_you_mean
from nodegraph.node import Folders

from ..builtin.paths import TINY as _TINY
from ..types import Conditioned

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
FILES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".bin"})
_HUB = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_KINDS: Mapping[str, str] = {kind: kind for kind in get_args(Conditioned)} | {
    "softedge": "hed",
    "inpaint": "inpaint",
}


class Reach(Protocol):
    """Where models may be taken from, and what is allowed: a node's context, a run's settings."""

    @property
    def folders(self) -> Folders: ...

    @property
    def allow(self) -> frozenset[str]: ...


def resolve(model: str, role: Role, revision: str, variant: str, reach: Reach) -> Path:
    """Find the folder or file that ``model`` names, fetching it from the hub where it must be.

    Args:
        variant: Of an add-on: which file.

    Raises:
        UserError: There is no such model, or it cannot be had from here.
    """
    if model in TINY[role]:
        return TINY[role][model]
    if found := local(model, reach.folders):
        return found
    at = ADDRESSES[role]
    if is_hub_id(model):
        from .hub import fetch

        return fetch(model, role, revision, variant, reach.allow)
    if reach.folders.models is not None:
        raise UserError(f"{at}: {not_here(model, TINY[role])}")
    if _is_path(model):
        raise UserError(f"{at}: no file or folder {model!r}; looked for {_absolute(model)!r}")
    known = f"{did_you_mean(model, TINY[role])}; or" if TINY[role] else f"no {model!r};"
    raise UserError(f"{at}: {known} give a hub id (owner/name), a folder or a file")


def local(model: str, folders: Folders) -> Path | None:
    """The folder or file that ``model`` names; a server has only those in its model folders."""
    if folders.models is not None:
        return safe_path_below(folders.models, model)
    try:
        path = Path(model).expanduser()
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL, the home of nobody
        return None


def not_here(model: str, built_in: Iterable[str]) -> str:
    """What a server says of a name that leads to no model, wherever else it may lead."""
    names = list(built_in)
    close = get_close_matches(model, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    listed = f"{', '.join(names)}, " if names else ""
    return (
        f"there is no such model; give {listed}a hub id (owner/name), or a file or folder"
        f" in the server's model folders{hint}"
    )


def is_hub_id(model: str) -> bool:
    """Whether a model's name has the form of a repository's."""
    return _HUB.fullmatch(model) is not None and not _is_path(model)


def _is_path(model: str) -> bool:
    return model.startswith((".", "~", "/")) or "\\" in model or Path(model).suffix.lower() in FILES


def _absolute(model: str) -> str:
    try:
        return str(Path(model).expanduser().absolute())
    except RuntimeError:
        return model


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
