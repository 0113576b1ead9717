"""Models to measure on: the embedded tiny one, and random weights of larger sizes, made once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from benchmarks.measure import ROOT

TINY = ROOT / "nodes" / "builtin" / "tiny"
Name: TypeAlias = Literal["tiny", "small", "sd15"]
NAMES: tuple[Name, ...] = ("tiny", "small", "sd15")


@dataclass(frozen=True, slots=True)
class Widths:
    """What tells one Stable Diffusion from a narrower one: channels of each level."""

    unet: tuple[int, int, int, int]
    vae: tuple[int, int, int, int]
    text: int
    layers: int
    words: int
    hint: tuple[int, ...] = (16, 32, 96, 256)


WIDTHS: Mapping[Name, Widths] = {
    "small": Widths((64, 128, 256, 256), (32, 64, 128, 128), 256, 4, 762),
    "sd15": Widths((320, 640, 1280, 1280), (128, 256, 512, 512), 768, 12, 49408),
}


def folders(name: Name, parent: Path) -> tuple[Path, Path]:
    """The base model and the ControlNet of a size; ``made`` keeps those that must be made."""
    if name == "tiny":
        return TINY / "base", TINY / "controlnet-canny"
    folder = parent / name
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _make(WIDTHS[name], folder)
        (folder / "whole").touch()
    return folder / "base", folder / "controlnet"


def hush() -> None:
    """Keep diffusers and transformers from drawing bars and giving advice."""
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    for logging in (of_diffusers, of_transformers):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


def _make(widths: Widths, folder: Path) -> None:
    """Write a part at a time, so that no more than the largest is in memory."""
    import torch

    hush()
    base = folder / "base"
    parts: Mapping[Path, Callable[[Widths], Any]] = {
        base / "text_encoder": _text_encoder,
        base / "unet": _unet,
        base / "vae": _vae,
        folder / "controlnet": _controlnet,
    }
    for number, (place, make) in enumerate(parts.items()):
        torch.manual_seed(number)
        make(widths).save_pretrained(place, safe_serialization=True)
    shutil.copytree(TINY / "base" / "tokenizer", base / "tokenizer")
    scheduler().save_pretrained(base / "scheduler")
    index = json.loads((TINY / "base" / "model_index.json").read_text("utf-8"))
    index["vae"] = ["diffusers", "AutoencoderKL"]
    index["scheduler"] = ["diffusers", "DDIMScheduler"]
    (base / "model_index.json").write_text(json.dumps(index), "utf-8")


def _shared(widths: Widths) -> dict[str, Any]:
    """What UNet and ControlNet have in common, as in Stable Diffusion 1.5."""
    return {
        "block_out_channels": widths.unet,
        "cross_attention_dim": widths.text,
        "attention_head_dim": 8,
        "layers_per_block": 2,
        "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    }


def _unet(widths: Widths) -> Any:
    from diffusers import UNet2DConditionModel

    up = ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3
    return UNet2DConditionModel(sample_size=64, up_block_types=up, **_shared(widths))


def _controlnet(widths: Widths) -> Any:
    """A ControlNet whose zero convolutions are filled: else it would add nothing."""
    import torch
    from diffusers import ControlNetModel

    net = ControlNetModel(conditioning_embedding_out_channels=widths.hint, **_shared(widths))
    last = net.controlnet_cond_embedding.conv_out
    for layer in [*net.controlnet_down_blocks, net.controlnet_mid_block, last]:
        torch.nn.init.normal_(layer.weight, std=0.02)
        torch.nn.init.normal_(layer.bias, std=0.02)
    return net


def _vae(widths: Widths) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=widths.vae,
        layers_per_block=2,
        scaling_factor=0.18215,
        sample_size=512,
    )


def _text_encoder(widths: Widths) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=widths.words,
        hidden_size=widths.text,
        intermediate_size=4 * widths.text,
        num_hidden_layers=widths.layers,
        num_attention_heads=widths.text // 64,
        projection_dim=widths.text,
        bos_token_id=760,  # the tokenizer is the tiny model's
        eos_token_id=761,
        pad_token_id=761,
    )
    return CLIPTextModel(config)


def scheduler() -> Any:
    """Stable Diffusion's noise, which its networks were trained on."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
