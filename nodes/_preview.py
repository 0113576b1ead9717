"""What unfinished latents look like, roughly: a linear map, learned from what was decoded."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from torch import Tensor

    from .types import Pixels

Floats = npt.NDArray[np.float64]
_RIDGE = 1e-3  # keeps the map small where pictures of one colour say nothing about a channel
_LARGER = 8  # pixels a latent
_FADE = 0.7  # what was decoded last is most like what is drawn next


class Look:
    """How the latents of one VAE look: each colour as a weighted sum of channels and a constant.

    The sums of the normal equations are kept, so every picture that is decoded improves the map, at
    the cost of a look at each latent. Pictures fade from them: one map cannot fit all.
    """

    def __init__(self, channels: int) -> None:
        self._squares = np.zeros((channels + 1, channels + 1))
        self._products = np.zeros((channels + 1, 3))

    def learn(self, latents: Floats, pixels: Pixels) -> None:
        """Take in a picture, (H, W, 3), and the latents that it was decoded from, (C, h, w)."""
        rows = _rows(latents)
        colours = _shrunk(pixels, latents.shape[1:]).reshape(-1, 3)
        self._squares = _FADE * self._squares + rows.T @ rows
        self._products = _FADE * self._products + rows.T @ colours

    def pixels(self, latents: Floats) -> Pixels:
        """Draw latents, (C, h, w): a pixel each."""
        ridge = np.full(len(self._squares), _RIDGE * self._squares[-1, -1])
        ridge[-1] = 0  # the constant is not to be small
        weights = np.linalg.solve(self._squares + np.diag(ridge), self._products)
        drawn = (_rows(latents) @ weights).reshape(*latents.shape[1:], 3)
        return drawn.clip(0, 255).round().astype(np.uint8)


class Looks:
    """What is known of each VAE's latents in this process; only previews depend on it."""

    def __init__(self) -> None:
        self._looks: dict[Hashable, Look] = {}
        self._lock = Lock()

    def learn(self, vae: Hashable, latents: Sequence[Tensor], pixels: Sequence[Pixels]) -> None:
        """Take in what a VAE made of latents."""
        with self._lock:
            for values, picture in zip(latents, pixels, strict=True):
                if vae not in self._looks:
                    self._looks[vae] = Look(len(values))
                self._looks[vae].learn(_array(values), picture)

    def pictures(self, vae: Hashable, latents: Tensor) -> list[Picture]:
        """Draw each of (B, C, h, w) latents; in grey where nothing was decoded by this VAE yet."""
        with self._lock:
            look = self._looks.get(vae)
            drawn = [look.pixels(one) if look else _grey(one) for one in map(_array, latents)]
        return [_enlarged(pixels) for pixels in drawn]


LOOKS = Looks()


def _array(values: Tensor) -> Floats:
    found: Floats = values.detach().float().cpu().numpy().astype(np.float64)
    return found


def _rows(latents: Floats) -> Floats:
    flat = latents.reshape(len(latents), -1).T
    return np.hstack([flat, np.ones((len(flat), 1))])


def _shrunk(pixels: Pixels, size: tuple[int, ...]) -> Floats:
    """The mean colour of the pixels that each latent stands for."""
    height, width = size
    y, x = pixels.shape[0] // height, pixels.shape[1] // width
    tiles = pixels[: height * y, : width * x].reshape(height, y, width, x, 3)
    means: Floats = tiles.mean((1, 3))
    return means


def _grey(latents: Floats) -> Pixels:
    mean = latents.mean(0)
    spread = max(float(np.ptp(mean)), 1e-6)
    grey = ((mean - mean.min()) / spread * 255).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _enlarged(pixels: Pixels) -> Picture:
    from PIL import Image

    height, width = pixels.shape[:2]
    small = Image.fromarray(pixels)
    return small.resize((width * _LARGER, height * _LARGER), Image.Resampling.BICUBIC)
