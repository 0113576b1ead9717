"""Nothing that makes our networks faster changes a bit at the batch size of diffusers' pipeline."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Denoise, EncodePrompt

from ..support.weights import drain
from .test_networks import Nets, given, load, twice
from .test_sampling_oracle import BENCH, TINY_MODELS, Models, loaded, picture, save_models

pytestmark = pytest.mark.usefixtures("one_thread", "without_gradients")

PROMPTS = ("a red circle", "a blue star", "a person", "a yellow house")
STRENGTHS, STARTS, ENDS = (1.0, 0.7), (0.0, 0.2), (0.5, 1.0)
STEPS = 20


@pytest.fixture(scope="module", params=["tiny", "random"])
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Models:
    if request.param == "tiny":
        return TINY_MODELS
    return save_models(tmp_path_factory.mktemp("random"))


@pytest.fixture(scope="module")
def nets(models: Models) -> Nets:
    return load(models.base, models.nets[0])


@pytest.fixture(scope="module")
def steady(nets: Nets) -> None:
    """Skip where PyTorch's own kernels round a picture otherwise in a smaller batch."""
    import torch

    dice = torch.Generator().manual_seed(0)
    for layer in nets.unet.modules():
        if isinstance(layer, torch.nn.Conv2d):
            for side in (4, 8, 16):
                whole = torch.randn(8, layer.in_channels, side, side, generator=dice)
                if not torch.equal(layer(whole)[:4], layer(whole[:4])):
                    pytest.skip("here a convolution rounds by how many pictures it is given")


def denoises(models: Models, which: tuple[int, ...], size: int) -> list[Denoise]:
    """Four pictures, each with control images of its own."""
    model = LoadBaseModel(model=str(models.base)).run(BENCH).model
    texts = [EncodePrompt(model=model, prompt=text) for text in (*PROMPTS, "blurry")]
    *prompts, negative = (one.conditioning for one in EncodePrompt.run_batch(texts, BENCH))
    found = [LoadControlNet(model=str(models.nets[net])).run(BENCH).controlnet for net in which]

    def control(item: int, at: int) -> Any:
        node = Control(
            image=picture(10 * item + at),
            controlnet=found[at],
            strength=STRENGTHS[at],
            start=STARTS[at] if len(which) > 1 else 0.0,
            end=ENDS[at] if len(which) > 1 else 1.0,
        )
        return node.run().control

    return [
        Denoise(
            model=model,
            prompt=prompt,
            negative_prompt=negative,
            controls=[control(item, at) for at in range(len(which))],
            seed=2 + item,
            steps=STEPS,
            guidance_scale=7.5,
            width=size,
            height=size,
        )
        for item, prompt in enumerate(prompts)
    ]


def theirs(models: Models, items: list[Denoise], which: tuple[int, ...]) -> Any:
    """The latents that diffusers' pipeline makes for the same four pictures."""
    import diffusers
    import torch

    pipeline = loaded(models, which)
    known = pipeline.scheduler.__class__.load_config(models.base / "scheduler")
    pipeline.scheduler = diffusers.UniPCMultistepScheduler.from_config(known)
    several = len(which) > 1
    images = [[control.image.pil() for control in item.controls] for item in items]
    return pipeline(
        prompt_embeds=torch.stack([item.prompt.embeddings for item in items]),
        negative_prompt_embeds=torch.stack([item.negative_prompt.embeddings for item in items]),
        image=images if several else [row[0] for row in images],
        width=items[0].width,
        height=items[0].height,
        num_inference_steps=STEPS,
        guidance_scale=7.5,
        generator=[torch.Generator("cpu").manual_seed(item.seed) for item in items],
        controlnet_conditioning_scale=list(STRENGTHS) if several else STRENGTHS[0],
        control_guidance_start=list(STARTS) if several else 0.0,
        control_guidance_end=list(ENDS) if several else 1.0,
        output_type="latent",
    ).images


@pytest.mark.slow
@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("which", [(0,), (0, 1)], ids=["a ControlNet", "two with windows"])
def test_all_together_draw_the_pipelines_latents_bit_by_bit(
    models: Models, which: tuple[int, ...], size: int
) -> None:
    import torch

    items = denoises(models, which, size)

    ours = torch.stack([one.latents.values for one in drain(Denoise.run_batch(items, BENCH))])

    assert torch.equal(ours, theirs(models, items, which))


def test_shifts_made_once_for_all_steps_are_those_of_every_step(nets: Nets) -> None:
    import torch
    from torch.nn.functional import silu

    from nodes.networks.blocks import Parts, go_on
    from nodes.networks.unet import _Encoder, make_anew

    _, prompts, times, _ = given(nets, 4)
    net = nets.controlnet
    resnets = [*chain(*(block.resnets for block in (*net.down_blocks, net.mid_block)))]
    steps = _Encoder(net, Parts()).steps(prompts, times, make_anew, go_on)

    for step, time in zip(steps, times, strict=True):
        rows = silu(net.time_embedding(net.time_proj(time.expand(len(prompts)))))
        for resnet, shift in zip(resnets, step.shifts, strict=True):
            assert torch.equal(shift.expand(8, -1, 1, 1)[..., 0, 0], resnet.time_emb_proj(rows))


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("side", [8, 16])
def test_what_both_prompts_share_changes_no_bit(nets: Nets, side: int) -> None:
    import torch

    from nodes.networks.unet import ControlNet, UNet

    sample, prompts, times, hint = given(nets, 4, side, side)
    unet = UNet(nets.unet, prompts, times)
    once = ControlNet(nets.controlnet, hint, prompts, times)(sample, 1)
    both = ControlNet(nets.controlnet, twice(hint), prompts, times)(twice(sample), 1)

    assert [len(one) for one in once] != [len(one) for one in both]
    for shared, whole in zip(once, both, strict=True):
        assert torch.equal(shared if len(shared) == len(whole) else twice(shared), whole)
    assert torch.equal(unet(sample, 1, once), unet(twice(sample), 1, both))


@pytest.mark.parametrize("side", [1, 2, 9, 16])
def test_no_division_by_one_and_no_copy_changes_a_block(nets: Nets, side: int) -> None:
    import torch
    from torch.nn.functional import silu

    from nodes.networks.blocks import Parts, Step

    net = nets.controlnet
    middle, parts = net.mid_block, Parts()
    first, last = parts.stages(middle)
    _, prompts, times, _ = given(nets, 2)
    dice = torch.Generator().manual_seed(side)
    hidden = torch.randn(4, middle.resnets[0].in_channels, side, side, generator=dice)
    rows = net.time_embedding(net.time_proj(times[:1].expand(4)))
    shifts = [resnet.shift(silu(rows)) for resnet in parts.resnets]
    step = Step(shifts, [one.keys_values(one.project(prompts), 4) for one in parts.blocks])

    expected = middle(hidden, rows, encoder_hidden_states=prompts)

    assert torch.equal(last(first(hidden, step), step), expected)


@pytest.mark.parametrize("size", [(8, 8), (9, 13)], ids=str)
def test_samplers_between_blocks_change_no_bit(nets: Nets, size: tuple[int, int]) -> None:
    import torch

    from nodes.networks.blocks import Step
    from nodes.networks.convolutions import EXACT
    from nodes.networks.layers import upsampler
    from nodes.networks.unet import _Downsampler

    dice = torch.Generator().manual_seed(0)
    for block in (*nets.unet.down_blocks[:-1], *nets.unet.up_blocks[:-1]):
        for module in getattr(block, "downsamplers", ()) or ():
            hidden = torch.randn(2, module.channels, *size, generator=dice)
            assert torch.equal(_Downsampler(module, EXACT)(hidden, Step([], [])), module(hidden))
        for module in getattr(block, "upsamplers", ()) or ():
            hidden = torch.randn(2, module.channels, *size, generator=dice)
            for larger in ([2 * side for side in size], [2 * side - 1 for side in size]):
                assert torch.equal(upsampler(module)(hidden, larger), module(hidden, larger))


def test_a_closed_controlnet_adds_what_zeros_add(nets: Nets) -> None:
    import torch

    from nodes.networks.fallback import DiffusersControlNet, DiffusersUNet
    from nodes.networks.unet import UNet

    sample, prompts, times, hint = given(nets, 4)
    added = DiffusersControlNet(nets.controlnet, twice(hint), prompts, times)(sample, 1)
    zeros = [one * 0.0 for one in added]

    ours = UNet(nets.unet, prompts, times)(twice(sample), 1, [])

    assert torch.equal(ours, DiffusersUNet(nets.unet, prompts, times)(sample, 1, zeros))


@pytest.mark.usefixtures("steady")
def test_a_hint_embedded_once_is_that_of_both_halves(nets: Nets) -> None:
    import torch

    from nodes.diffusion.predict import embed_hint

    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    once = embed_hint(nets.controlnet, images)

    assert torch.equal(twice(once), nets.controlnet.controlnet_cond_embedding(twice(images)))
