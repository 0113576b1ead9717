"""Base and ControlNets: first the base alone, then both ControlNets beside it, in one schedule."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from diffusers import AutoencoderTiny, ControlNetModel, DDPMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import CLIPTokenizer

from training.checkpoints import load_state, save_state
from training.data import Data, load_data
from training.models import KINDS, Base, adapt, load_base, new_base, new_controlnet, new_scheduler
from training.optimiser import optimisers, set_rate
from training.ranks import Rank
from training.recipes.autoencoder import draw, to_tensor
from training.schedule import Clock, warm_then_decay

_log = logging.getLogger(__name__)
AVERAGE_EVERY = (
    8  # steps; ranks train apart in between (local SGD), so that none waits for the other
)
SAVE_EVERY = 0.03  # of the whole training
EMPTY = 0.1  # share of captions that are left out, for guidance


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train and how.

    ``start`` is a folder like ``nodes/builtin/tiny`` to go on from. Until ``controls_from`` (a
    share of the whole) the base trains alone on ``alone`` samples a step; then every step has
    ``plain`` and ``controlled`` ones. ``fused`` compiles forward and backward, which takes a while
    once and makes every step faster.
    """

    work: Path
    start: Path | None = None
    minutes: float = 60
    steps: float = float("inf")
    rate: float = 1.5e-3
    alone: int = 48
    plain: int = 20
    controlled: int = 16
    controls_from: float = 0.4
    fused: bool = True
    seed: int = 7


@dataclass(slots=True)
class Student:
    """One rank's models, optimisers and running averages of the weights."""

    base: Base
    control: ControlNetModel | None
    optimisers: list[torch.optim.Optimizer]
    averages: list[Tensor]

    def base_weights(self) -> list[Tensor]:
        """What all ranks share."""
        return [*self.base.text.parameters(), *self.base.unet.parameters()]

    def weights(self) -> list[Tensor]:
        """Everything that is trained here."""
        return self.base_weights() + (list(self.control.parameters()) if self.control else [])

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "weights": [w.detach() for w in self.weights()],
            "averages": self.averages,
            "optimisers": [o.state_dict() for o in self.optimisers],
            "controlled": self.control is not None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint holds."""
        with torch.no_grad():
            for weight, saved in zip(self.weights(), state["weights"], strict=True):
                weight.copy_(saved)
        self.averages = state["averages"]
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)


def new_student(recipe: Recipe, tokenizer: CLIPTokenizer) -> Student:
    """The base, from ``start`` if there is one, with no ControlNet yet."""
    torch.manual_seed(recipe.seed)
    if recipe.start is None:
        base = new_base(tokenizer)
    else:
        base = load_base(recipe.start / "base")
        images = to_tensor(draw(range(512)))
        folders = recipe.start / "base" / "vae", recipe.work / "vae"
        adapt(base.unet, *(_scaled_latents(folder, images) for folder in folders))
    base.text.train()
    base.unet.train().to(memory_format=torch.channels_last)
    parts = chain(optimisers(base.text, recipe.rate), optimisers(base.unet, recipe.rate))
    student = Student(base, None, list(parts), [])
    student.averages = [w.detach().clone() for w in student.weights()]
    return student


@torch.no_grad()
def _scaled_latents(folder: Path, images: Tensor) -> Tensor:
    vae = AutoencoderTiny.from_pretrained(folder, dtype=torch.float32)
    latents: Tensor = vae.encoder(images) * vae.config.scaling_factor
    return latents


def add_control(student: Student, recipe: Recipe, kind: str) -> None:
    """Give a student a ControlNet that starts as a copy of its base."""
    hints = recipe.start / f"controlnet-{kind}" if recipe.start else None
    control = new_controlnet(student.base.unet, hints).train()
    student.control = control.to(memory_format=torch.channels_last)
    student.optimisers += optimisers(student.control, recipe.rate)
    student.averages += [w.detach().clone() for w in student.control.parameters()]


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one step, the controlled ones first.

    ``clean`` (B, 8, 16, 16), ``tokens`` (B, 77), ``times`` (B,), ``hints`` (C, 3, 128, 128).
    """

    clean: Tensor
    noise: Tensor
    tokens: Tensor
    times: Tensor
    hints: Tensor | None


class Sampler:
    """Draws the batch of a step; which one depends on seed, rank and step alone."""

    def __init__(
        self, data: Data, tokenizer: CLIPTokenizer, seed: int, rank: Rank, kind: str
    ) -> None:
        self.data, self.seed, self.rank, self.kind = data, seed, rank, kind
        self.tokens, self.blank = tokenize(tokenizer, data.captions), tokenize(tokenizer, [""])[0]
        self.controllable = data.people() if kind == "openpose" else np.arange(len(data.captions))

    def batch(self, step: int, controlled: int, plain: int) -> Batch:
        """Draw ``controlled`` samples with a hint and ``plain`` ones without."""
        rng = np.random.default_rng((self.seed, self.rank.index, step))
        torch.manual_seed(int(rng.integers(2**62)))
        hinted = rng.choice(self.controllable, controlled)
        index = np.concatenate([hinted, rng.integers(0, len(self.data.captions), plain)])
        clean = torch.from_numpy(self.data.latents[index].astype(np.float32))
        tokens = self.tokens[index].clone()
        # A hint must also work where the prompt says little, hence fewer captions beside hints.
        keep = np.concatenate([np.full(controlled, 1 - 2 * EMPTY), np.full(plain, 1 - EMPTY)])
        tokens[rng.random(len(index)) >= keep] = self.blank
        times = torch.cat([spread_times(controlled), spread_times(plain)])
        hints = self._hints(hinted, rng) if controlled else None
        return Batch(clean, torch.randn_like(clean), tokens, times, hints)

    def _hints(self, index: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        if self.kind == "canny":
            return self.data.canny(index)
        return self.data.openpose(index, rng)


def spread_times(count: int) -> Tensor:
    """Time steps spread evenly over the schedule, in random order."""
    even = (torch.arange(count) + torch.rand(1)) / max(count, 1)
    return (even * 1000).long().clamp(0, 999)[torch.randperm(count)]


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """(N, 77) token ids."""
    rows = tokenizer(texts, padding="max_length", max_length=77, truncation=True).input_ids
    return torch.tensor(rows)


Velocity: TypeAlias = Callable[[Student, Tensor, Tensor, Tensor, Tensor | None], Tensor]


def velocity(
    student: Student, noisy: Tensor, times: Tensor, tokens: Tensor, hints: Tensor | None
) -> Tensor:
    """The velocity seen in noisy latents, (B, 8, 16, 16); the first samples have the hints."""
    with torch.autocast("cpu", torch.bfloat16):
        context = student.base.text(tokens)[0]
        residuals: dict[str, Any] = {}
        if hints is not None and student.control is not None:
            count = len(hints)
            # The text encoder belongs to the base: a ControlNet reads it but does not bend it.
            down, middle = student.control(
                noisy[:count], times[:count], context[:count].detach(), hints, return_dict=False
            )
            extra = len(noisy) - count
            residuals = {
                "down_block_additional_residuals": [_padded(d, extra) for d in down],
                "mid_block_additional_residual": _padded(middle, extra),
            }
        drawn: Tensor = student.base.unet(noisy, times, context, **residuals).sample
    return drawn.float()


def errors(
    student: Student, batch: Batch, schedule: DDPMScheduler, see: Velocity = velocity
) -> Tensor:
    """The mean squared error of every sample's velocity, (B,)."""
    noisy = schedule.add_noise(batch.clean, batch.noise, batch.times)
    noisy = noisy.contiguous(memory_format=torch.channels_last)
    hints = batch.hints
    if hints is not None:
        hints = hints.contiguous(memory_format=torch.channels_last)
    target = schedule.get_velocity(batch.clean, batch.noise, batch.times)
    seen = see(student, noisy, batch.times, batch.tokens, hints)
    return torch.mean((seen - target).square(), (1, 2, 3))


def _padded(residual: Tensor, extra: int) -> Tensor:
    """Nothing to add for the samples without a hint."""
    return torch.cat([residual, residual.new_zeros(extra, *residual.shape[1:])])


def train_diffusion(rank: Rank, recipe: Recipe) -> None:
    """Train until the clock says so; restarts from ``work``. Rank 0 has canny, rank 1 openpose."""
    kind = KINDS[rank.index % len(KINDS)]
    path = recipe.work / f"diffusion-{rank.index}.pt"
    tokenizer = CLIPTokenizer.from_pretrained(recipe.work / "tokenizer")
    sampler = Sampler(load_data(recipe.work), tokenizer, recipe.seed, rank, kind)
    student, clock = new_student(recipe, tokenizer), Clock(recipe.minutes, recipe.steps)
    schedule = DDPMScheduler.from_config(new_scheduler().config)
    see = torch.compile(velocity, dynamic=False) if recipe.fused else velocity
    if state := load_state(path):
        if state["controlled"]:
            add_control(student, recipe, kind)
        student.restore(state)
        clock.step, clock.elapsed = state["step"], state["elapsed"]
    progress = saved = clock.progress
    seen = Losses()
    while progress < 1:
        if progress >= recipe.controls_from and student.control is None:
            add_control(student, recipe, kind)
        counts = (recipe.controlled, recipe.plain) if student.control else (0, recipe.alone)
        batch = sampler.batch(clock.step, *counts)
        set_rate(student.optimisers, recipe.rate * warm_then_decay(clock.step, progress))
        seen.add(learn(student, batch, schedule, see), counts[0])
        clock.tick()
        follow(student, clock.step)
        if clock.step % AVERAGE_EVERY == 0:
            (progress,) = rank.mean(student.base_weights(), (clock.progress,))
        if progress >= saved + SAVE_EVERY:  # the same step on every rank
            saved = progress
            _log.info("%s %d: %.0f s, %s", kind, clock.step, clock.elapsed, seen.report())
            save_state(path, student.state() | {"step": clock.step, "elapsed": clock.elapsed})
    save_state(path, student.state() | {"step": clock.step, "elapsed": clock.elapsed})


def learn(
    student: Student, batch: Batch, schedule: DDPMScheduler, see: Velocity = velocity
) -> Tensor:
    """Take one step; return the error of every sample."""
    per_sample = errors(student, batch, schedule, see)
    torch.autograd.backward(per_sample.mean())
    nn.utils.clip_grad_norm_(student.weights(), 1.0)
    for optimiser in student.optimisers:
        optimiser.step()
        optimiser.zero_grad()
    return per_sample.detach()


def follow(student: Student, step: int, longest: float = 0.998) -> None:
    """Move the running averages towards the weights; they look back further as training goes on."""
    keep = min(longest, (1 + step) / (20 + step))
    torch._foreach_lerp_(student.averages, [w.detach() for w in student.weights()], 1 - keep)


class Losses:
    """Mean errors with and without control since the last report."""

    def __init__(self) -> None:
        self.controlled: list[float] = []
        self.plain: list[float] = []

    def add(self, per_sample: Tensor, controlled: int) -> None:
        """Note a step's errors, the controlled samples first."""
        self.controlled += per_sample[:controlled].tolist()
        self.plain += per_sample[controlled:].tolist()

    def report(self) -> str:
        """Say the means and begin anew."""
        parts = {"text alone": self.plain, "with control": self.controlled}
        text = [f"{name} {np.mean(values):.4f}" for name, values in parts.items() if values]
        self.controlled, self.plain = [], []
        return ", ".join(text)
