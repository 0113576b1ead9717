"""UNets and ControlNets computed our way: diffusers' numbers, and its own way where ours ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..support.weights import TINY, save_base, save_controlnet

pytestmark = pytest.mark.usefixtures("one_thread", "without_gradients")


class Nets(NamedTuple):
    unet: Any
    controlnet: Any


def load(base: Path, controlnet: Path) -> Nets:
    from diffusers import ControlNetModel, UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(base / "unet", local_files_only=True)
    net = ControlNetModel.from_pretrained(controlnet, local_files_only=True)
    return Nets(*(one.requires_grad_(requires_grad=False).eval() for one in (unet, net)))


@pytest.fixture(scope="module", params=["tiny", "random"])
def nets(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Nets:
    if request.param == "tiny":
        return load(TINY / "base", TINY / "controlnet-canny")
    folder = tmp_path_factory.mktemp("random")
    base = save_base(folder / "base", groups=8)
    return load(base, save_controlnet(folder / "net", base))


class Given(NamedTuple):
    """What networks are given: (B, C, h, w), 2B prompts, timesteps, hint and residuals of B."""

    sample: Any
    prompts: Any
    times: Any
    hint: Any


def given(nets: Nets, batch: int = 2, height: int = 16, width: int = 16) -> Given:
    import torch

    dice = torch.Generator().manual_seed(batch)
    config = nets.unet.config
    return Given(
        torch.randn(batch, config.in_channels, height, width, generator=dice),
        torch.randn(2 * batch, 77, config.cross_attention_dim, generator=dice),
        torch.tensor([981, 500, 21]),
        torch.randn(batch, config.block_out_channels[0], height, width, generator=dice),
    )


def twice(half: Any) -> Any:
    import torch

    return torch.cat([half, half])


@pytest.mark.parametrize("size", [(16, 16), (8, 8), (9, 13), (8, 24)], ids=str)
def test_without_sharing_every_bit_is_that_of_diffusers(nets: Nets, size: tuple[int, int]) -> None:
    import torch

    from nodes.networks.fallback import DiffusersControlNet, DiffusersUNet
    from nodes.networks.unet import ControlNet, UNet

    sample, prompts, times, hint = given(nets, 2, *size)
    asked = twice(hint), prompts, times
    controls = ControlNet(nets.controlnet, *asked), DiffusersControlNet(nets.controlnet, *asked)
    unets = UNet(nets.unet, prompts, times), DiffusersUNet(nets.unet, prompts, times)
    for step in range(3):
        ours, theirs = (control(twice(sample), step) for control in controls)
        assert all(map(torch.equal, ours, theirs))
        for added in ([], theirs):
            drawn, expected = (unet(twice(sample), step, added) for unet in unets)
            assert torch.equal(drawn, expected)


@pytest.mark.parametrize("batch", [1, 4])
def test_sharing_what_both_prompts_have_in_common_only_rounds(nets: Nets, batch: int) -> None:
    import torch

    from nodes.networks.fallback import DiffusersControlNet, DiffusersUNet
    from nodes.networks.unet import ControlNet, UNet

    sample, prompts, times, hint = given(nets, batch)
    ours = ControlNet(nets.controlnet, hint, prompts, times)(sample, 1)
    theirs = DiffusersControlNet(nets.controlnet, hint, prompts, times)(sample, 1)
    drawn = UNet(nets.unet, prompts, times)(sample, 1, ours)

    assert any(len(one) == batch for one in ours)
    for one, other in zip(ours, theirs, strict=True):
        whole = one if len(one) == len(other) else twice(one)
        torch.testing.assert_close(whole, other, rtol=0, atol=1e-5)
    expected = DiffusersUNet(nets.unet, prompts, times)(sample, 1, theirs)
    torch.testing.assert_close(drawn, expected, rtol=0, atol=1e-5)


def freeu(unet: Any) -> None:
    unet.enable_freeu(s1=0.9, s2=0.2, b1=1.2, b2=1.4)


def hooked(unet: Any) -> None:
    unet.mid_block.register_forward_hook(lambda *_: None)


def chunked(unet: Any) -> None:
    unet.mid_block.attentions[0].transformer_blocks[0].set_chunk_feed_forward(8, 1)


def scaled(unet: Any) -> None:
    unet.mid_block.resnets[0].output_scale_factor = 2.0


def overridden(unet: Any) -> None:
    layer = unet.conv_out
    layer.forward = type(layer).forward.__get__(layer)


def replaced(unet: Any) -> None:
    import torch

    class Adapter(torch.nn.Linear):
        """As adapters replace layers."""

    attention = unet.mid_block.attentions[0].transformer_blocks[0].attn1
    attention.to_q = Adapter(64, 64, bias=False)


def processed(unet: Any) -> None:
    from diffusers.models.attention_processor import AttnProcessor

    unet.set_attn_processor(AttnProcessor())


CHANGES = [freeu, hooked, chunked, scaled, overridden, replaced, processed]
SMALL = {
    "sample_size": 8,
    "block_out_channels": (32, 64),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 64,
    "layers_per_block": 1,
    "norm_num_groups": 8,
}


def small(**other: Any) -> Any:
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(**{**SMALL, **other})
    return unet.requires_grad_(requires_grad=False).eval()


OTHERS: list[dict[str, Any]] = [
    {"resnet_time_scale_shift": "scale_shift"},
    {"act_fn": "gelu"},
    {"center_input_sample": True},
    {"time_embedding_act_fn": "silu"},
    {"only_cross_attention": True},
    {"downsample_padding": 0},
    {"mid_block_type": "UNetMidBlock2D"},
    {"down_block_types": ("DownBlock2D", "AttnDownBlock2D")},
    {"encoder_hid_dim": 64, "encoder_hid_dim_type": "text_proj"},
]
ALSO: list[dict[str, Any]] = [
    {},
    {"use_linear_projection": True},
    {"transformer_layers_per_block": 2, "attention_head_dim": (2, 4)},
    {"upcast_attention": True, "layers_per_block": 2},
]


def assert_as_diffusers(unet: Any) -> None:
    import torch

    from nodes.diffusion.predict import make_unet

    dice = torch.Generator().manual_seed(0)
    sample = torch.randn(2, 4, 8, 8, generator=dice)
    prompts = torch.randn(4, 77, 64, generator=dice)

    ours = make_unet(unet, prompts, torch.tensor([800, 300]))(sample, 1, [])

    theirs = unet(twice(sample), 300, prompts).sample
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("change", CHANGES)
def test_a_unet_that_somebody_changed_runs_as_diffusers_runs_it(change: Any) -> None:
    from nodes.networks.supported import is_supported

    unet = small()
    assert is_supported(unet)

    change(unet)

    assert not is_supported(unet)
    assert_as_diffusers(unet)


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_unet_of_another_kind_runs_as_diffusers_runs_it(other: dict[str, Any]) -> None:
    from nodes.networks.supported import is_supported

    unet = small(**other)

    assert not is_supported(unet)
    assert_as_diffusers(unet)


@pytest.mark.parametrize("other", ALSO, ids=str)
def test_every_size_and_form_of_stable_diffusion_is_known(other: dict[str, Any]) -> None:
    from nodes.networks.supported import is_supported

    unet = small(**other)

    assert is_supported(unet)
    assert_as_diffusers(unet)


def test_sdxl_is_not_known() -> None:
    from nodes.networks.supported import is_supported

    added = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8}

    assert not is_supported(small(**added, projection_class_embeddings_input_dim=64))


def test_a_prediction_is_an_ordinary_tensor_that_may_be_written_to(nets: Nets) -> None:
    from nodes.diffusion.predict import Predictor, make_unet

    sample, prompts, times, _ = given(nets)
    predict = Predictor(make_unet(nets.unet, prompts[:2], times), sample.dtype, None, [])

    predicted = predict(sample, 0)

    assert not predicted.is_inference()
    predicted.add_(1)
