"""A base fine-tuned on a few pictures of a new subject (DreamBooth, arXiv 2208.12242)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, DDPMScheduler
from torch import Tensor
from transformers import CLIPTokenizer

from training.checkpoints import load_state, save_state
from training.data import encode
from training.models import export_base, load_base, new_scheduler
from training.optimiser import optimisers, set_rate
from training.recipes.diffusion import Batch, Losses, Student, learn, spread_times, tokenize
from training.scenes import Scene, make_scene
from training.scenes.potato import make_potato
from training.schedule import Clock, warm_then_decay

_log = logging.getLogger(__name__)
OWN_SEED, PRIOR_SEED = 3 * 10**8, 4 * 10**8  # apart from every other training's and measure's


@dataclass(frozen=True, slots=True)
class DreamBooth:
    """What to train and how.

    A step sees ``batch`` of the subject's few ``pictures`` and as many of the ``prior`` scenes,
    which keep the base from forgetting all else.
    """

    work: Path
    start: Path
    steps: int = 1100
    pictures: int = 32
    prior: int = 768
    batch: int = 12
    rate: float = 3e-4
    seed: int = 3


@dataclass(frozen=True, slots=True)
class Examples:
    """Pictures to learn from: ``latents`` (N, 8, 16, 16), a spread of one; ``tokens`` (N, 77)."""

    latents: Tensor
    tokens: Tensor

    @classmethod
    def of(cls, scenes: list[Scene], vae: AutoencoderTiny, tokenizer: CLIPTokenizer) -> Examples:
        """Encode scenes and their captions."""
        parts = [scenes[i : i + 32] for i in range(0, len(scenes), 32)]
        latents = np.concatenate([encode(vae, part) for part in parts])
        scaled = torch.from_numpy(latents) * float(vae.config.scaling_factor)
        return cls(scaled, tokenize(tokenizer, [scene.caption for scene in scenes]))

    def batch(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``count`` of them, with their captions."""
        index = torch.from_numpy(rng.integers(0, len(self.latents), count))
        return self.latents[index], self.tokens[index]


def train_dreambooth(recipe: DreamBooth, folder: Path) -> None:
    """Fine-tune text encoder and UNet and write the base to ``folder``; goes on from ``work``."""
    path = recipe.work / "dreambooth.pt"
    words = recipe.start / "base" / "tokenizer"
    tokenizer = CLIPTokenizer.from_pretrained(words)
    vae = AutoencoderTiny.from_pretrained(recipe.start / "base" / "vae", dtype=torch.float32)
    own = [make_potato(OWN_SEED + i) for i in range(recipe.pictures)]
    prior = [make_scene(PRIOR_SEED + i) for i in range(recipe.prior)]
    sources = [Examples.of(scenes, vae, tokenizer) for scenes in (own, prior)]
    student, clock = _student(recipe), Clock(steps=recipe.steps)
    fine_tune(student, path, recipe.rate, clock, lambda step: mixed(sources, recipe, step))
    export_base(folder, student.base, vae, words)


def fine_tune(
    student: Student, path: Path, rate: float, clock: Clock, batch_at: Callable[[int], Batch]
) -> None:
    """Learn without hints until the clock says so; goes on from ``path``."""
    schedule = DDPMScheduler.from_config(new_scheduler().config)
    if state := load_state(path):
        student.restore(state)
        clock.step, clock.elapsed = state["step"], state["elapsed"]
    seen = Losses()
    while clock.progress < 1:
        set_rate(student.optimisers, rate * warm_then_decay(clock.step, clock.progress))
        seen.add(learn(student, batch_at(clock.step), schedule), 0)
        clock.tick()
        if clock.step % 100 == 0 or clock.progress >= 1:
            _log.info("%s %d: %.0f s, %s", path.stem, clock.step, clock.elapsed, seen.report())
            save_state(path, student.state() | {"step": clock.step, "elapsed": clock.elapsed})


def _student(recipe: DreamBooth) -> Student:
    base = load_base(recipe.start / "base")
    base.text.train()
    base.unet.train().to(memory_format=torch.channels_last)
    parts = [*optimisers(base.text, recipe.rate), *optimisers(base.unet, recipe.rate)]
    return Student(base, None, parts, [])


def mixed(sources: list[Examples], recipe: DreamBooth, step: int) -> Batch:
    """The samples of a step: as many of every source, at time steps spread evenly for each."""
    rng = np.random.default_rng((recipe.seed, step))
    torch.manual_seed(int(rng.integers(2**62)))
    drawn = [source.batch(recipe.batch, rng) for source in sources]
    clean, tokens = (torch.cat(parts) for parts in zip(*drawn, strict=True))
    times = torch.cat([spread_times(recipe.batch) for _ in sources])
    return Batch(clean, torch.randn_like(clean), tokens, times, None)
