"""A LoRA on the base (arXiv 2106.09685): small matrices that make it draw in ink."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization
from transformers import CLIPTokenizer

from training.models import load_base
from training.recipes.diffusion import Batch, Student, spread_times
from training.recipes.dreambooth import Examples, fine_tune
from training.scenes import Scene, make_scene, render
from training.scenes.render import Picture, Pixels
from training.schedule import Clock

SEED = 5 * 10**8
INK, PAPER = (26, 26, 30), (248, 248, 248)


@dataclass(frozen=True, slots=True)
class LoraRecipe:
    """What to train and how; ``rank`` is the width between the two matrices of a layer."""

    work: Path
    start: Path
    steps: int = 600
    scenes: int = 768
    batch: int = 24
    rank: int = 8
    rate: float = 4e-3
    seed: int = 4


class LowRank(nn.Module):
    """Adds ``up @ down`` to a weight of any shape; at first that is nothing."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        self.shape = tuple(weight.shape)
        self.down = nn.Parameter(torch.randn(rank, weight[0].numel()) / weight[0].numel() ** 0.5)
        self.up = nn.Parameter(torch.zeros(len(weight), rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight that the layer uses."""
        return weight + (self.up @ self.down).view_as(weight)


def add_lora(unet: nn.Module, rank: int) -> dict[str, LowRank]:
    """Freeze a UNet and give its attention, feed-forward and residual layers low-rank additions."""
    unet.requires_grad_(False)
    added: dict[str, LowRank] = {}
    for name, layer in list(unet.named_modules()):
        inner = any(part in name for part in ("attn", "ff.net", "resnets"))
        if inner and isinstance(layer, nn.Linear | nn.Conv2d):
            added[name] = LowRank(layer.weight, rank)
            register_parametrization(layer, "weight", added[name])
    return added


def ink(scene: Scene) -> Pixels:
    """A scene drawn on white paper, with a dark line around everything.

    Both are colours of the scenes themselves: the decoder has never seen others.
    """
    big = render(scene.layout, scene.colours, 512)
    line = cv2.dilate(_borders(big), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (17, 17))) > 0
    big.pixels[big.parts == 0] = PAPER
    big.pixels[line] = INK
    drawn: Pixels = cv2.resize(big.pixels, (128, 128), interpolation=cv2.INTER_AREA)
    return drawn.astype(np.uint8)


def _borders(picture: Picture) -> Pixels:
    """Where a pixel and its neighbour have clearly different colours, 255; else 0."""
    steps = np.zeros(picture.parts.shape, np.uint8)
    colours = picture.pixels.astype(np.int16)
    for axis in (0, 1):
        different = np.abs(np.diff(colours, axis=axis)).max(2) > 12
        steps[tuple(slice(0, n) for n in different.shape)][different] = 255
    return steps


def train_lora(recipe: LoraRecipe, path: Path) -> None:
    """Train the additions alone and write them in diffusers' format; goes on from ``work``."""
    base = load_base(recipe.start / "base")
    base.text.requires_grad_(False)
    base.unet.to(memory_format=torch.channels_last)
    added = add_lora(base.unet, recipe.rank)
    weights = [w for one in added.values() for w in one.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=recipe.rate, betas=(0.9, 0.99), weight_decay=0.0)
    student, clock = Student(base, None, [optimiser], []), Clock(steps=recipe.steps)
    examples, checkpoint = _examples(recipe), recipe.work / "lora.pt"
    fine_tune(student, checkpoint, recipe.rate, clock, lambda step: _batch(examples, recipe, step))
    save_lora(added, path)


def _examples(recipe: LoraRecipe) -> Examples:
    tokenizer = CLIPTokenizer.from_pretrained(recipe.start / "base" / "tokenizer")
    vae = AutoencoderTiny.from_pretrained(recipe.start / "base" / "vae", dtype=torch.float32)
    scenes = []
    for seed in range(SEED, SEED + recipe.scenes):
        scene = make_scene(seed)
        picture = Picture(ink(scene), scene.picture.parts, scene.picture.names)
        scenes.append(Scene(scene.layout, scene.colours, picture, scene.caption))
    return Examples.of(scenes, vae, tokenizer)


def _batch(examples: Examples, recipe: LoraRecipe, step: int) -> Batch:
    rng = np.random.default_rng((recipe.seed, step))
    torch.manual_seed(int(rng.integers(2**62)))
    clean, tokens = examples.batch(recipe.batch, rng)
    return Batch(clean, torch.randn_like(clean), tokens, spread_times(recipe.batch), None)


def save_lora(added: dict[str, LowRank], path: Path) -> None:
    """Write the matrices as fp16 safetensors under the names that diffusers and peft use."""
    tensors: dict[str, Tensor] = {}
    for name, one in added.items():
        down, up = one.down.detach(), one.up.detach()
        if len(one.shape) == 4:
            down, up = down.view(len(down), *one.shape[1:]), up.view(*up.shape, 1, 1)
        tensors[f"unet.{name}.lora_A.weight"] = down.half().contiguous()
        tensors[f"unet.{name}.lora_B.weight"] = up.half().contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
