"""The sampling nodes: what they refuse and compute once, and that inputs stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nodegraph import Builder
from nodegraph.errors import UserError, WorkflowError
from nodegraph.node import Node, Output
from nodegraph.planning.plan import plan
from nodes.diffusion.predict import window
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.preprocessors import Canny
from nodes.sampling import Control, Decode, Denoise, Denoised, EncodePrompt, Sample
from nodes.types import Conditioning, ControlNetModel, DiffusionModel, Image, Latents

from ..support.weights import Bench, Watched, drain

BENCH = Bench()
GREY = Image(np.full((64, 64, 3), 128, np.uint8))


@pytest.fixture(scope="module")
def model() -> DiffusionModel:
    return LoadBaseModel(model="tiny").run(BENCH).model


@pytest.fixture(scope="module")
def net() -> ControlNetModel:
    return LoadControlNet(model="tiny-canny").run(BENCH).controlnet


def prompt(model: DiffusionModel, text: str = "a red circle") -> Conditioning:
    return EncodePrompt(model=model, prompt=text).run(BENCH).conditioning


def denoise(model: DiffusionModel, **inputs: Any) -> Denoise:
    given = {"prompt": prompt(model), "negative_prompt": prompt(model, ""), "steps": 2}
    return Denoise(model=model, **{**given, "width": 64, "height": 64, **inputs})


def refusal(node: Denoise) -> str:
    with pytest.raises(UserError) as caught:
        drain(node.run(BENCH))
    return str(caught.value)


@pytest.mark.parametrize(
    ("steps", "start", "end", "expected"),
    [
        (4, 0.0, 1.0, [True, True, True, True]),
        (4, 0.0, 0.5, [True, True, False, False]),
        (4, 0.5, 1.0, [False, False, True, True]),
        (4, 0.3, 0.8, [False, False, True, False]),
    ],
)
def test_a_control_counts_within_its_window(
    steps: int, start: float, end: float, expected: list[bool]
) -> None:
    assert window(steps, start, end) == expected


def test_every_step_is_reported(model: DiffusionModel) -> None:
    steps = denoise(model, steps=3).run(BENCH)

    told = [(step.done, step.total) for step in steps]
    assert told == [(1, 3), (2, 3), (3, 3)]


def sampled(model: DiffusionModel, scheduler: Any, batch: int) -> list[Image]:
    """Four pictures under as many prompts, ``batch`` of them at a time."""
    words = ("a red star on a blue background", "a man wearing a red shirt", "a green moon", "")
    items = [
        denoise(model, prompt=prompt(model, text), seed=seed, steps=5, scheduler=scheduler,
                guidance_scale=2)
        for seed, text in enumerate(words)
    ]  # fmt: skip
    pictures = []
    for start in range(0, len(items), batch):
        done = drain(Denoise.run_batch(items[start : start + batch], BENCH))
        decodes = [Decode(model=model, latents=one.latents) for one in done]
        pictures += [one.image for one in Decode.run_batch(decodes, BENCH)]
    return pictures


def apart(pictures: list[Image], others: list[Image]) -> int:
    pairs = zip(pictures, others, strict=True)
    return max(int(abs(a.pixels.astype(int) - b.pixels).max()) for a, b in pairs)


@pytest.mark.parametrize("scheduler", ["UniPC", "Euler ancestral"])
def test_pictures_of_a_batch_are_within_a_grey_level_of_those_alone(
    model: DiffusionModel, scheduler: str
) -> None:
    together = sampled(model, scheduler, 4)

    assert apart(sampled(model, scheduler, 1), together) <= 1
    assert apart(sampled(model, scheduler, 3), together) <= 1


@pytest.mark.usefixtures("rounded_once")
def test_where_sums_round_alike_pictures_of_a_batch_are_those_alone_to_the_bit(
    model: DiffusionModel,
) -> None:
    assert apart(sampled(model, "UniPC", 1), sampled(model, "UniPC", 4)) == 0


def test_a_size_that_is_no_multiple_of_eight_names_its_neighbours(model: DiffusionModel) -> None:
    assert refusal(denoise(model, width=100)) == "width: 100 is not a multiple of 8; use 96 or 104"


def test_the_size_follows_the_control_image(model: DiffusionModel, net: ControlNetModel) -> None:
    picture = Image(np.zeros((50, 81, 3), np.uint8))
    control = Control(image=picture, controlnet=net).run().control

    assert denoise(model, controls=[control], width=None, height=None).size == (80, 48)


def test_without_a_control_image_the_size_is_the_models_own(model: DiffusionModel) -> None:
    assert denoise(model, width=None, height=None).size == (128, 128)


def test_a_controlnet_of_another_family_is_refused(
    model: DiffusionModel, net: ControlNetModel
) -> None:
    other = replace(net, name="sd", shape=replace(net.shape, family="SD 1.x", text_width=768))
    control = Control(image=GREY, controlnet=other).run().control

    expected = "controls[0]: 'sd' is for SD 1.x models, but the model is tiny"
    assert refusal(denoise(model, controls=[control])) == expected


def test_a_controlnet_of_another_size_is_refused(
    model: DiffusionModel, net: ControlNetModel
) -> None:
    other = replace(net, name="wide", shape=replace(net.shape, blocks=(64, 96, 256)))
    control = Control(image=GREY, controlnet=other).run().control

    said = refusal(denoise(model, controls=[control]))
    assert said.startswith("controls[0]: 'wide' has levels of (64, 96, 256) channels")


def test_a_prompt_for_another_model_is_refused(model: DiffusionModel) -> None:
    other = replace(prompt(model), encoder="another")

    assert (
        refusal(denoise(model, prompt=other)) == "prompt: was encoded for another model than 'tiny'"
    )


def test_latents_of_another_model_are_refused(model: DiffusionModel) -> None:
    import torch

    latents = Latents(torch.zeros(8, 8, 8), vae="another")

    with pytest.raises(UserError, match="latents: made for another model than 'tiny'"):
        Decode(model=model, latents=latents).run(BENCH)


def test_a_window_that_ends_before_it_starts_is_refused(net: ControlNetModel) -> None:
    with pytest.raises(UserError, match=r"start: 0\.8 lies after the end, 0\.2"):
        Control(image=GREY, controlnet=net, start=0.8, end=0.2).run()


def test_nan_is_named_and_never_a_black_picture(model: DiffusionModel) -> None:
    import torch

    broken = Conditioning(torch.full((77, 96), torch.nan), model.text_encoder.key)

    assert refusal(denoise(model, prompt=broken)).startswith("the latents hold NaN or infinity")


def test_nan_from_the_autoencoder_is_named(model: DiffusionModel) -> None:
    import torch

    latents = Latents(torch.full((8, 8, 8), torch.nan), model.vae.key)

    with pytest.raises(UserError, match="the decoded pictures hold NaN or infinity"):
        Decode(model=model, latents=latents).run(BENCH)


def test_a_controlnet_that_never_counts_is_not_even_loaded(
    model: DiffusionModel, net: ControlNetModel
) -> None:
    control = Control(image=GREY, controlnet=net, strength=0).run().control
    bench = Watched()

    drain(denoise(model, controls=[control]).run(bench))

    assert bench.leased == ["unet"]


def test_equal_prompts_are_encoded_once(model: DiffusionModel) -> None:
    from nodes.prompts.encode import encode_prompts

    seen: list[int] = []
    with BENCH.lease(model.text_encoder) as encoder:
        hook = encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        rows = encode_prompts(["a", "b", "a"], model.text_encoder, encoder)
        hook.remove()

    assert seen == [2]
    assert rows[0] is rows[2]


def test_nothing_of_a_long_prompt_is_lost(model: DiffusionModel) -> None:
    long = "a red circle on a blue background, " * 20

    row, other = prompt(model, f"{long} x").embeddings, prompt(model, f"{long} y").embeddings

    assert row.shape == (3 * 77, 96)
    assert not row[154:].equal(other[154:])


def test_the_prompts_keys_are_computed_once_for_all_steps(model: DiffusionModel) -> None:
    from torch.overrides import TorchFunctionMode

    rows: list[int] = []
    node = denoise(model, steps=3)
    with BENCH.lease(model.unet) as unet:
        layer: Any = unet.get_submodule("mid_block.attentions.0.transformer_blocks.0.attn2.to_k")

        # Not a hook on the layer: a network that has hooks is computed by diffusers' forward.
        class Counting(TorchFunctionMode):
            def __torch_function__(
                self, function: Any, _types: Any, args: Any = (), named: Any = None
            ) -> Any:
                if function.__name__ == "linear" and args[1] is layer.weight:
                    rows.append(len(args[0]))
                return function(*args, **(named or {}))

        with Counting():
            drain(node.run(BENCH))

    assert rows == [2 * 77]  # the tokens of both prompts, in one call


def test_denoising_changes_none_of_its_inputs(model: DiffusionModel, net: ControlNetModel) -> None:
    control = Control(image=GREY, controlnet=net).run().control
    node = denoise(model, controls=[control])
    before = [node.prompt.embeddings.clone(), node.negative_prompt.embeddings.clone()]

    result = drain(node.run(BENCH))
    kept = result.latents.values.clone()
    Decode(model=model, latents=result.latents).run(BENCH)

    assert node.prompt.embeddings.equal(before[0])
    assert node.negative_prompt.embeddings.equal(before[1])
    assert result.latents.values.equal(kept)
    assert (GREY.pixels == 128).all()


def test_items_with_other_settings_do_not_run_together(model: DiffusionModel) -> None:
    nodes = [
        denoise(model),
        denoise(model, seed=7),
        denoise(model, guidance_scale=3),
        denoise(model, guidance_scale=1),
        denoise(model, steps=3),
        denoise(model, width=72),
        denoise(model, scheduler="Euler"),
    ]

    assert [node.group() == nodes[0].group() for node in nodes] == [True] * 3 + [False] * 4


@pytest.mark.usefixtures("rounded_once")
def test_each_item_has_its_own_guidance(model: DiffusionModel) -> None:
    import torch

    items = [denoise(model, guidance_scale=scale) for scale in (2, 9)]
    together: list[Denoised] = drain(Denoise.run_batch(items, BENCH))

    for item, one in zip(items, together, strict=True):
        alone = drain(item.run(BENCH)).latents.values
        torch.testing.assert_close(one.latents.values, alone, rtol=0, atol=1e-5)


class Shown(Output):
    """A picture."""

    image: Image


class Photo(Node):
    """Give a picture with something to trace."""

    def run(self) -> Shown:
        pixels = np.full((64, 64, 3), 255, np.uint8)
        pixels[16:48, 16:48] = 0
        return Shown(image=Image(pixels))


def drawn(base: str = "tiny", net: str = "tiny-canny") -> tuple[Builder, Any]:
    builder = Builder()
    model = builder.add("model", LoadBaseModel, model=base)
    found = builder.add("net", LoadControlNet, model=net)
    photo = builder.add("photo", Photo)
    edges = builder.add("edges", Canny, image=photo.image)
    control = builder.add("control", Control, image=edges.image, controlnet=found.controlnet)
    sample = builder.add(
        "sample",
        Sample,
        model=model.model,
        prompt="a red circle",
        controls=[control.control],
        steps=2,
        seed=2,
    )
    return builder, sample


def test_sample_runs_through_the_engine() -> None:
    builder, sample = drawn()

    result = builder.run(sample)

    assert result.image.size == (64, 64)


def test_a_controlnet_for_another_family_is_found_before_running() -> None:
    builder, _ = drawn(net="lllyasviel/sd-controlnet-canny")

    with pytest.raises(WorkflowError, match=r"is for SD 1\.x models, but the model is tiny"):
        plan(builder.workflow(), builder.registry)


def test_a_control_image_of_another_kind_is_a_warning() -> None:
    builder, _ = drawn(net="tiny-openpose")

    warnings = plan(builder.workflow(), builder.registry).warnings

    expected = "control.image: is a canny control image, but the ControlNet reads openpose"
    assert [str(one) for one in warnings] == [expected]
