"""Base models and ControlNets described by their configurations; no weights are read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError

from ..checkpoints import folders, ldm
from ..checkpoints.hashes import identity, read_ahead
from ..checkpoints.names import conditioning_of
from ..checkpoints.parts import DType, Part
from ..checkpoints.pickles import converted_folder, pickle_refused
from ..checkpoints.single_file import header
from ..checkpoints.tokenizers import check_tokenizer
from ..types import ControlNetModel, DiffusionModel
from ..weights.reference import Weights, key_of
from .from_file import base_from_file, controlnet_from_file
from .shape import is_inpainting, shape_of


def describe_base(
    name: str, path: Path, variant: str, dtype: DType, allow: frozenset[str]
) -> DiffusionModel:
    """Describe the base model in a folder of diffusers' layout, or in one file."""
    if path.is_file():
        return base_from_file(name, path, dtype, allow)
    check_base_folder(name, path, variant, allow)
    unet = folders.read_json(path / "unet" / "config.json")
    vae = folders.read_json(path / "vae" / "config.json")
    scheduler = folders.read_json(path / "scheduler" / "scheduler_config.json")
    inpaints = is_inpainting(unet["in_channels"], vae["latent_channels"], name)
    factor = 2 ** (len(vae["block_out_channels"]) - 1)
    parts: tuple[Part, ...] = ("text_encoder", "unet", "vae")
    # All files at once, before any one is asked for: hashing them is all that takes time here.
    read_ahead(file for part in parts for file in _chosen(path / part, variant, allow))
    text_encoder, unet_weights, vae_weights = (
        refer_to_weights(path / part, part, variant, dtype, allow) for part in parts
    )
    return DiffusionModel(
        name=name,
        shape=shape_of(unet, name),
        factor=factor,
        size=_side(unet, vae),
        scheduler=json.dumps(scheduler, sort_keys=True),
        text_encoder=text_encoder,
        unet=unet_weights,
        vae=vae_weights,
        inpaints=inpaints,
    )


def check_base_folder(name: str, path: Path, variant: str, allow: frozenset[str]) -> None:
    """Check that every part of a base model is in its folder, whole and of one model.

    Raises:
        UserError: What is missing or wrong, and where.
    """
    folders.check_base(path)
    text = folders.read_json(path / "text_encoder" / "config.json")
    check_tokenizer(path / "tokenizer", text["vocab_size"])
    unet = folders.read_json(path / "unet" / "config.json")
    vae = folders.read_json(path / "vae" / "config.json")
    folders.read_json(path / "scheduler" / "scheduler_config.json")
    shape_of(unet, name)
    is_inpainting(unet["in_channels"], vae["latent_channels"], name)
    for part in ("text_encoder", "unet", "vae"):
        check_weights(path / part, variant, allow)


def check_controlnet_folder(name: str, path: Path, variant: str, allow: frozenset[str]) -> None:
    """Check that a ControlNet's folder has all its parts, whole.

    Raises:
        UserError: What is missing or wrong, and where.
    """
    shape_of(folders.check_part(path, "controlnet"), name)
    check_weights(path, variant, allow)


def trained_side(path: Path) -> int:
    """The width and height in pixels that a base model was trained at, from its configuration.

    Raises:
        UserError: It is no base model that can be read without being converted.
    """
    if path.is_file():
        return _sides.get([path], lambda: _side_in_file(path))
    unet, vae = (folders.read_json(path / part / "config.json") for part in ("unet", "vae"))
    return _side(unet, vae)


def _side(unet: Mapping[str, Any], vae: Mapping[str, Any]) -> int:
    factor: int = 2 ** (len(vae["block_out_channels"]) - 1)
    latents = int(unet.get("sample_size") or 64)
    # Before version 0.9 diffusers wrote its own default; its pipelines correct that too.
    if _OLD.match(str(unet.get("_diffusers_version", ""))):
        latents = max(latents, 64)
    return latents * factor


_OLD = re.compile(r"0\.[0-8]\.")


_sides: FileMemo[int] = FileMemo(256)


def _side_in_file(path: Path) -> int:
    configs = ldm.base_configs(header(path, "model")[0])
    if configs is None:
        raise UserError(f"model: {str(path)!r} is no base model in one file")
    return _side({}, configs["vae"])


def describe_controlnet(
    name: str, path: Path, variant: str, dtype: DType, allow: frozenset[str]
) -> ControlNetModel:
    """Describe the ControlNet in a folder of diffusers' layout, or in one file."""
    if path.is_file():
        return controlnet_from_file(name, path, dtype, allow)
    config = folders.check_part(path, "controlnet")
    net = refer_to_weights(path, "controlnet", variant, dtype, allow)
    return ControlNetModel(name, shape_of(config, name), net, conditioning_of(name))


def refer_to_weights(
    folder: Path, part: Part, variant: str, dtype: DType, allow: frozenset[str]
) -> Weights:
    """Refer to the weights in a component's folder, converted first if they are pickles."""
    chosen = [path.name for path in _chosen(folder, variant, allow)]
    words = folder.parent / "tokenizer" if part == "text_encoder" else None
    if chosen[0].endswith(".bin"):
        folder = converted_folder(folder, chosen, convert="offline" not in allow)
        chosen = [path.name for path in folder.glob("*.safetensors")]
    for name in chosen:
        _check_names(folder / name)
    digest = identity([folder / name for name in ("config.json", *chosen)])
    digest += identity(path for path in words.glob("*") if path.is_file()) if words else ""
    # Of the files that were chosen: they may be the plain ones, where the variant has none.
    used = folders.variant_of(chosen[0])
    key = key_of(part, digest, dtype)
    return Weights(part, str(folder), key, used, str(words) if words else "", dtype)


def check_weights(folder: Path, variant: str, allow: frozenset[str]) -> None:
    """Check that the weights of a component are in its folder, by the headers of their files.

    Raises:
        UserError: There are none, or not all, or one is damaged.
    """
    for file in _chosen(folder, variant, allow):
        if file.suffix == ".safetensors":
            _check_names(file)


def _chosen(folder: Path, variant: str, allow: frozenset[str]) -> list[Path]:
    names = [path.name for path in folder.iterdir() if path.is_file()]
    chosen = folders.pick_weights(names, variant, pickle="pickle" in allow)
    if not chosen:
        raise UserError(_no_weights(folder, names))
    if missing := folders.missing_shard(chosen):
        raise UserError(f"model: {str(folder)!r} has no {missing}, a part of its weights")
    return [folder / name for name in chosen]


_checked: FileMemo[None] = FileMemo(256)


def _check_names(file: Path) -> None:
    """Refuse a file that is damaged, or with names that no weights have."""

    def look() -> None:
        header(file, "model")

    _checked.get([file], look)


def _no_weights(folder: Path, names: list[str]) -> str:
    pickles = [name for name in names if name.lower().endswith(folders.PICKLES)]
    if pickles:
        return pickle_refused(folder / pickles[0])
    return f"model: {str(folder)!r} holds no weights (.safetensors)"
