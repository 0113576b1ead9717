"""Many scenes drawn once: latents, edges, poses and captions in memory-mapped files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor

from training.ranks import Rank
from training.recipes.autoencoder import LATENTS, to_tensor
from training.scenes import Scene, canny, make_scene, skeleton

FIRST_SEED = 10**7  # apart from the seeds of the autoencoder and of the evaluation
CANVASES = (128, 256, 256, 384, 512)  # how large the skeletons were drawn before they were shrunk


@dataclass(frozen=True, slots=True)
class Data:
    """Scenes to train on.

    ``latents`` (N, 8, 16, 16) float16, scaled to a spread of one; ``edges`` (N, 2048) packed bits;
    ``poses`` (N, 18, 2), NaN where nobody is.
    """

    latents: NDArray[np.float16]
    edges: NDArray[np.uint8]
    poses: NDArray[np.float32]
    captions: list[str]

    def canny(self, index: NDArray[np.int64]) -> Tensor:
        """Edge maps (B, 3, 128, 128) in [0, 1]."""
        lines = np.unpackbits(self.edges[index], axis=1).reshape(-1, 1, 128, 128)
        return torch.from_numpy(lines.repeat(3, axis=1).astype(np.float32))

    def openpose(self, index: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """Skeletons (B, 3, 128, 128) in [0, 1], their sticks thin or thick at random."""
        drawn = [skeleton(self.poses[i], int(rng.choice(CANVASES))) for i in index]
        return torch.from_numpy(np.stack(drawn).transpose(0, 3, 1, 2).astype(np.float32) / 255)

    def people(self) -> NDArray[np.int64]:
        """The indices of scenes with a person."""
        return np.flatnonzero(~np.isnan(self.poses[:, 0, 0]))


def render_data(rank: Rank, work: Path, count: int, vae: Path) -> None:
    """Draw and encode every rank's share of ``count`` scenes."""
    model = AutoencoderTiny.from_pretrained(vae).eval().to(memory_format=torch.channels_last)
    scale = float(model.config.scaling_factor)
    share = range(rank.index * count // rank.count, (rank.index + 1) * count // rank.count)
    latents = np.empty((len(share), LATENTS, 16, 16), np.float16)
    edges = np.empty((len(share), 128 * 128 // 8), np.uint8)
    poses = np.full((len(share), 18, 2), np.nan, np.float32)
    captions: list[str] = []
    for start in range(0, len(share), 32):
        scenes = [make_scene(FIRST_SEED + i) for i in share[start : start + 32]]
        rows = slice(start, start + len(scenes))
        latents[rows] = scale * encode(model, scenes)
        edges[rows] = [np.packbits(canny(scene.picture.pixels)[..., 0] > 0) for scene in scenes]
        for row, scene in enumerate(scenes, start):
            if scene.layout.person:
                poses[row] = scene.layout.person.keypoints
        captions += [scene.caption for scene in scenes]
    folder = work / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("latents", latents), ("edges", edges), ("poses", poses)):
        np.save(folder / f"{name}-{rank.index}.npy", array)
    (folder / f"captions-{rank.index}.json").write_text(json.dumps(captions))


@torch.no_grad()
def encode(vae: AutoencoderTiny, scenes: list[Scene]) -> NDArray[np.float32]:
    """Latents of scenes as the encoder gives them, (N, 8, 16, 16)."""
    images = to_tensor(np.stack([scene.picture.pixels for scene in scenes]))
    with torch.autocast("cpu", torch.bfloat16):
        latents: Tensor = vae.encoder(images)
    return latents.float().numpy()


def load_data(work: Path) -> Data:
    """Read what ``render_data`` wrote, of however many ranks."""
    folder = work / "data"

    def join(name: str) -> NDArray[np.float32]:
        return np.concatenate([np.load(path) for path in sorted(folder.glob(f"{name}-*.npy"))])

    captions = [json.loads(path.read_text()) for path in sorted(folder.glob("captions-*.json"))]
    return Data(
        join("latents").astype(np.float16),
        join("edges").astype(np.uint8),
        join("poses"),
        [text for part in captions for text in part],
    )
