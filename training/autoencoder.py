"""The autoencoder: 128 x 128 pixels to 8 x 16 x 16 latents and back, by AutoencoderTiny."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from training.checkpoints import load_state, save_state
from training.ranks import Rank
from training.scenes import make_scene
from training.scenes.render import Pixels
from training.schedule import Clock, warm_then_cosine

LATENTS = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AutoencoderRecipe:
    """What to train and how.

    ``noise`` is the largest spread of the noise added to latents: the decoder learns to clean up
    after an imperfect denoiser. ``polish`` leaves the encoder, and so every latent, as it is.
    """

    work: Path
    start: Path | None = None
    minutes: float = 10
    steps: float = float("inf")
    batch: int = 8
    rate: float = 2e-3
    noise: float = 0.15
    polish: bool = False
    seed: int = 1
    probes: int = 256  # scenes that the spread of the latents is measured on


def new_autoencoder(width: int = 32) -> AutoencoderTiny:
    """An untrained autoencoder, eight times smaller latents."""
    return AutoencoderTiny(
        encoder_block_out_channels=(width,) * 4,
        decoder_block_out_channels=(width,) * 4,
        latent_channels=LATENTS,
        num_encoder_blocks=(0, 1, 2, 2),
        num_decoder_blocks=(2, 2, 1, 0),
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
    """Absolute and squared error of pixels, and half the absolute error of their differences."""
    error = drawn - true
    slopes = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return error.abs().mean() + 0.5 * slopes + error.square().mean()


@torch.no_grad()
def even_out(
    vae: AutoencoderTiny, images: Tensor, power: float = 0.25, spread: float = 0.8
) -> None:
    """Fold a linear map into encoder and decoder so that no direction of the latents is faint.

    Principal axes of spread s come to have a spread proportional to s ** (2 * power). The decoder's
    squashing of its input makes the fold inexact: train on afterwards.
    """
    latents = vae.encoder(images)
    flat = latents.permute(1, 0, 2, 3).reshape(LATENTS, -1).double()
    mean = flat.mean(1)
    values, axes = torch.linalg.eigh(torch.cov(flat))
    gains = values ** (power - 0.5)
    forth = axes @ torch.diag(gains) @ axes.T
    forth *= spread / float((forth @ (flat - mean[:, None])).std())
    back = torch.linalg.inv(forth)
    last, first = vae.encoder.layers[-1], vae.decoder.layers[0]
    assert isinstance(last, nn.Conv2d)
    assert isinstance(first, nn.Conv2d)
    assert last.bias is not None
    assert first.bias is not None
    last.weight.copy_(torch.einsum("ij,jkhw->ikhw", forth, last.weight.double()))
    last.bias.copy_(forth @ (last.bias.double() - mean))
    first.bias += torch.einsum("ojhw,j->o", first.weight.double(), mean)
    first.weight.copy_(torch.einsum("ojhw,ji->oihw", first.weight.double(), back))


def train_autoencoder(rank: Rank, recipe: AutoencoderRecipe) -> None:
    """Train on freshly drawn scenes, gradients averaged over the ranks; restarts from ``work``."""
    path = recipe.work / ("decoder.pt" if recipe.polish else "autoencoder.pt")
    torch.manual_seed(recipe.seed)
    vae = AutoencoderTiny.from_pretrained(recipe.start) if recipe.start else new_autoencoder()
    vae = vae.to(memory_format=torch.channels_last).train()
    if recipe.start and not recipe.polish:
        even_out(vae, to_tensor(draw(range(128))))
    vae.encoder.requires_grad_(not recipe.polish)
    weights = [w for w in vae.parameters() if w.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=recipe.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    clock = Clock(recipe.minutes, recipe.steps)
    if state := load_state(path):
        vae.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        clock.step, clock.elapsed = state["step"], state["elapsed"]
    progress = clock.progress
    while progress < 1:
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * warm_then_cosine(clock.step, progress)
        loss = _loss(vae, recipe, rank, clock.step)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        clock.tick()
        gradients = [w.grad for w in weights if w.grad is not None]
        progress, mean_loss = rank.mean(gradients, (clock.progress, loss.item()))
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        if rank.first and clock.step % 100 == 0:
            _log.info("autoencoder %d: %.0f s, loss %.4f", clock.step, clock.elapsed, mean_loss)
        if rank.first and (clock.step % 500 == 0 or progress >= 1):
            state = {"weights": vae.state_dict(), "optimiser": optimiser.state_dict()}
            save_state(path, state | {"step": clock.step, "elapsed": clock.elapsed})
    if rank.first:
        _finish(vae, recipe)


def draw(seeds: range) -> Pixels:
    """(N, 128, 128, 3): the scenes of some seeds."""
    return np.stack([make_scene(seed).picture.pixels for seed in seeds])


def _loss(vae: AutoencoderTiny, recipe: AutoencoderRecipe, rank: Rank, step: int) -> Tensor:
    """The loss on the scenes that belong to this step of this rank."""
    first = recipe.seed * 10**8 + (step * rank.count + rank.index) * recipe.batch
    images = to_tensor(draw(range(first, first + recipe.batch)))
    torch.manual_seed(first)
    with torch.autocast("cpu", torch.bfloat16):
        latents = vae.encoder(images).float()
        spread = recipe.noise * torch.rand(len(latents), 1, 1, 1)
        drawn = vae.decoder(latents + spread * torch.randn_like(latents)).float()
    outliers = (latents.abs() - 2.5).clamp(min=0).mean()
    bounds: Tensor = 2e-3 * latents.square().mean() + 0.05 * outliers
    return reconstruction_loss(drawn, images) + bounds


@torch.no_grad()
def _finish(vae: AutoencoderTiny, recipe: AutoencoderRecipe) -> None:
    """Save in diffusers' format, with the scale that gives latents a spread of one."""
    vae.eval()
    images = to_tensor(draw(range(recipe.probes)))
    latents = vae.encoder(images)
    if not recipe.polish:
        vae.register_to_config(scaling_factor=float(1 / latents.std()))
    error = (vae.decoder(latents).clamp(-1, 1) - images).div(2).square().mean((1, 2, 3))
    _log.info("autoencoder: %.2f dB", float(-10 * error.log10().mean()))
    vae.save_pretrained(recipe.work / "vae")
