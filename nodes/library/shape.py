"""The sizes that a base model and its ControlNets must share, read from their configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nodegraph.errors import UserError

from ..types import Shape

# By numbers a token that cross-attention reads, and channels of latents.
_FAMILIES = {(768, 4): "SD 1.x", (1024, 4): "SD 2.x", (96, 8): "tiny"}


def shape_of(config: Mapping[str, Any], name: str) -> Shape:
    """The sizes that must agree, from the configuration of a UNet or of a ControlNet.

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


def is_inpainting(channels: int, latents: int, name: str) -> bool:
    """Whether a UNet inpaints: it reads a mask, and the latents of what stays, beside its own.

    Raises:
        UserError: It takes something else.
    """
    if channels not in (latents, 2 * latents + 1):
        raise UserError(
            f"model: {name!r} takes more than latents ({channels} channels); use a base model, or"
            f" one that inpaints ({2 * latents + 1} channels)"
        )
    return channels != latents
