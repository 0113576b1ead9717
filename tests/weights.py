"""Small models with random weights, shaped like the real ones, and a context to run nodes in."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from nodegraph.node import Folders, ModelRef, Output, Progress

TINY = Path(__file__).parents[1] / "nodes" / "tiny"
W = TypeVar("W")
OutT = TypeVar("OutT")


@dataclass
class Bench:
    """The context of a node that runs alone: weights stay loaded, nothing is evicted."""

    device: str = "cpu"
    dtype: str = "float32"
    folders: Folders = field(default_factory=Folders)
    allow: frozenset[str] = frozenset()
    workflow: str = "{}"
    loaded: dict[tuple[object, str], Any] = field(default_factory=dict)

    @contextmanager
    def lease(self, ref: ModelRef[W]) -> Iterator[W]:
        wanted = (ref, self.dtype)
        if wanted not in self.loaded:
            self.loaded[wanted] = ref.load(self.device, self.dtype)
        yield self.loaded[wanted]

    def preload(self, ref: ModelRef[object]) -> None:
        """Load nothing: a lease does."""


def drain(steps: Generator[Progress, None, OutT] | OutT) -> OutT:
    """What a slow node returns in the end."""
    if not isinstance(steps, Generator):
        return steps
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def save_base(folder: Path, seed: int = 0) -> Path:
    """Save a base model with SD 1.5's layout, only narrow: 4 levels, 4 latent channels, AutoencoderKL."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(seed)
    tokenizer = CLIPTokenizer.from_pretrained(TINY / "base" / "tokenizer", local_files_only=True)
    text = CLIPTextConfig(
        vocab_size=762,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=32,
        bos_token_id=760,
        eos_token_id=761,
        pad_token_id=761,
    )
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 8, 16, 16),
            layers_per_block=1,
            norm_num_groups=4,
            scaling_factor=0.18215,
            sample_size=64,
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(16, 32, 32, 32),
            layers_per_block=2,
            cross_attention_dim=32,
            attention_head_dim=4,
            norm_num_groups=8,
        ),
        scheduler=DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def save_controlnet(folder: Path, base: Path, seed: int = 1) -> Path:
    """Save a ControlNet for a base model whose zero convolutions are filled: untrained ones add nothing."""
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


def copy_of(folder: Path, to: Path) -> Path:
    """A copy of a model folder, to be spoiled."""
    shutil.copytree(folder, to)
    return to


def outputs_of(output: Output) -> dict[str, object]:
    """An output's values by name."""
    return {name: getattr(output, name) for name in type(output).model_fields}
