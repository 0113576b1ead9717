"""Pictures become bytes on the device: the bytes that the pipelines make on the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def theirs(values: Any) -> Any:
    from diffusers.image_processor import VaeImageProcessor

    return np.stack([*map(np.asarray, VaeImageProcessor().postprocess(values, "pil"))])


def as_picture(row: Any) -> Any:
    return row.reshape(1, 1, 1, -1).expand(1, 3, 1, -1)


def test_every_byte_and_what_lies_beside_a_tie_is_rounded_as_the_pipelines_round() -> None:
    import torch

    from nodes.diffusion.vae import eight_bits

    ties = ((torch.arange(-4, 520, dtype=torch.float64) / 2 / 255) * 2 - 1).float()
    row = [ties]
    for _ in range(8):
        row += [row[-1].nextafter(torch.tensor(9.0))]
    row += [one.nextafter(torch.tensor(-9.0)) for one in row[:2]]
    dice = torch.Generator().manual_seed(0)
    values = as_picture(torch.cat([*row, torch.randn(50_000, generator=dice)]))

    found = eight_bits(values)

    assert set(np.unique(found.numpy()).tolist()) == set(range(256))
    assert np.array_equal(found.numpy(), theirs(values))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_value_of_half_precision_is_rounded_once_and_not_twice(dtype: str) -> None:
    import torch

    from nodes.diffusion.vae import eight_bits

    bits = torch.arange(2**16, dtype=torch.int32).to(torch.int16)
    every = bits.view(getattr(torch, dtype))
    values = as_picture(every[every.isfinite()])

    found = eight_bits(values.float()).numpy()[0, 0, :, 0]

    exact = (values[0, 0, 0].double() * 0.5 + 0.5).clamp(0, 1) * 255
    assert np.abs(found - exact.numpy()).max() <= 0.5 + 1e-4
    assert np.abs(found.astype(int) - theirs(values)[0, 0, :, 0]).max() <= 1


def test_what_lies_on_the_host_comes_as_it_is() -> None:
    import torch

    from nodes.diffusion.vae import on_host

    values = torch.arange(6, dtype=torch.uint8).view(2, 3)

    assert torch.equal(on_host(values), values)


@pytest.mark.gpu
def test_a_gpus_bytes_come_whole() -> None:
    import torch

    from nodes.diffusion.vae import eight_bits, on_host

    values = torch.randn((2, 3, 64, 48), generator=torch.Generator().manual_seed(0))

    found = on_host(eight_bits(values.cuda()))

    assert torch.equal(found, eight_bits(values))
