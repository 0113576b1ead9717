"""Previews of unfinished latents: a linear map to colours, learned from what a VAE decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nodegraph.node import Context, Memo, Wire

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from torch import Tensor

    from ..types import Pixels

Floats = npt.NDArray[np.float64]
_RIDGE = 1e-3  # keeps the map small where pictures of one colour say nothing about a channel
_LARGER = 8  # pixels a latent
_FADE = 0.7  # what was decoded last is most like what is drawn next


@dataclass(frozen=True, slots=True, eq=False)
class Look(Wire):
    """How the latents of one VAE look: each colour as a weighted sum of channels and a constant.

    The sums of the normal equations are kept, so every picture that is decoded improves the map, at
    the cost of a look at each latent. Pictures fade from them: one map cannot fit all.
    """

    squares: Floats
    products: Floats

    @classmethod
    def blank(cls, channels: int) -> Look:
        """The sums before anything was decoded: zeros."""
        return cls(np.zeros((channels + 1, channels + 1)), np.zeros((channels + 1, 3)))

    def learned(self, latents: Floats, pixels: Pixels) -> Look:
        """The look after a picture, (H, W, 3), decoded from latents, (C, h, w)."""
        rows = _rows(latents)  # [h · w, C + 1]
        colours = _shrunk(pixels, latents.shape[1:]).reshape(-1, 3)  # [h · w, 3]
        squares = _FADE * self.squares + rows.T @ rows
        return Look(squares, _FADE * self.products + rows.T @ colours)

    def pixels(self, latents: Floats) -> Pixels:
        """Draw latents, (C, h, w): a pixel each.

        Ridge regression: (X^T X + R) W = X^T Y, for latents X with a constant 1 and colours Y.
        """
        ridge = np.full(len(self.squares), _RIDGE * self.squares[-1, -1])
        ridge[-1] = 0  # the constant is not to be small
        weights = np.linalg.solve(self.squares + np.diag(ridge), self.products)
        drawn = (_rows(latents) @ weights).reshape(*latents.shape[1:], 3)  # [h, w, 3]
        return drawn.clip(0, 255).round().astype(np.uint8)


class LearnedLook(Memo):
    """The look of a VAE's latents as far as it is learned; only previews depend on it."""

    look: Look


def look_of(vae: str, context: Context) -> Look | None:
    """The look of a VAE's latents; None before it decoded anything."""
    memo = context.recall(LearnedLook, vae)
    return None if memo is None else memo.look


def learn(vae: str, latents: Sequence[Tensor], pixels: Sequence[Pixels], context: Context) -> None:
    """Improve the look of a VAE's latents by what it decoded them to."""
    start = perf_counter()
    look = look_of(vae, context) or Look.blank(len(latents[0]))
    for values, picture in zip(latents, pixels, strict=True):
        look = look.learned(_array(values), picture)
    context.keep(LearnedLook(look=look), vae, seconds=perf_counter() - start)


def pictures(look: Look | None, latents: Tensor) -> list[Picture]:
    """Draw each of (B, C, h, w) latents; in grey where nothing was decoded by their VAE yet."""
    arrays = map(_array, latents)
    drawn = [look.pixels(array) if look else _grey(array) for array in arrays]
    return [_enlarged(pixels) for pixels in drawn]


def _array(values: Tensor) -> Floats:
    array: Floats = values.detach().float().cpu().numpy().astype(np.float64)
    return array


def _rows(latents: Floats) -> Floats:
    """(h · w, C + 1): a row for each latent, its channels and a 1."""
    flat = latents.reshape(len(latents), -1).T  # [h · w, C]
    return np.hstack([flat, np.ones((len(flat), 1))])


def _shrunk(pixels: Pixels, size: tuple[int, ...]) -> Floats:
    """The mean colour of the pixels that each latent stands for."""
    height, width = size
    y, x = pixels.shape[0] // height, pixels.shape[1] // width
    # [h, pixels a latent down, w, pixels a latent across, 3]
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
