"""Depth, normals and things in a drawing, learned from drawings whose exact maps are known."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from nodes.detectors.files import fill, tensors
from nodes.detectors.tiny_dense import NAMES, DenseNet, Surfaces
from training.checkpoints import load_state, save_state
from training.optimiser import optimisers
from training.ranks import Rank
from training.scenes import Kind, Scene, make_scene, render
from training.scenes.conditionings import nearness
from training.scenes.render import Pixels
from training.scenes.surfaces import normals, things
from training.schedule import Clock, warm_then_cosine

SIZES = (64, 64, 96, 128)  # a batch's pictures have one of these: small ones cost little
SHARES: Mapping[Kind, float] = {"shape": 0.4, "pair": 0.35, "person": 0.25}
COUNTS = {"background": 0.3, "person": 1.0, "shape": 1.0}  # how much a pixel's name counts
HELD_OUT = 9 * 10**8  # seeds from here on are never trained on
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DenseRecipe:
    """What to train and how.

    ``start`` is a folder with weights to begin a new schedule from. ``noise`` is the largest
    spread, in levels of 255, of what is added to the pictures: those that a diffusion model made
    are not as clean as drawn ones.
    """

    work: Path
    start: Path | None = None
    minutes: float = 6
    steps: float = float("inf")
    batch: int = 8
    rate: float = 4e-3
    noise: float = 6.0
    seed: int = 1


class Maps(NamedTuple):
    """Pictures in [-1, 1] and what is to be seen in them; shapes as of ``Surfaces``."""

    pictures: Tensor
    depth: Tensor
    normal: Tensor
    things: Tensor


class Errors(NamedTuple):
    """How far off a network is on scenes that it was not trained on.

    Attributes:
        depth: Mean absolute error, where 0 is far and 1 is near.
        degrees: Mean angle between normals on things and their rims, where it is not flat.
        right: Share of pixels whose thing is right.
        overlap: Mean over the kinds of things of intersection over union, the background too.
    """

    depth: float
    degrees: float
    right: float
    overlap: float


def maps_of(scenes: list[Scene], size: int) -> Maps:
    """Draw scenes at a size, with their exact maps."""
    drawn = [render(scene.layout, scene.colours, size) for scene in scenes]
    near = [nearness(scene, size) for scene in scenes]
    labels = [_labels(scene, one.parts) for scene, one in zip(scenes, drawn, strict=True)]
    return Maps(
        torch.from_numpy(np.stack([one.pixels for one in drawn])).permute(0, 3, 1, 2) / 127.5 - 1,
        torch.from_numpy(np.stack(near))[:, None],
        torch.from_numpy(np.stack([normals(one) for one in near])).permute(0, 3, 1, 2),
        torch.from_numpy(np.stack(labels)),
    )


def _labels(scene: Scene, parts: Pixels) -> NDArray[np.int64]:
    indices, names = things(scene.layout, parts)
    labels: NDArray[np.int64] = np.array([NAMES.index(name) for name in names])[indices]
    return labels


def loss(seen: Surfaces, true: Maps) -> Tensor:
    """Absolute error of depth and of its slopes, cosine of normals, cross entropy of things."""
    error = seen.depth - true.depth
    slopes = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    away = 1 - (seen.normal * true.normal).sum(1)
    counts = torch.tensor([COUNTS[name] for name in NAMES])
    named = cross_entropy(seen.logits, true.things, counts)
    total: Tensor = 4 * (error.abs().mean() + slopes) + 2 * away.mean() + named
    return total


def train_dense(rank: Rank, recipe: DenseRecipe) -> None:
    """Train on freshly drawn scenes, gradients averaged over the ranks; restarts from ``work``."""
    path = recipe.work / "dense.pt"
    torch.manual_seed(recipe.seed)
    net = DenseNet()
    if recipe.start:
        weights = recipe.start / "model.safetensors"
        fill(net, tensors(weights), weights)
    net = net.to(memory_format=torch.channels_last).train()
    steppers = optimisers(net, recipe.rate)
    rates = [group for stepper in steppers for group in stepper.param_groups]
    clock = Clock(recipe.minutes, recipe.steps)
    if state := load_state(path):
        net.load_state_dict(state["weights"])
        for stepper, saved in zip(steppers, state["optimisers"], strict=True):
            stepper.load_state_dict(saved)
        clock.step, clock.elapsed = state["step"], state["elapsed"]
    progress = clock.progress
    while progress < 1:
        for group in rates:
            group["lr"] = recipe.rate * warm_then_cosine(clock.step, progress)
        found = _loss(net, recipe, rank, clock.step)
        net.zero_grad()
        torch.autograd.backward(found)
        clock.tick()
        gradients = [weight.grad for weight in net.parameters() if weight.grad is not None]
        progress, mean_loss = rank.mean(gradients, (clock.progress, found.item()))
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
        if rank.first and clock.step % 50 == 0:
            _log.info("dense %d: %.0f s, loss %.4f", clock.step, clock.elapsed, mean_loss)
        if rank.first and (clock.step % 200 == 0 or progress >= 1):
            kept = [stepper.state_dict() for stepper in steppers]
            state = {"weights": net.state_dict(), "optimisers": kept}
            save_state(path, state | {"step": clock.step, "elapsed": clock.elapsed})
    if rank.first:
        write_dense(net, recipe.work / "dense")


def _loss(net: DenseNet, recipe: DenseRecipe, rank: Rank, step: int) -> Tensor:
    """The loss on the scenes that belong to this step of this rank."""
    first = recipe.seed * 10**8 + (step * rank.count + rank.index) * recipe.batch
    rng = np.random.default_rng(first)
    kinds = rng.choice([*SHARES], recipe.batch, p=[*SHARES.values()])
    scenes = [make_scene(first + i, kind) for i, kind in enumerate(kinds)]
    true = maps_of(scenes, int(rng.choice(SIZES)))
    with torch.autocast("cpu", torch.bfloat16):
        return loss(net(_worn(true.pictures, recipe.noise, rng)), true)


def _worn(pictures: Tensor, noise: float, rng: np.random.Generator) -> Tensor:
    """Pictures as they come from elsewhere: some noisy, some blurred, some squeezed by JPEG."""
    worn = []
    for picture in ((pictures + 1) * 127.5).permute(0, 2, 3, 1).numpy():
        pixels = picture + rng.normal(0, rng.uniform(0, noise), picture.shape)
        if rng.random() < 0.4:
            pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 0.9))
        pixels = pixels.clip(0, 255).astype(np.uint8)
        if rng.random() < 0.3:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
            pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR)
        worn.append(pixels)
    planes = torch.from_numpy(np.stack(worn)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return planes.contiguous(memory_format=torch.channels_last)


def write_dense(net: DenseNet, folder: Path) -> None:
    """Write the weights as a float16 safetensors file."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.half().contiguous()
        for name, value in net.state_dict().items()
        if value.is_floating_point()
    }
    save_file(state, folder / "model.safetensors", {"source": "training/recipes/dense.py"})


@torch.no_grad()
def measure(folder: Path, count: int = 200, size: int = 128, noise: float = 0.0) -> Errors:
    """Measure the written weights on scenes that nothing was trained on."""
    net = DenseNet().eval()
    weights = folder / "model.safetensors"
    fill(net, tensors(weights), weights)
    rng = np.random.default_rng(0)
    errors: list[tuple[float, float]] = []
    counts = np.zeros((len(NAMES), len(NAMES)), np.int64)
    for seed in range(HELD_OUT, HELD_OUT + count):
        true = maps_of([make_scene(seed)], size)
        pictures = _worn(true.pictures, noise, rng) if noise else true.pictures
        seen = net(pictures)
        cosine = (seen.normal * true.normal).sum(1).clamp(-1, 1)
        uneven = true.normal[:, 2] < 0.999
        away = torch.rad2deg(torch.acos(cosine))[uneven].mean()
        errors.append((float((seen.depth - true.depth).abs().mean()), float(away)))
        guesses = seen.logits.argmax(1)
        np.add.at(counts, (true.things.numpy().ravel(), guesses.numpy().ravel()), 1)
    depth, degrees = np.mean(errors, axis=0)
    hits = np.diag(counts)
    overlap = hits / (counts.sum(0) + counts.sum(1) - hits)
    return Errors(
        float(depth), float(degrees), float(hits.sum() / counts.sum()), float(np.nanmean(overlap))
    )
