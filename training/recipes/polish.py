"""The decoder once more, on latents as a denoiser leaves them; the encoder stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDPMScheduler
from torch import Tensor
from transformers import CLIPTokenizer

from training.models import load_base, new_scheduler
from training.ranks import Rank
from training.recipes.autoencoder import Descent, draw, finish, reconstruction_loss, to_tensor
from training.recipes.diffusion import Student, tokenize, velocity
from training.scenes import make_scene
from training.schedule import Clock


@dataclass(frozen=True, slots=True)
class PolishRecipe:
    """What to train and how.

    ``start`` holds the base whose errors are to be cleaned up: noise of up to ``latest`` time steps
    is laid over a latent, and the decoder is given what the base makes of that in one step.
    """

    work: Path
    start: Path
    minutes: float = 8
    steps: float = float("inf")
    batch: int = 4
    rate: float = 1e-3
    latest: int = 250
    seed: int = 2
    probes: int = 256


def train_polish(rank: Rank, recipe: PolishRecipe) -> None:
    """Train the decoder in ``work`` on freshly drawn scenes; goes on from ``work``."""
    vae = AutoencoderTiny.from_pretrained(recipe.work / "vae", dtype=torch.float32)
    vae.to(memory_format=torch.channels_last).train()
    cleaner = Cleaner(recipe, vae)
    clock = Clock(recipe.minutes, recipe.steps)
    descent = Descent(rank, vae.decoder, recipe.work / "decoder.pt", recipe.rate, clock)

    def loss_at(step: int, _progress: float) -> Tensor:
        first = recipe.seed * 10**8 + (step * rank.count + rank.index) * recipe.batch
        seeds = range(first, first + recipe.batch)
        images = to_tensor(draw(seeds))
        latents = cleaner.cleaned(images, seeds)
        with torch.autocast("cpu", torch.bfloat16):
            drawn = vae.decoder(latents).float()
        return reconstruction_loss(drawn, images)

    descent.run(loss_at)
    if rank.first:
        finish(vae, recipe.work, recipe.probes)


class Cleaner:
    """Encodes pictures, lays noise over their latents, and lets a base take it away again."""

    def __init__(self, recipe: PolishRecipe, vae: AutoencoderTiny) -> None:
        base = load_base(recipe.start / "base")
        base.unet.to(memory_format=torch.channels_last)
        self.student, self.vae, self.latest = Student(base, None, [], []), vae, recipe.latest
        self.tokenizer = CLIPTokenizer.from_pretrained(recipe.start / "base" / "tokenizer")
        self.schedule = DDPMScheduler.from_config(new_scheduler().config)

    @torch.no_grad()
    def cleaned(self, images: Tensor, seeds: range) -> Tensor:
        """(B, 8, 16, 16) as the decoder takes them: what is left of the latents' details."""
        torch.manual_seed(seeds.start)
        scale = float(self.vae.config.scaling_factor)
        clean = self.vae.encoder(images) * scale
        times = torch.randint(0, self.latest, (len(clean),))
        noisy = self.schedule.add_noise(clean, torch.randn_like(clean), times)
        tokens = tokenize(self.tokenizer, [make_scene(seed).caption for seed in seeds])
        seen = velocity(self.student, noisy, times, tokens, None)
        kept = self.schedule.alphas_cumprod[times].view(-1, 1, 1, 1)
        cleaned: Tensor = (kept.sqrt() * noisy - (1 - kept).sqrt() * seen) / scale
        return cleaned
