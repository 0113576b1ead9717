"""Small models with random weights, shaped like the real ones, and a context to run nodes in."""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.models import scheduler
from nodegraph.node import Folders, ModelRef
from nodegraph.savings import NO_SAVINGS, Savings

from .forgetful import Forgetful

TINY = Path(__file__).parents[2] / "nodes" / "builtin" / "tiny"
W = TypeVar("W")


@dataclass
class Bench(Forgetful):
    """The context of a node that runs alone: weights stay loaded, nothing is evicted."""

    device: str = "cpu"
    dtype: str = "float32"
    folders: Folders = field(default_factory=Folders)
    allow: frozenset[str] = frozenset()
    workflow: str = "{}"
    texts: Mapping[str, str] = field(default_factory=dict)
    savings: Savings = NO_SAVINGS
    loaded: dict[tuple[object, str], Any] = field(default_factory=dict)

    @contextmanager
    def lease(self, ref: ModelRef[W]) -> Iterator[W]:
        key = (ref, self.dtype)
        if key not in self.loaded:
            self.loaded[key] = ref.load(self.device, self.dtype)
        yield self.loaded[key]

    def pinned(self, model: str) -> tuple[str, str]:  # noqa: ARG002
        """No model is pinned."""
        return "", ""

    def pinned_files(self, model: str) -> Mapping[str, str]:  # noqa: ARG002
        return {}


@dataclass
class Watched(Bench):
    """A bench that notes what is leased."""

    leased: list[str] = field(default_factory=list)

    @contextmanager
    def lease(self, ref: ModelRef[W]) -> Iterator[W]:
        self.leased.append(ref.key.split()[0])
        with super().lease(ref) as weights:
            yield weights


def drain(steps: Any) -> Any:
    """What a slow node returns in the end."""
    if not isinstance(steps, Generator):
        return steps
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def save_base(folder: Path, seed: int = 0, groups: int = 32, channels: int = 4) -> Path:
    """Save a base model with SD 1.5's layout, only narrow: 4 levels, 4 latent channels.

    Args:
        channels: That the UNet takes: 9 for one that inpaints.
        groups: Of the UNet's norms. SD has 32, but so few channels leave them two numbers each at
            the deepest level of a small picture, which turns any rounding into another picture.
    """
    import torch
    from diffusers import (
        AutoencoderKL,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(seed)
    tokenizer = CLIPTokenizer.from_pretrained(TINY / "base" / "tokenizer", local_files_only=True)
    text = CLIPTextConfig(
        vocab_size=762,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=1,
        projection_dim=64,
        bos_token_id=760,
        eos_token_id=761,
        pad_token_id=761,
    )
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(32, 32, 32, 32),
            scaling_factor=0.18215,
            sample_size=64,
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(
            sample_size=8,
            in_channels=channels,
            block_out_channels=(32, 64, 64, 64),
            cross_attention_dim=64,
            norm_num_groups=groups,
        ),
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def save_controlnet(folder: Path, base: Path, seed: int = 1) -> Path:
    """Save a ControlNet for a base model, its zero convolutions filled: else it adds nothing."""
    import torch
    from diffusers import ControlNetModel, UNet2DConditionModel

    torch.manual_seed(seed)
    unet = UNet2DConditionModel.from_pretrained(base / "unet", local_files_only=True)
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 8, 8, 16))
    last = net.controlnet_cond_embedding.conv_out
    for layer in [*net.controlnet_down_blocks, net.controlnet_mid_block, last]:
        torch.nn.init.normal_(layer.weight, std=0.1)
        torch.nn.init.normal_(layer.bias, std=0.1)
    net.save_pretrained(folder, safe_serialization=True)
    return folder


def save_single(base: Path, file: Path) -> Path:
    """Save a base model as one file, with the names of the original Stable Diffusion."""
    from safetensors.torch import load_file, save_file

    name = "diffusion_pytorch_model.safetensors"
    text = load_file(base / "text_encoder" / "model.safetensors")
    weights = {
        **{
            f"model.diffusion_model.{ldm_unet(k)}": v
            for k, v in load_file(base / "unet" / name).items()
        },
        **{
            f"first_stage_model.{ldm_vae(k)}": _conv(k, v)
            for k, v in load_file(base / "vae" / name).items()
        },
        **{
            f"cond_stage_model.transformer.text_model.{k.removeprefix('text_model.')}": v
            for k, v in text.items()
        },
    }
    save_file(weights, file)
    return file


def save_single_controlnet(folder: Path, file: Path) -> Path:
    """Save a ControlNet as one file, with the names that ControlNet was first published with."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    save_file({f"control_model.{ldm_unet(key)}": value for key, value in weights.items()}, file)
    return file


def _conv(key: str, weight: Any) -> Any:
    """The VAE's attention used to be made of 1 x 1 convolutions."""
    return weight[:, :, None, None] if ".to_" in key and weight.ndim == 2 else weight


def _renamed(key: str, rules: list[tuple[str, str | Callable[[re.Match[str]], str]]]) -> str:
    for pattern, new in rules:
        key = re.sub(pattern, new, key)
    return key


def ldm_unet(key: str) -> str:
    """The name that a weight of a UNet or ControlNet (3 blocks a level) had before diffusers."""
    return _renamed(
        key,
        [
            (r"^time_embedding\.linear_1", "time_embed.0"),
            (r"^time_embedding\.linear_2", "time_embed.2"),
            (r"^conv_in", "input_blocks.0.0"),
            (r"^conv_norm_out", "out.0"),
            (r"^conv_out", "out.2"),
            (r"^controlnet_cond_embedding\.conv_in", "input_hint_block.0"),
            (r"^controlnet_cond_embedding\.conv_out", "input_hint_block.14"),
            (
                r"^controlnet_cond_embedding\.blocks\.(\d)",
                lambda m: f"input_hint_block.{2 * int(m[1]) + 2}",
            ),
            (r"^controlnet_down_blocks\.(\d+)", r"zero_convs.\1.0"),
            (r"^controlnet_mid_block", "middle_block_out.0"),
            (
                r"^down_blocks\.(\d)\.resnets\.(\d)",
                lambda m: f"input_blocks.{3 * int(m[1]) + int(m[2]) + 1}.0",
            ),
            (
                r"^down_blocks\.(\d)\.attentions\.(\d)",
                lambda m: f"input_blocks.{3 * int(m[1]) + int(m[2]) + 1}.1",
            ),
            (
                r"^down_blocks\.(\d)\.downsamplers\.0\.conv",
                lambda m: f"input_blocks.{3 * int(m[1]) + 3}.0.op",
            ),
            (r"^mid_block\.attentions\.0", "middle_block.1"),
            (r"^mid_block\.resnets\.(\d)", lambda m: f"middle_block.{2 * int(m[1])}"),
            (
                r"^up_blocks\.(\d)\.resnets\.(\d)",
                lambda m: f"output_blocks.{3 * int(m[1]) + int(m[2])}.0",
            ),
            (
                r"^up_blocks\.(\d)\.attentions\.(\d)",
                lambda m: f"output_blocks.{3 * int(m[1]) + int(m[2])}.1",
            ),
            (
                r"^up_blocks\.(\d)\.upsamplers\.0\.conv",
                lambda m: f"output_blocks.{3 * int(m[1]) + 2}.{1 + (m[1] != '0')}.conv",
            ),
            # Only in resnets: a transformer's norms keep their names.
            (r"^(\w+_blocks?[.\d]+)norm1", r"\1in_layers.0"),
            (r"^(\w+_blocks?[.\d]+)conv1", r"\1in_layers.2"),
            (r"^(\w+_blocks?[.\d]+)norm2", r"\1out_layers.0"),
            (r"^(\w+_blocks?[.\d]+)conv2", r"\1out_layers.3"),
            (r"\.time_emb_proj\.", ".emb_layers.1."),
            (r"\.conv_shortcut\.", ".skip_connection."),
        ],
    )


def ldm_vae(key: str) -> str:
    """The name that a weight of a four-level AutoencoderKL had before diffusers."""
    return _renamed(
        key,
        [
            (r"conv_norm_out", "norm_out"),
            (r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2"),
            (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
            (r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{3 - int(m[1])}.block.{m[2]}"),
            (r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{3 - int(m[1])}.upsample"),
            (r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}"),
            (r"mid_block\.attentions\.0", "mid.attn_1"),
            (r"attn_1\.group_norm", "attn_1.norm"),
            (r"attn_1\.to_([qkv])", r"attn_1.\1"),
            (r"attn_1\.to_out\.0", "attn_1.proj_out"),
            (r"conv_shortcut", "nin_shortcut"),
        ],
    )


def layers_of(base: Path, part: str, pattern: str) -> dict[str, Any]:
    """The weights of a base model's layers whose names match, by their names in diffusers."""
    from safetensors.torch import load_file

    (file,) = (base / part).glob("*.safetensors")
    top = "text_model." if part == "text_encoder" else ""
    named = {f"{top}{key.removeprefix('text_model.')}": w for key, w in load_file(file).items()}
    ends = ".weight"
    return {
        name.removesuffix(ends): weight.float()
        for name, weight in named.items()
        if name.endswith(ends) and weight.ndim in (2, 4) and re.search(pattern, name)
    }


def lora_factors(weight: Any, rank: int, generator: Any) -> tuple[Any, Any]:
    """Random factors of a change that is felt: (r, in, ...) and (out, r, 1, ...)."""
    import torch

    out, *rest = weight.shape
    sides = [1] * (weight.ndim - 2)
    down = torch.randn((rank, *rest), generator=generator)
    up = torch.randn((out, rank, *sides), generator=generator)
    return down, up * 0.02


def merged(base: Path, changes: dict[str, dict[str, Any]], folder: Path) -> Path:
    """A copy of a base model with changes added to its layers, by part and name in diffusers."""
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(base, folder)
    for part, deltas in changes.items():
        (file,) = (folder / part).glob("*.safetensors")
        weights = {key: weight.float() for key, weight in load_file(file).items()}
        for name, delta in deltas.items():
            plain = f"{name.removeprefix('text_model.')}.weight"
            key = plain if plain in weights else f"text_model.{plain}"
            weights[key] = weights[key] + delta
        save_file(weights, file)
    return folder


def save_shapes(file: Path, shapes: Mapping[str, Sequence[int]]) -> Path:
    """A weights file of float16, of its whole size, that takes none of the disk.

    Its numbers are zeros that are not written.
    """
    entries, at = {}, 0
    for key, shape in shapes.items():
        size = 2 * prod(shape)
        entries[key] = {"dtype": "F16", "shape": [*shape], "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(entries).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.write(struct.pack("<Q", len(text)) + text)
        opened.truncate(8 + len(text) + at)
    return file


def save_both_forms(folder: Path) -> Path:
    """Save a base model and a ControlNet, each as a folder and as one file, and a tokenizer."""
    save_base(folder / "base")
    save_controlnet(folder / "net", folder / "base")
    save_single(folder / "base", folder / "base.safetensors")
    save_single_controlnet(folder / "net", folder / "net.safetensors")
    shutil.copytree(TINY / "base" / "tokenizer", folder / "tokenizer")
    return folder
