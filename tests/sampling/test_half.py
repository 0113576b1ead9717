"""bfloat16 on a CPU: the same pictures but for the width of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Decode, Denoise, EncodePrompt

from ..support.weights import Bench, drain
from .test_networks import small, twice
from .test_sampling_oracle import picture


def drawn(dtype: str) -> Sequence[Any]:
    """Two pictures of the tiny model."""
    bench = Bench(dtype=dtype)
    model = LoadBaseModel(model="tiny").run(bench).model
    net = LoadControlNet(model="tiny-canny").run(bench).controlnet
    control = Control(image=picture(0), controlnet=net, strength=0.8).run().control
    texts = [EncodePrompt(model=model, prompt=one) for one in ("a red circle", "a star", "")]
    *prompts, negative = (one.conditioning for one in EncodePrompt.run_batch(texts, bench))
    items = [
        Denoise(
            model=model,
            prompt=prompt,
            negative_prompt=negative,
            controls=[control],
            guidance_scale=2.0,
            steps=6,
            width=64,
            height=64,
        )
        for prompt in prompts
    ]
    done = drain(Denoise.run_batch(items, bench))
    todo = [Decode(model=model, latents=one.latents) for one in done]
    return [one.image.pixels.astype(int) for one in Decode.run_batch(todo, bench)]


@pytest.mark.slow
def test_the_same_pictures_are_drawn_but_for_some_grey_levels() -> None:
    wide, narrow = drawn("float32"), drawn("bfloat16")

    apart = [np.abs(one - other).mean() for one, other in zip(wide, narrow, strict=True)]
    assert min(apart) > 0
    # One grey level here; kernels that add up in another order make it up to twice as far. The
    # picture of the other prompt is 66 away.
    assert max(apart) < 5


def test_weights_lie_channels_last_where_that_is_faster_and_only_there() -> None:
    from nodes.networks.layers import is_channels_last

    bench = Bench()
    model = LoadBaseModel(model="tiny").run(bench).model
    net = LoadControlNet(model="tiny-canny").run(bench).controlnet

    lying = {
        (weights.part, dtype): is_channels_last(weights.load("cpu", dtype).conv_in)
        for weights in (model.unet, net.net)
        for dtype in ("float32", "bfloat16")
    }
    assert lying == {
        ("unet", "float32"): False,
        ("unet", "bfloat16"): True,
        ("controlnet", "float32"): False,
        ("controlnet", "bfloat16"): True,
    }


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("side", [8, 2])
def test_channels_last_only_rounds(side: int, linear: bool) -> None:
    import torch

    from nodes.diffusion.predict import make_unet

    dice = torch.Generator().manual_seed(0)
    sample = torch.randn(2, 4, side, side, generator=dice)
    given = torch.randn(4, 77, 64, generator=dice), torch.tensor([800, 300])
    net = small(use_linear_projection=linear)
    expected = make_unet(net, *given)(sample, 1, [])

    found = make_unet(net.to(memory_format=torch.channels_last), *given)(sample, 1, [])

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    theirs = net(twice(sample), 300, given[0]).sample
    torch.testing.assert_close(found, theirs, rtol=0, atol=1e-5)
