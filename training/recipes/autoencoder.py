"""The autoencoder: 128 x 128 pixels to 8 x 16 x 16 latents and back, by AutoencoderTiny."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from training.checkpoints import load_state, save_state
from training.optimiser import optimisers, set_rate
from training.ranks import Rank
from training.scenes import make_scene
from training.scenes.layout import SIZE
from training.scenes.render import Pixels
from training.schedule import Clock, warm_then_cosine

LATENTS = 8
CROP = 64  # pixels
WHOLE_FROM = 0.75  # of the training
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AutoencoderRecipe:
    """What to train and how.

    A step sees ``batch`` crops of ``CROP`` pixels, or, in the last quarter, as many pixels of
    whole pictures. ``noise`` is the largest spread of the noise added to latents: the decoder
    learns to clean up after an imperfect denoiser.
    """

    work: Path
    minutes: float = 20
    steps: float = float("inf")
    batch: int = 16
    rate: float = 2e-3
    noise: float = 0.1
    seed: int = 1
    probes: int = 256  # scenes that the spread of the latents is measured on


def new_autoencoder(width: int = 64) -> AutoencoderTiny:
    """An untrained autoencoder, eight times smaller latents; most of it works on small planes."""
    return AutoencoderTiny(
        encoder_block_out_channels=(width,) * 4,
        decoder_block_out_channels=(width,) * 4,
        latent_channels=LATENTS,
        num_encoder_blocks=(0, 1, 3, 3),
        num_decoder_blocks=(3, 3, 1, 0),
    )


def to_tensor(pixels: Pixels) -> Tensor:
    """(B, H, W, 3) levels to (B, 3, H, W) in [-1, 1]."""
    planes = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    return planes.contiguous(memory_format=torch.channels_last)


def to_pixels(images: Tensor) -> Pixels:
    """(B, 3, H, W) in [-1, 1] to (B, H, W, 3) levels."""
    levels = images.detach().float().clamp(-1, 1).add(1).mul(127.5).round()
    return levels.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def reconstruction_loss(drawn: Tensor, true: Tensor) -> Tensor:
    """Absolute and squared error of pixels and of their differences, most of it near edges.

    Faces and hands are a hundredth of a picture: a plain mean would leave them smears.
    """
    weight = 1 + 4 * detail(true)
    error = drawn - true
    across, down = weight[..., 1:] * error.diff(dim=3), weight[..., 1:, :] * error.diff(dim=2)
    slopes = across.abs().mean() + down.abs().mean()
    return (weight * (error.abs() + error.square())).mean() + 0.5 * slopes


def detail(images: Tensor, reach: int = 2) -> Tensor:
    """Whether colours change within ``reach`` pixels: (B, 3, H, W) to (B, 1, H, W) in [0, 1]."""
    window, padding = 2 * reach + 1, reach
    highest = max_pool2d(images, window, 1, padding)
    lowest = -max_pool2d(-images, window, 1, padding)
    return ((highest - lowest).amax(1, keepdim=True) / 0.3).clamp(max=1)


def moment_loss(latents: Tensor) -> Tensor:
    """How far the channels are from independent ones of mean 0 and spread 1.

    Noise hides what is faint, so no direction of the latents may be: a denoiser draws all of them.
    """
    flat = latents.permute(1, 0, 2, 3).reshape(len(latents[0]), -1)
    moments = flat @ flat.T / flat.shape[1]
    return (moments - torch.eye(len(moments))).square().mean() + flat.mean(1).square().mean()


def train_autoencoder(rank: Rank, recipe: AutoencoderRecipe) -> None:
    """Train on freshly drawn scenes; restarts from ``work``."""
    torch.manual_seed(recipe.seed)
    vae = new_autoencoder().to(memory_format=torch.channels_last).train()
    clock = Clock(recipe.minutes, recipe.steps)
    descent = Descent(rank, vae, recipe.work / "autoencoder.pt", recipe.rate, clock)
    descent.run(lambda step, progress: _loss(vae, recipe, rank, step, progress))
    if rank.first:
        set_scale(vae, recipe.probes)
        finish(vae, recipe.work, recipe.probes)


@dataclass(slots=True)
class Descent:
    """Trains a module with gradients averaged over the ranks; goes on from ``path``."""

    rank: Rank
    module: nn.Module
    path: Path
    rate: float
    clock: Clock

    def run(self, loss_at: Callable[[int, float], Tensor]) -> None:
        """Step until the clock says so; ``loss_at`` is given the step and the progress."""
        clock, parts = self.clock, optimisers(self.module, self.rate)
        if state := load_state(self.path):
            self.module.load_state_dict(state["weights"])
            for part, saved in zip(parts, state["optimisers"], strict=True):
                part.load_state_dict(saved)
            clock.step, clock.elapsed = state["step"], state["elapsed"]
        progress = clock.progress
        while progress < 1:
            set_rate(parts, self.rate * warm_then_cosine(clock.step, progress))
            progress = self._step(loss_at(clock.step, progress), parts)
            if self.rank.first and (clock.step % 500 == 0 or progress >= 1):
                state = {"weights": self.module.state_dict()}
                state |= {"optimisers": [part.state_dict() for part in parts]}
                save_state(self.path, state | {"step": clock.step, "elapsed": clock.elapsed})

    def _step(self, loss: Tensor, parts: Sequence[torch.optim.Optimizer]) -> float:
        torch.autograd.backward(loss)
        self.clock.tick()
        weights = list(self.module.parameters())
        gradients = [w.grad for w in weights if w.grad is not None]
        progress, mean = self.rank.mean(gradients, (self.clock.progress, loss.item()))
        nn.utils.clip_grad_norm_(weights, 1.0)
        for part in parts:
            part.step()
            part.zero_grad()
        if self.rank.first and self.clock.step % 100 == 0:
            name, seconds = self.path.stem, self.clock.elapsed
            _log.info("%s %d: %.0f s, loss %.4f", name, self.clock.step, seconds, mean)
        return progress


def draw(seeds: range) -> Pixels:
    """(N, 128, 128, 3): the scenes of some seeds."""
    return np.stack([make_scene(seed).picture.pixels for seed in seeds])


def _pictures(recipe: AutoencoderRecipe, first: int, progress: float) -> Tensor:
    """Fresh scenes: crops at random places, or fewer whole ones at the end."""
    if progress >= WHOLE_FROM:
        return to_tensor(draw(range(first, first + max(1, recipe.batch * CROP**2 // SIZE**2))))
    rng = np.random.default_rng(first)
    corners = rng.integers(0, SIZE - CROP + 1, (recipe.batch, 2))
    scenes = draw(range(first, first + recipe.batch))
    crops = [
        scene[y : y + CROP, x : x + CROP] for scene, (y, x) in zip(scenes, corners, strict=True)
    ]
    return to_tensor(np.stack(crops))


def _loss(
    vae: AutoencoderTiny, recipe: AutoencoderRecipe, rank: Rank, step: int, progress: float
) -> Tensor:
    """The loss on the scenes that belong to this step of this rank."""
    first = recipe.seed * 10**8 + (step * rank.count + rank.index) * recipe.batch
    images = _pictures(recipe, first, progress)
    torch.manual_seed(first)
    with torch.autocast("cpu", torch.bfloat16):
        latents = vae.encoder(images).float()
        spread = recipe.noise * torch.rand(len(latents), 1, 1, 1)
        drawn = vae.decoder(latents + spread * torch.randn_like(latents)).float()
    outliers = (latents.abs() - 2.8).clamp(min=0).mean()
    loss: Tensor = reconstruction_loss(drawn, images) + 0.05 * outliers
    return loss + 0.5 * moment_loss(latents)


@torch.no_grad()
def set_scale(vae: AutoencoderTiny, probes: int) -> None:
    """Note the scale that gives latents a spread of one."""
    latents = vae.encoder(to_tensor(draw(range(probes))))
    vae.register_to_config(scaling_factor=float(1 / latents.std()))


@torch.no_grad()
def finish(vae: AutoencoderTiny, work: Path, probes: int) -> None:
    """Save in diffusers' format, and say how near pictures come back."""
    vae.eval()
    images = to_tensor(draw(range(probes)))
    drawn = vae.decoder(vae.encoder(images))
    error = (drawn.clamp(-1, 1) - images).div(2).square().mean((1, 2, 3))
    _log.info("autoencoder: %.2f dB", float(-10 * error.log10().mean()))
    vae.save_pretrained(work / "vae")
