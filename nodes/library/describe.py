"""What a model's configuration says about it, without reading its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nodegraph.errors import UserError

from ..checkpoints import folders as _folders
from ..checkpoints.hashes import identity, read_ahead
from ..checkpoints.pickles import pickle_refused
from ..checkpoints.resolve import conditioning_of
from ..types import ControlNetModel, DiffusionModel, Shape
from ..weights.reference import DType, Part, Weights, key_of

_FAMILIES = {(768, 4): "SD 1.x", (1024, 4): "SD 2.x", (96, 8): "tiny"}


def base_model(
    name: str, path: Path, variant: str, dtype: DType, allow: frozenset[str]
) -> DiffusionModel:
    """Describe the base model in a folder of diffusers' layout, or in one file."""
    if path.is_file():
        from .from_file import base_from_file

        return base_from_file(name, path, dtype, allow)
    _folders.check_base(path)
    unet = _folders.read_json(path / "unet" / "config.json")
    vae = _folders.read_json(path / "vae" / "config.json")
    scheduler = _folders.read_json(path / "scheduler" / "scheduler_config.json")
    inpaints = takes_a_mask(unet["in_channels"], vae["latent_channels"], name)
    factor = 2 ** (len(vae["block_out_channels"]) - 1)
    parts: tuple[Part, ...] = ("text_encoder", "unet", "vae")
    read_ahead(file for part in parts for file in _chosen(path / part, variant, allow))
    text_encoder, unet_weights, vae_weights = (
        weights(path / part, part, variant, dtype, allow) for part in parts
    )
    return DiffusionModel(
        name=name,
        shape=shape(unet, name),
        factor=factor,
        size=int(unet.get("sample_size") or 64) * factor,
        scheduler=json.dumps(scheduler, sort_keys=True),
        text_encoder=text_encoder,
        unet=unet_weights,
        vae=vae_weights,
        inpaints=inpaints,
    )


def controlnet(
    name: str, path: Path, variant: str, dtype: DType, allow: frozenset[str]
) -> ControlNetModel:
    """Describe the ControlNet in a folder of diffusers' layout, or in one file."""
    if path.is_file():
        from .from_file import controlnet_from_file

        return controlnet_from_file(name, path, dtype, allow)
    config = _folders.check_part(path, "controlnet")
    net = weights(path, "controlnet", variant, dtype, allow)
    return ControlNetModel(name, shape(config, name), net, conditioning_of(name))


def takes_a_mask(given: int, latents: int, name: str) -> bool:
    """Whether a UNet of ``given`` input channels inpaints: it sees a mask and what is kept.

    Raises:
        UserError: It takes something else.
    """
    if given not in (latents, 2 * latents + 1):
        raise UserError(
            f"model: {name!r} takes more than latents ({given} channels); use a base model, or one"
            f" that inpaints ({2 * latents + 1} channels)"
        )
    return given != latents


def shape(config: Mapping[str, Any], name: str) -> Shape:
    """What must agree between a UNet and a ControlNet, from the configuration of either.

    Raises:
        UserError: It is no Stable Diffusion 1.x or 2.x network.
    """
    width = config["cross_attention_dim"]
    # A UNet that inpaints takes more than it gives, and a ControlNet gives no latents.
    channels = config.get("out_channels", config["in_channels"])
    unknown = [
        key
        for key in ("class_embed_type", "addition_embed_type", "encoder_hid_dim")
        if config.get(key)
    ]
    if unknown or not isinstance(width, int):
        raise UserError(f"model: {name!r} is of a family that is not supported; use SD 1.x or 2.x")
    family = _FAMILIES.get((width, channels), "custom")
    return Shape(family, channels, width, tuple(config["block_out_channels"]))


def weights(folder: Path, part: Part, variant: str, dtype: DType, allow: frozenset[str]) -> Weights:
    """Refer to the weights in a component's folder, converted first if they are pickles."""
    chosen = [path.name for path in _chosen(folder, variant, allow)]
    words = folder.parent / "tokenizer" if part == "text_encoder" else None
    if chosen[0].endswith(".bin"):
        from ..checkpoints.pickles import converted_folder

        folder = converted_folder(folder, chosen, convert="offline" not in allow)
        chosen = [path.name for path in folder.glob("*.safetensors")]
    for name in chosen:
        _read_names(folder / name, (folder / name).stat().st_mtime_ns)
    digest = identity([folder / name for name in ("config.json", *chosen)])
    digest += identity(path for path in words.glob("*") if path.is_file()) if words else ""
    used = _folders.variant_of(chosen[0])
    key = key_of(part, digest, dtype)
    return Weights(part, str(folder), key, used, str(words) if words else "", dtype)


def _chosen(folder: Path, variant: str, allow: frozenset[str]) -> list[Path]:
    names = [path.name for path in folder.iterdir()]
    chosen = _folders.weights_among(names, variant, pickle="pickle" in allow)
    if not chosen:
        raise UserError(_none_usable(folder, names))
    return [folder / name for name in chosen]


@lru_cache(maxsize=256)
def _read_names(file: Path, mtime_ns: int) -> None:  # noqa: ARG001  the memo's key
    """Refuse a file that is damaged, or with names that no weights have."""
    from .from_file import header

    header(file, "model")


def _none_usable(folder: Path, names: list[str]) -> str:
    pickles = [name for name in names if name.lower().endswith((".bin", ".pt", ".pth", ".ckpt"))]
    if pickles:
        return pickle_refused(folder / pickles[0])
    return f"model: {str(folder)!r} holds no weights (.safetensors)"
