"""Fit of models: their family, and why one cannot be used, by their headers and configurations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError

from ..checkpoints import folders, ldm
from ..checkpoints.parts import Shapes
from .shape import shape_of

Sort: TypeAlias = str
"""A list of the catalogue: ``base``, ``controlnet``, ``lora``, ``embedding``."""
# The numbers a token that cross-attention reads.
_WIDTHS = {768: "SD 1.x", 1024: "SD 2.x", 2048: "SDXL"}
# Tensors that only one family's files have, the most telling first.
_MARKS = {
    "conditioner.embedders.": "SDXL",
    "model.diffusion_model.joint_blocks.": "SD 3",
    "model.diffusion_model.double_blocks.": "Flux",
    "cond_stage_model.model.": "SD 2.x",
    "model.diffusion_model.label_emb.": "SDXL",
    "cond_stage_model.transformer.": "SD 1.x",
}
_TENSORS: Mapping[Sort, tuple[str, ...]] = {
    "base": ("model.diffusion_model.",),
    "controlnet": ("control_model.", "controlnet_cond_embedding.", "input_hint_block."),
}
# Layers that read the prompt's tokens, and the first half of what LoRAs add to them, as kohya's
# scripts, peft and diffusers name both.
_CROSS = re.compile(
    r"attn2[._](?:processor\.)?to_[kv](?:_lora)?(?:[._]lora)?[._](?:down\.|A\.)?weight"
)
_HEADER = 32 * 2**20
"""Bytes of the longest header of a .safetensors file that is read."""
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
    """Look at the names and shapes of the tensors in a .safetensors file.

    It begins with the length of its header, in eight bytes, and the header in JSON: that is read.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= _HEADER else {}
    except (OSError, ValueError, RecursionError):
        return NOTHING
    shapes = _shapes(header) if isinstance(header, dict) else {}
    sort = _sort(shapes)
    family = _family(shapes)
    return Look(sort, family, _unfit(sort, family, shapes))


def _shapes(header: Mapping[str, Any]) -> Shapes:
    shapes = {}
    for name, about in header.items():
        shape = about.get("shape") if isinstance(about, dict) and name != "__metadata__" else None
        if isinstance(shape, list) and all(type(side) is int for side in shape):
            shapes[name] = tuple(shape)
    return shapes


def _sort(shapes: Shapes) -> Sort | None:
    for sort, beginnings in _TENSORS.items():
        if any(name.startswith(beginnings) for name in shapes):
            return sort
    if any("lora" in name.lower() for name in shapes):
        return "lora"
    return "embedding" if len(shapes) == 1 else None


def _family(shapes: Shapes) -> str | None:
    for beginning, family in _MARKS.items():
        if any(name.startswith(beginning) for name in shapes):
            return family
    if len(shapes) == 1:  # a learned word: a vector, or several
        (shape,) = shapes.values()
        return _WIDTHS.get(shape[-1]) if shape else None
    for name, shape in shapes.items():
        if _CROSS.search(name) and len(shape) > 1:  # [out, width], of a LoRA's half [rank, width]
            return _WIDTHS.get(shape[1])
    return None


def _unfit(sort: Sort | None, family: str | None, shapes: Shapes) -> str:
    """Why a file cannot be used, as far as its family tells; of what is missing, loading tells."""
    if family not in (None, "SD 1.x", "SD 2.x"):
        return f"is for {family}, which is not supported; take one for Stable Diffusion 1.x"
    if sort != "base" or family == "SD 1.x" or _is_read(shapes):
        return ""
    if family == "SD 2.x":
        return "is for SD 2.x, which is not read from one file; give its folder"
    return "is for no Stable Diffusion that is supported; take one for Stable Diffusion 1.x"


def _is_read(shapes: Shapes) -> bool:
    """Whether loading would know the parts of a base model by these shapes."""
    try:
        return ldm.base_configs(shapes) is not None
    except (LookupError, TypeError, ValueError):  # shapes that no model has
        return False


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
