"""Rewritten convolutions: diffusers' numbers but for rounding, by rules of shape."""

from __future__ import annotations

from typing import Any

import pytest

from .test_networks import small, twice

pytestmark = pytest.mark.usefixtures("one_thread", "without_gradients")

TIGHT = 2e-5
"""What float32 rounds sums of some thousand numbers by, at a spread of one."""


def layer(channels: int, made: int, side: int = 3, **other: Any) -> Any:
    """A convolution that keeps the spread of what it is given."""
    import torch

    dice = torch.Generator().manual_seed(side)
    conv = torch.nn.Conv2d(channels, made, side, padding=side // 2, **other)
    conv.requires_grad_(requires_grad=False)
    spread = (channels * side**2) ** -0.5
    conv.weight.copy_(torch.randn(conv.weight.shape, generator=dice) * spread)
    return conv


def pixels(*shape: int) -> Any:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(1, 6, 6), (3, 5, 4), (2, 1, 1)], ids=str)
@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (1, 1)])
def test_one_product_of_matrices_is_the_convolution(
    shape: tuple[int, int, int], side: int, stride: int
) -> None:
    import torch

    from nodes.networks.convolutions import product

    conv = layer(24, 32, side, stride=stride)
    count, height, width = shape
    given = pixels(count, 24, height, width)

    found = product(given, conv.weight, conv.bias, stride, side // 2)

    torch.testing.assert_close(found, conv(given), rtol=0, atol=TIGHT)
    assert found.is_contiguous()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 4), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("way", ["shared", "transposed"])
def test_a_doubled_picture_is_convolved_without_being_doubled(
    shape: tuple[int, int, int], way: str
) -> None:
    import torch

    from nodes.networks import convolutions

    conv = layer(24, 32)
    count, height, width = shape
    given = pixels(count, 24, height, width)

    found = getattr(convolutions, way)(given, conv.weight, conv.bias)

    larger = torch.nn.functional.interpolate(given, scale_factor=2.0, mode="nearest")
    torch.testing.assert_close(found, conv(larger), rtol=0, atol=TIGHT)


@pytest.mark.parametrize(
    ("count", "channels", "made", "expected"),
    [(128, 1280, 1280, True), (512, 1280, 1280, False), (32, 640, 640, True),
     (128, 640, 640, False), (2, 128, 128, False)],
)  # fmt: skip
def test_few_pixels_under_many_weights_are_multiplied_at_once(
    count: int, channels: int, made: int, expected: bool
) -> None:
    import torch

    from nodes.networks.convolutions import multiplied

    weight = torch.empty(made, channels, 3, 3)

    assert multiplied(count, weight) == expected
    assert not multiplied(count, weight.bfloat16())
    assert not multiplied(count, weight.to("meta"))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((2, 256, 16, 16), "shared"), ((1, 256, 96, 96), "transposed"),
     ((2, 256, 4, 4), None), ((8, 128, 32, 32), None)],
    ids=str,
)  # fmt: skip
def test_a_rule_of_shape_says_how_a_picture_is_doubled(
    shape: tuple[int, ...], expected: str | None
) -> None:
    import torch

    from nodes.networks.convolutions import rewrite_of

    weight = torch.empty(shape[1], shape[1], 3, 3)

    found = rewrite_of(torch.empty(shape), weight)

    assert expected == (found and found.__name__)
    assert rewrite_of(torch.empty(shape), weight.bfloat16()) is None


@pytest.fixture(scope="module")
def wide() -> Any:
    """A UNet of two levels with so many weights that the rules hold for it."""
    return small(block_out_channels=(256, 512))


@pytest.mark.parametrize(
    ("switch", "side"), [({"products": False}, 16), ({"doubling": False}, 8)], ids=str
)
def test_each_way_alone_draws_what_diffusers_draws_but_for_rounding(
    wide: Any, switch: dict[str, bool], side: int
) -> None:
    import torch

    from nodes.networks.convolutions import EXACT, Rewrites
    from nodes.networks.unet import UNet

    prompts, times = pixels(4, 77, 64), torch.tensor([800, 300])
    sample = pixels(2, 4, side, side)
    exact, other = (
        UNet(wide, prompts, times, rewrites=rewrites) for rewrites in (EXACT, Rewrites(**switch))
    )
    theirs = wide(twice(sample), 300, prompts).sample

    found = other(twice(sample), 1, [])

    assert torch.equal(exact(twice(sample), 1, []), theirs)
    assert not torch.equal(found, theirs)
    torch.testing.assert_close(found, theirs, rtol=0, atol=1e-4)


def autoencoder(*channels: int, **other: Any) -> Any:
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    return (
        AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * len(channels),
            up_block_types=("UpDecoderBlock2D",) * len(channels),
            block_out_channels=channels,
            norm_num_groups=8,
            **other,
        )
        .requires_grad_(requires_grad=False)
        .eval()
    )


@pytest.mark.parametrize("other", [{}, {"layers_per_block": 2, "use_post_quant_conv": False}])
@pytest.mark.parametrize("shape", [(1, 4, 8, 8), (3, 4, 5, 7)], ids=str)
def test_the_decoder_without_other_ways_is_that_of_diffusers_bit_by_bit(
    other: dict[str, Any], shape: tuple[int, ...]
) -> None:
    import torch

    from nodes.networks.convolutions import EXACT
    from nodes.networks.decoder import Decoder, decoder

    vae, latents = autoencoder(32, 32, 64, **other), pixels(*shape)

    found = decoder(vae, EXACT)

    assert isinstance(found, Decoder)
    assert torch.equal(found(latents), vae.decode(latents).sample)


def test_the_decoder_only_rounds_otherwise() -> None:
    import torch

    from nodes.networks.decoder import decoder

    vae, latents = autoencoder(256, 256), pixels(1, 4, 16, 16)
    theirs = vae.decode(latents).sample

    found = decoder(vae)(latents)

    assert not torch.equal(found, theirs)
    torch.testing.assert_close(found, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("change", ["tiled", "sliced", "hooked", "training", "tiny"])
def test_an_autoencoder_that_somebody_changed_decodes_as_diffusers_decodes_it(change: str) -> None:
    import torch
    from diffusers import AutoencoderTiny

    from nodes.networks.decoder import Decoder, decoder

    vae = AutoencoderTiny().eval() if change == "tiny" else autoencoder(32, 32)
    if change == "tiled":
        vae.enable_tiling()
    elif change == "sliced":
        vae.enable_slicing()
    elif change == "hooked":
        vae.decoder.mid_block.register_forward_hook(lambda *_: None)
    elif change == "training":
        vae.decoder.train()
    latents = pixels(2, 4, 8, 8)

    found = decoder(vae)

    assert not isinstance(found, Decoder)
    assert torch.equal(found(latents), vae.decode(latents).sample)
