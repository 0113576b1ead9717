"""Fit of models: their family, and why one cannot be used, by their headers and configurations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError

from ..checkpoints import folders
from ..checkpoints.headers import DamagedError
from ..checkpoints.kinds import recognise_file
from ..checkpoints.names import Role
from .shape import shape_of

Sort: TypeAlias = str
"""A list of the catalogue: ``base``, ``controlnet``, ``lora``, ``embedding``, …"""
ROLES: Mapping[Sort, Role] = {
    "base": "base model",
    "controlnet": "ControlNet",
    "lora": "LoRA",
    "embedding": "embedding",
    "depth": "depth model",
    "segmentation": "segmentation model",
}
_CLASSES = {"ControlNetModel": "controlnet"}


@dataclass(frozen=True, slots=True)
class Look:
    """A model as a look at it tells.

    Attributes:
        sort: None where it is no model of any known sort.
        family: None where nothing tells it.
        unfit: Why it cannot be used, in words that follow its name; empty where nothing is known
            against it.
    """

    sort: Sort | None = None
    family: str | None = None
    unfit: str = ""


NOTHING = Look()


def look_at(path: Path) -> Look:
    """Look at a model's file or folder; no weights are read."""
    try:
        if path.is_dir():
            return _look_into(path)
        if path.suffix != ".safetensors":
            return NOTHING
        return _looks.get([path], lambda: _look_at_file(path))
    except OSError:
        return NOTHING


_looks: FileMemo[Look] = FileMemo()


def _look_at_file(path: Path) -> Look:
    """Look at the names and shapes of the tensors in a .safetensors file."""
    try:
        kind = recognise_file(path)
    except DamagedError:
        return NOTHING
    if kind.sort == "other":
        return NOTHING
    family = None if kind.family in ("", "custom") else kind.family
    return Look(kind.sort, family, "" if kind.loads else kind.misfit(ROLES[kind.sort]))


def _look_into(folder: Path) -> Look:
    """Look at the small files of a folder."""
    index, config = _json(folder / "model_index.json"), _json(folder / "config.json")
    if index is not None:
        kind = index.get("_class_name")
        if kind not in folders.PIPELINES:
            family = "SDXL" if "XL" in str(kind) else None
            return Look("base", family, f"is a {kind!s:.60}, which is not supported")
        return _shaped("base", _json(folder / "unet" / "config.json"))
    if any(folder.glob("*lora*.safetensors")):
        return Look("lora")
    if any(folder.glob("learned_embeds.*")):
        return Look("embedding")
    sort = _CLASSES.get(str((config or {}).get("_class_name")))
    return _shaped(sort, config) if sort else NOTHING


def _shaped(sort: Sort, config: Mapping[str, Any] | None) -> Look:
    """What a network's configuration tells; that it is missing, loading says better."""
    if config is None:
        return Look(sort)
    try:
        family = shape_of(config, "").family
    except (UserError, LookupError, TypeError):
        family = ""
    wide = config.get("cross_attention_dim")
    if wide == 2048:
        return Look(sort, "SDXL", "is for SDXL, which is not supported; take one for SD 1.x or 2.x")
    if not family:
        return Look(sort, None, "is of a family that is not supported; take one for SD 1.x or 2.x")
    return Look(sort, None if family == "custom" else family)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
