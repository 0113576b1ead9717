"""Pictures in overlapping parts: which parts, and that they come together to the same picture."""

from __future__ import annotations

import numpy as np
import pytest

from nodes.diffusion.tiles import in_tiles, spans
from nodes.diffusion.vae import decode_latents, encode_images
from nodes.types import Image

from ..support.weights import TINY


@pytest.mark.parametrize(
    ("length", "parts", "expected"),
    [
        (64, 1, [(0, 64)]),
        (64, 2, [(0, 36), (28, 64)]),
        (64, 4, [(0, 19), (15, 34), (30, 49), (45, 64)]),
        (16, 4, [(0, 10), (6, 16)]),
        (7, 2, [(0, 7)]),
    ],
)
def test_parts_are_of_one_size_and_cover_all(
    length: int, parts: int, expected: list[tuple[int, int]]
) -> None:
    assert spans(length, parts) == expected


@pytest.mark.parametrize("tiles", [1, 2, 3, 4])
def test_what_sees_no_neighbours_comes_out_as_in_one(tiles: int) -> None:
    import torch

    values = torch.randn(2, 3, 48, 80, generator=torch.Generator().manual_seed(0))

    shrunk = in_tiles(lambda part: part[..., ::8, ::8], values, tiles, unit=8)
    grown = in_tiles(
        lambda part: part.repeat_interleave(2, 2).repeat_interleave(2, 3), values, tiles
    )

    torch.testing.assert_close(shrunk, values[..., ::8, ::8])
    torch.testing.assert_close(grown, values.repeat_interleave(2, 2).repeat_interleave(2, 3))


@pytest.mark.parametrize("tiles", [2, 4])
def test_a_tiled_picture_is_close_to_the_picture(tiles: int) -> None:
    import torch
    from diffusers import AutoencoderTiny

    vae = AutoencoderTiny.from_pretrained(TINY / "base" / "vae", local_files_only=True)
    y, x = np.mgrid[0:256, 0:256]
    picture = np.stack([y, x, (x + y) // 2], axis=-1).astype(np.uint8)
    with torch.no_grad():
        latents = encode_images(vae, [Image(picture)])
        tiled = encode_images(vae, [Image(picture)], tiles=tiles)
        whole = decode_latents(vae, latents)[0].astype(int)
        parts = decode_latents(vae, latents, tiles)[0].astype(int)

    assert (latents[0] - tiled[0]).abs().mean() < 0.15 * latents[0].std()
    assert np.abs(whole - parts).mean() < 2
    assert not np.array_equal(whole, parts)
