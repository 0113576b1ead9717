"""Configurations of the networks in a single-file checkpoint, read off the shapes of its tensors.

Such a file has the names of the CompVis code (latent diffusion, "LDM") and no configuration: blocks
are counted by their names, and channels are sizes of weights. What no size tells (the number of
heads, the scale of latents) is the same in all of Stable Diffusion 1.x.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from .parts import Part, Shapes

Config: TypeAlias = dict[str, Any]

PREFIXES: Mapping[Part, str] = {
    "text_encoder": "cond_stage_model.",
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "controlnet": "control_model.",
}


def base_configs(shapes: Shapes) -> dict[str, Config] | None:
    """The configurations of an SD 1.x checkpoint's parts; None where it is none."""
    try:
        return {"unet": _unet(shapes), "vae": _vae(shapes), "text_encoder": _text(shapes)}
    except (KeyError, ValueError):
        return None


def controlnet_config(shapes: Shapes) -> Config | None:
    """The configuration of a ControlNet checkpoint; None where it is none."""
    if "controlnet_cond_embedding.conv_in.weight" in shapes:
        return _renamed_controlnet(shapes)
    # lllyasviel's files have the prefix; others hold the ControlNet alone, without it.
    prefix = PREFIXES["controlnet"] if any(k.startswith("control_model.") for k in shapes) else ""
    try:
        # The convolutions that widen the control image; those between them (2, 6, 10) keep its
        # width, and odd numbers are activations.
        hints = [shapes[f"{prefix}input_hint_block.{i}.weight"][0] for i in (0, 4, 8, 12)]
        config = _levels(shapes, prefix)
    except (KeyError, ValueError):
        return None
    return {
        **config,
        "_class_name": "ControlNetModel",
        "conditioning_embedding_out_channels": hints,
    }


def _renamed_controlnet(shapes: Shapes) -> Config | None:
    """The configuration of a ControlNet whose tensors have diffusers' names already."""
    hint = "controlnet_cond_embedding."
    try:
        levels = range(_count(shapes, "down_blocks."))
        channels = [shapes[f"down_blocks.{i}.resnets.0.conv1.weight"][0] for i in levels]
        attends = [f"down_blocks.{i}.attentions.0.proj_in.weight" in shapes for i in levels]
        # Every second convolution widens the control image.
        wider = range(1, _count(shapes, f"{hint}blocks."), 2)
        hints = [shapes[f"{hint}{name}.weight"][0] for name in _widening(wider)]
        middle = "mid_block.attentions.0."
        return {
            "_class_name": "ControlNetModel",
            "conditioning_embedding_out_channels": hints,
            "in_channels": shapes["conv_in.weight"][1],
            "layers_per_block": _count(shapes, "down_blocks.0.resnets."),
            **_attention(channels, attends, shapes, middle),
        }
    except (KeyError, IndexError):
        return None


def _widening(blocks: Iterable[int]) -> list[str]:
    return ["conv_in", *(f"blocks.{i}" for i in blocks)]


def _attention(channels: list[int], attends: list[bool], shapes: Shapes, middle: str) -> Config:
    """The part of a configuration that levels and their transformers make.

    Args:
        middle: The name of the transformer between the ways down and up.
    """
    # [channels, channels] of a linear layer, [channels, channels, 1, 1] of a convolution
    linear = len(shapes[f"{middle}proj_in.weight"]) == 2
    return {
        "block_out_channels": channels,
        "down_block_types": [
            "CrossAttnDownBlock2D" if attention else "DownBlock2D" for attention in attends
        ],
        "cross_attention_dim": shapes[f"{middle}transformer_blocks.0.attn2.to_k.weight"][1],
        # SD 1.x has 8 heads everywhere, SD 2.x heads of 64 numbers. (diffusers calls the number of
        # heads their dimension; the name cannot be changed any more.)
        "attention_head_dim": [c // 64 for c in channels] if linear else 8,
        "use_linear_projection": linear,
    }


def _unet(shapes: Shapes) -> Config:
    prefix = PREFIXES["unet"]
    config = _levels(shapes, prefix)
    names = [name.replace("Down", "Up") for name in reversed(config["down_block_types"])]
    out = shapes[f"{prefix}out.2.weight"][0]
    kind = {"_class_name": "UNet2DConditionModel", "sample_size": 64}
    return {**config, **kind, "up_block_types": names, "out_channels": out}


def _levels(shapes: Shapes, prefix: str) -> Config:
    """The configuration that a UNet and a ControlNet share: the way down, and attention.

    ``input_blocks`` are numbered through: 0 is the first convolution, then each level has so many
    resnets (``N.0.out_layers``), each with a transformer (``N.1``) where the level attends, and a
    downsampler (``N.0.op``) of its own number, but for the last level.
    """
    channels: list[int] = []
    attends: list[bool] = []
    layers, block = 0, 1
    starts_level = True
    while f"{prefix}input_blocks.{block}.0.op.weight" in shapes or (
        f"{prefix}input_blocks.{block}.0.out_layers.3.weight" in shapes
    ):
        at = f"{prefix}input_blocks.{block}"
        if f"{at}.0.op.weight" in shapes:
            starts_level = True
        else:
            if starts_level:
                channels.append(shapes[f"{at}.0.out_layers.3.weight"][0])
                attends.append(f"{at}.1.proj_in.weight" in shapes)
            layers += len(channels) == 1  # counted on the first level: all have as many
            starts_level = False
        block += 1
    return {
        "in_channels": shapes[f"{prefix}input_blocks.0.0.weight"][1],
        "layers_per_block": layers,
        **_attention(channels, attends, shapes, f"{prefix}middle_block.1."),
    }


def _vae(shapes: Shapes) -> Config:
    down = f"{PREFIXES['vae']}encoder.down."
    levels = _count(shapes, down)
    channels = [shapes[f"{down}{i}.block.0.conv1.weight"][0] for i in range(levels)]
    # "sample_size" and "scaling_factor" are those of every Stable Diffusion 1.x and 2.x.
    return {
        "_class_name": "AutoencoderKL",
        "block_out_channels": channels,
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": _count(shapes, f"{down}0.block."),
        "latent_channels": shapes[f"{PREFIXES['vae']}decoder.conv_in.weight"][1],
        "sample_size": 512,
        "scaling_factor": 0.18215,
    }


def _text(shapes: Shapes) -> Config:
    prefix = f"{PREFIXES['text_encoder']}transformer.text_model."
    if f"{prefix}embeddings.token_embedding.weight" not in shapes:  # as NovelAI's files have it
        prefix = prefix.removesuffix("text_model.")
    vocabulary, width = shapes[f"{prefix}embeddings.token_embedding.weight"]
    return {
        "model_type": "clip_text_model",
        "architectures": ["CLIPTextModel"],
        "vocab_size": vocabulary,
        "hidden_size": width,
        "projection_dim": width,
        "intermediate_size": shapes[f"{prefix}encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": _count(shapes, f"{prefix}encoder.layers."),
        "num_attention_heads": max(width // 64, 1),
        "max_position_embeddings": shapes[f"{prefix}embeddings.position_embedding.weight"][0],
        "hidden_act": "quick_gelu",
    }


def _count(shapes: Shapes, prefix: str) -> int:
    """The count of numbered parts under a prefix."""
    numbers = {key[len(prefix) :].split(".")[0] for key in shapes if key.startswith(prefix)}
    return sum(number.isdecimal() for number in numbers)
