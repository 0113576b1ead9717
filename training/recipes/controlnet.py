"""Further ControlNets on a base that stays as it is, one kind a process."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler
from torch import Tensor
from transformers import CLIPTokenizer

from nodes.checkpoints.names import ControlKind
from training.checkpoints import load_state, save_state
from training.data import FIRST_SEED, Data, load_data
from training.models import load_base, new_scheduler
from training.optimiser import optimisers, set_rate
from training.ranks import Rank
from training.recipes.diffusion import (
    EMPTY,
    Batch,
    Losses,
    Student,
    learn,
    spread_times,
    tokenize,
    velocity,
)
from training.scenes import control_image, make_scene
from training.schedule import Clock, warm_then_decay

_log = logging.getLogger(__name__)
SAVE_EVERY = 0.1  # of the whole training


@dataclass(frozen=True, slots=True)
class ControlRecipe:
    """What to train and how.

    ``start`` holds the base, and the ControlNet goes beside it; ``like`` is the kind to start from:
    a ControlNet of another kind knows already how to steer this base: what is new is what the
    hints mean.
    """

    work: Path
    start: Path
    like: str = "canny"
    minutes: float = 12
    steps: float = float("inf")
    batch: int = 20
    rate: float = 1e-3
    fused: bool = True
    seed: int = 8


def checked(names: Sequence[str]) -> list[ControlKind]:
    """The kinds of these names.

    Raises:
        ValueError: there is no such kind.
    """
    known = {kind: kind for kind in get_args(ControlKind)}
    if others := [name for name in names if name not in known]:
        raise ValueError(f"no kind {others[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in names]


class Hinted:
    """Draws the batch of a step, every sample with its control image."""

    def __init__(
        self, data: Data, tokenizer: CLIPTokenizer, kind: ControlKind, recipe: ControlRecipe
    ) -> None:
        self.data, self.kind, self.recipe = data, kind, recipe
        self.tokens, self.blank = tokenize(tokenizer, data.captions), tokenize(tokenizer, [""])[0]

    def batch(self, step: int) -> Batch:
        """The samples of a step; which ones depends on seed, kind and step alone."""
        rng = np.random.default_rng((self.recipe.seed, *self.kind.encode(), step))
        torch.manual_seed(int(rng.integers(2**62)))
        count = self.recipe.batch
        index = rng.integers(0, len(self.data.captions), count)
        clean = torch.from_numpy(self.data.latents[index].astype(np.float32))
        tokens = self.tokens[index].clone()
        tokens[rng.random(count) < 2 * EMPTY] = self.blank
        hints = self._hints(index.tolist())
        return Batch(clean, torch.randn_like(clean), tokens, spread_times(count), hints)

    def _hints(self, index: Sequence[int]) -> Tensor:
        drawn = [control_image(make_scene(FIRST_SEED + i), self.kind) for i in index]
        return torch.from_numpy(np.stack(drawn).transpose(0, 3, 1, 2).astype(np.float32) / 255)


def train_controlnet(rank: Rank, kinds: Sequence[ControlKind], recipe: ControlRecipe) -> None:
    """Train this process's share of the kinds, one after the other; goes on from ``work``."""
    for kind in kinds[rank.index :: rank.count]:
        _train(kind, recipe)


def _train(kind: ControlKind, recipe: ControlRecipe) -> None:
    path = recipe.work / f"controlnet-{kind}.pt"
    tokenizer = CLIPTokenizer.from_pretrained(recipe.start / "base" / "tokenizer")
    student, clock = _student(recipe), Clock(recipe.minutes, recipe.steps)
    assert student.control is not None
    sampler = Hinted(load_data(recipe.work), tokenizer, kind, recipe)
    schedule = DDPMScheduler.from_config(new_scheduler().config)
    see = torch.compile(velocity, dynamic=False) if recipe.fused else velocity
    if state := load_state(path):
        student.restore(state)
        clock.step, clock.elapsed = state["step"], state["elapsed"]
    seen, saved = Losses(), clock.progress
    while clock.progress < 1:
        set_rate(student.optimisers, recipe.rate * warm_then_decay(clock.step, clock.progress))
        seen.add(learn(student, sampler.batch(clock.step), schedule, see), recipe.batch)
        clock.tick()
        if clock.progress >= min(1, saved + SAVE_EVERY):
            saved = clock.progress
            _log.info("%s %d: %.0f s, %s", kind, clock.step, clock.elapsed, seen.report())
            save_state(path, student.state() | {"step": clock.step, "elapsed": clock.elapsed})
    student.control.to(torch.float16).save_pretrained(recipe.start / f"controlnet-{kind}")


def _student(recipe: ControlRecipe) -> Student:
    """A base that is only read, and a ControlNet that starts as the one of another kind."""
    base = load_base(recipe.start / "base")
    base.text.requires_grad_(False)
    base.unet.requires_grad_(False).to(memory_format=torch.channels_last)
    folder = recipe.start / f"controlnet-{recipe.like}"
    control = ControlNetModel.from_pretrained(folder, dtype=torch.float32).train()
    control.to(memory_format=torch.channels_last)
    return Student(base, control, optimisers(control, recipe.rate), [])
