"""Redrawing through the engine: what stays, what is refused, and what is not even computed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodegraph import Builder
from nodegraph.errors import UserError, WorkflowError
from nodegraph.node import Node, Output
from nodegraph.planning.plan import plan
from nodes.latents import EncodeImage, Enlarge, UpscaleLatents
from nodes.masks import DrawMask
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.redraw import Hires, ImageToImage, Inpaint
from nodes.sampling import Control, Decode, Denoise, EncodePrompt
from nodes.types import DiffusionModel, Image, Latents, Mask

from ..support.pictures import gradient
from ..support.weights import Bench, Watched, drain, save_base, save_single

BENCH = Bench()


@pytest.fixture(scope="module")
def model() -> DiffusionModel:
    return LoadBaseModel(model="tiny").run(BENCH).model


@pytest.fixture(scope="module")
def inpainting(tmp_path_factory: pytest.TempPathFactory) -> DiffusionModel:
    folder = save_base(tmp_path_factory.mktemp("inpainting") / "base", channels=9)
    return LoadBaseModel(model=str(folder)).run(BENCH).model


def encoded(model: DiffusionModel, image: Image | None = None, mask: Mask | None = None) -> Latents:
    shown = image or gradient(64, 64)
    return EncodeImage(model=model, image=shown, mask=mask).run(BENCH).latents


def denoise(model: DiffusionModel, **inputs: Any) -> Denoise:
    prompt, empty = (
        EncodePrompt(model=model, prompt=text).run(BENCH).conditioning for text in ("a star", "")
    )
    given = {"prompt": prompt, "negative_prompt": empty, "steps": 4}
    return Denoise(model=model, **{**given, **inputs})


def left_half(size: int = 64) -> Mask:
    pixels = np.zeros((size, size), np.uint8)
    pixels[:, : size // 2] = 255
    return Mask(pixels)


def test_a_picture_comes_back_from_its_latents(model: DiffusionModel) -> None:
    image = Photo().run().image

    back = Decode(model=model, latents=encoded(model, image)).run(BENCH).image

    assert np.abs(back.pixels.astype(int) - image.pixels).mean() < 20


def test_a_size_that_is_no_multiple_of_eight_is_refused(model: DiffusionModel) -> None:
    with pytest.raises(UserError) as caught:
        encoded(model, gradient(100, 64))

    expected = (
        "image: its width, 100 is not a multiple of 8; use 96 or 104 (Resize has multiple_of=8)"
    )
    assert str(caught.value) == expected


def test_a_mask_of_another_size_is_stretched(
    model: DiffusionModel, inpainting: DiffusionModel
) -> None:
    large, own = left_half(192), left_half()
    latents = encoded(model)

    seen = [encoded(inpainting, mask=mask).masked_image for mask in (large, own)]
    drawn = [
        drain(denoise(model, latents=latents, mask=mask, steps=2).run(BENCH)).latents.values
        for mask in (large, own)
    ]

    assert seen[0] is not None
    assert seen[0].equal(seen[1])  # type: ignore[arg-type]
    assert drawn[0].equal(drawn[1])


def test_a_picture_is_encoded_the_same_in_a_batch(model: DiffusionModel) -> None:
    import torch

    images = [gradient(64, 48), Image(np.full((48, 64, 3), 90, np.uint8))]

    together = EncodeImage.run_batch([EncodeImage(model=model, image=i) for i in images], BENCH)

    for image, one in zip(images, together, strict=True):
        torch.testing.assert_close(
            one.latents.values, encoded(model, image).values, rtol=0, atol=1e-5
        )


def test_only_a_model_that_inpaints_is_shown_what_is_kept(
    model: DiffusionModel, inpainting: DiffusionModel
) -> None:
    mask = left_half()

    assert encoded(model, mask=mask).masked_image is None
    assert encoded(inpainting).masked_image is None
    kept = encoded(inpainting, mask=mask).masked_image
    grey = gradient(64, 64).pixels.copy()
    # Grey is exactly between black and white, which no byte is.
    grey[:, :32] = 128
    expected = encoded(inpainting, Image(grey)).values
    assert kept is not None
    assert (kept - expected).abs().max() < 0.05


def test_what_inpaints_is_told_by_the_unets_channels(
    model: DiffusionModel, inpainting: DiffusionModel
) -> None:
    assert [model.inpaints, inpainting.inpaints] == [False, True]
    assert [model.shape.channels, inpainting.shape.channels] == [8, 4]


def test_a_model_that_inpaints_is_recognised_in_one_file(
    inpainting: DiffusionModel, tmp_path: Path
) -> None:
    folder = Path(inpainting.unet.path).parent
    shutil.copytree(folder / "tokenizer", tmp_path / "tokenizer")
    file = save_single(folder, tmp_path / "inpainting.safetensors")

    found = LoadBaseModel(model=str(file)).run(BENCH).model

    assert found.inpaints
    assert found.shape == inpainting.shape
    with BENCH.lease(found.unet) as unet:
        loaded: Any = unet
    assert loaded.config.in_channels == 9


def test_denoise_0_keeps_the_picture_and_loads_nothing(model: DiffusionModel) -> None:
    latents, bench = encoded(model), Watched()

    result = drain(denoise(model, latents=latents, denoise=0).run(bench))

    assert result.latents.values.equal(latents.values)
    assert bench.leased == []


def test_less_than_one_step_keeps_the_picture(model: DiffusionModel) -> None:
    latents = encoded(model)

    result = drain(denoise(model, latents=latents, denoise=0.2).run(BENCH))

    assert result.latents.values.equal(latents.values)


@pytest.mark.parametrize(
    ("steps", "fraction", "run"), [(4, 1.0, 4), (4, 0.5, 2), (5, 0.5, 2), (4, 0.3, 1)]
)
def test_the_last_steps_are_run_rounded_down(
    model: DiffusionModel, steps: int, fraction: float, run: int
) -> None:
    node = denoise(model, latents=encoded(model), steps=steps, denoise=fraction)

    told = [(step.done, step.total) for step in node.run(BENCH)]
    assert told == [(i + 1, run) for i in range(run)]


def test_more_denoise_leaves_less_of_the_picture(model: DiffusionModel) -> None:
    latents = encoded(model)

    def distance(fraction: float) -> float:
        node = denoise(model, latents=latents, denoise=fraction, steps=10)
        return float((drain(node.run(BENCH)).latents.values - latents.values).abs().mean())

    assert distance(0.1) < distance(0.4) < distance(0.8)


def test_latents_that_are_kept_are_the_pictures_own(model: DiffusionModel) -> None:
    latents = encoded(model)

    node = denoise(model, latents=latents, mask=left_half(), scheduler="Euler ancestral")
    values = drain(node.run(BENCH)).latents.values

    assert values[:, :, 4:].equal(latents.values[:, :, 4:])
    assert (values[:, :, :4] != latents.values[:, :, :4]).all()


def spots(*pixels: tuple[int, int]) -> Mask:
    """Single pixels that are white, by row and column."""
    marked = np.zeros((64, 64), np.uint8)
    for row, column in pixels:
        marked[row, column] = 255
    return Mask(marked)


def test_every_latent_under_a_marked_pixel_is_redrawn_and_no_other(model: DiffusionModel) -> None:
    latents = encoded(model)
    marked = [(0, 0), (15, 8), (17, 31), (63, 63), (36, 44)]
    mask = spots(*marked)

    values = drain(denoise(model, latents=latents, mask=mask, steps=2).run(BENCH)).latents.values

    changed = (values != latents.values).any(0)
    assert {(int(y), int(x)) for y, x in changed.nonzero()} == {(y // 8, x // 8) for y, x in marked}


def test_a_model_that_inpaints_is_told_of_every_latent_under_a_marked_pixel(
    inpainting: DiffusionModel,
) -> None:
    import torch

    from nodes.diffusion.schedulers import Scheduler
    from nodes.diffusion.start import start

    faint = Mask((spots((15, 8), (36, 44)).pixels // 255).astype(np.uint8))
    item = denoise(inpainting, latents=encoded(inpainting, mask=faint), mask=faint)
    scheduler = Scheduler("DDIM", inpainting.scheduler, 4, "cpu", 0)

    _, _, channels = start([item], scheduler, torch.zeros(1, 4, 8, 8))

    assert channels is not None
    assert channels[0, 0].nonzero().tolist() == [[1, 1], [4, 5]]


@pytest.mark.parametrize("order", [1, 2])
def test_the_greyer_a_mask_the_later_its_latents_are_redrawn(order: int) -> None:
    import torch

    from nodes.diffusion.start import steps_kept

    greys = torch.tensor([0, 1, 100, 128, 254, 255]) / 255
    count = 20 if order == 1 else 39  # the last of 20 steps is a single call

    kept = steps_kept(greys, count, order)

    assert kept.tolist() == [count, 19 * order, 13 * order, 10 * order, 1 * order, 0]


@pytest.mark.parametrize("scheduler", ["DDIM", "Heun"])
def test_half_white_is_redrawn_as_by_half_a_denoise(model: DiffusionModel, scheduler: Any) -> None:
    latents, grey = encoded(model), Mask(np.full((64, 64), 128, np.uint8))
    given = {"latents": latents, "scheduler": scheduler}

    soft = drain(denoise(model, mask=grey, **given).run(BENCH)).latents.values

    half = drain(denoise(model, denoise=0.5, **given).run(BENCH)).latents.values
    assert (soft - half).abs().max() < 1e-4


def test_a_mask_that_redraws_nothing_is_said(model: DiffusionModel) -> None:
    black = Mask(np.zeros((64, 64), np.uint8))

    assert refusal(denoise(model, latents=encoded(model), mask=black)) == (
        "mask: is black all over, so nothing would be redrawn; make white what is to change"
    )


def test_a_start_is_left_as_it_is(model: DiffusionModel) -> None:
    latents, mask = encoded(model), left_half()
    before, marked = latents.values.clone(), mask.pixels.copy()

    drain(denoise(model, latents=latents, mask=mask, denoise=0.5).run(BENCH))
    UpscaleLatents(latents=latents).run()

    assert latents.values.equal(before)
    assert np.array_equal(mask.pixels, marked)


def test_items_that_start_otherwise_do_not_run_together(model: DiffusionModel) -> None:
    latents = encoded(model)
    nodes = [
        denoise(model, latents=latents, denoise=0.5),
        denoise(model, latents=encoded(model, Image(np.zeros((64, 64, 3), np.uint8))), denoise=0.6),
        denoise(model, latents=latents, denoise=0.75),
        denoise(model, latents=latents, denoise=0.5, mask=left_half()),
        denoise(model, width=64, height=64),
    ]

    assert [node.group() == nodes[0].group() for node in nodes] == [True, True, False, False, False]


def test_a_control_with_a_mask_does_not_run_with_one_without(model: DiffusionModel) -> None:
    net = LoadControlNet(model="tiny-canny").run(BENCH).controlnet
    plain, marked, other = (
        Control(image=gradient(64, 64), controlnet=net, mask=mask).run().control
        for mask in (None, left_half(), Mask(np.zeros((64, 64), np.uint8)))
    )
    groups = [denoise(model, controls=[one]).group() for one in (plain, marked, other)]

    assert groups[0] != groups[1] == groups[2]


def refusal(node: Denoise) -> str:
    with pytest.raises(UserError) as caught:
        drain(node.run(BENCH))
    return str(caught.value)


def test_what_does_not_go_with_a_start_is_refused(model: DiffusionModel) -> None:
    latents = encoded(model)
    foreign = replace(latents, vae="another")

    assert refusal(denoise(model, latents=latents, width=72, height=64)) == (
        "width: 72, but the latents stand for 64; leave it empty"
    )
    assert refusal(denoise(model, latents=foreign)).startswith("latents: made for another model")
    assert refusal(denoise(model, denoise=0.5)) == (
        "denoise: 0.5 keeps something of a picture; link its latents, or use 1"
    )
    assert refusal(denoise(model, mask=left_half())) == (
        "mask: marks what is redrawn of a picture, but there is none; link its latents"
    )


def test_an_inpainting_model_wants_a_picture_and_the_mask_twice(inpainting: DiffusionModel) -> None:
    mask = left_half()

    nothing = refusal(denoise(inpainting))
    unseen = refusal(denoise(inpainting, latents=encoded(inpainting), mask=mask))
    unmarked = refusal(denoise(inpainting, latents=encoded(inpainting, mask=mask)))

    assert nothing.startswith("latents: ")
    assert unseen.startswith("latents: ")
    assert unmarked.startswith("mask: ")
    assert "is an inpainting model; give it a picture's latents and the mask" in unmarked


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_latents_are_enlarged_as_torch_does(mode: Any) -> None:
    import torch
    from torch.nn.functional import interpolate

    values = torch.randn(4, 6, 10, generator=torch.Generator().manual_seed(1))

    larger = UpscaleLatents(latents=Latents(values, "vae"), factor=1.5, filter=mode).run().latents

    assert larger.vae == "vae"
    assert larger.values.equal(interpolate(values[None], size=(9, 15), mode=mode)[0])


def test_nearest_repeats_each_latent() -> None:
    import torch

    values = torch.arange(4.0).view(1, 2, 2)

    larger = UpscaleLatents(latents=Latents(values, "vae"), filter="nearest").run().latents.values

    expected = [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert larger.tolist() == [expected]


@pytest.mark.parametrize("within", ["pixels", "latents"])
def test_a_picture_and_its_latents_are_enlarged_to_the_same_size(
    model: DiffusionModel, within: Any
) -> None:
    image = gradient(64, 48)
    given: list[dict[str, Any]] = [{"image": image}, {"latents": encoded(model, image)}]

    shapes = [
        Enlarge(model=model, factor=1.5, within=within, **one).run(BENCH).latents.values.shape
        for one in given
    ]

    assert shapes == [(8, 9, 12), (8, 9, 12)]


def test_enlarging_by_way_of_pixels_encodes_what_resize_makes(model: DiffusionModel) -> None:
    from nodes.images import Resize

    image = gradient(44, 32)
    resized = Resize(image=image, width=88, height=64, fit="stretch").run().image

    larger = Enlarge(model=model, image=image).run(BENCH).latents

    assert larger.values.equal(encoded(model, resized).values)


@pytest.mark.parametrize("both", [False, True])
def test_a_picture_or_latents_are_enlarged_not_both(model: DiffusionModel, both: bool) -> None:
    given: dict[str, Any] = {"image": gradient(64, 64), "latents": encoded(model)} if both else {}
    said = (
        "latents: is given as well as image" if both else "image: is missing; link it, or latents"
    )

    with pytest.raises(UserError, match=said):
        Enlarge(model=model, **given).run(BENCH)


class Shown(Output):
    """A picture."""

    image: Image


class Photo(Node):
    """Give a picture with something in it."""

    def run(self) -> Shown:
        pixels = np.full((64, 80, 3), (20, 90, 200), np.uint8)
        pixels[16:48, 16:48] = (250, 240, 40)
        return Shown(image=Image(pixels))


def begun() -> tuple[Builder, Any, Any]:
    builder = Builder()
    base = builder.add("base", LoadBaseModel, model="tiny")
    return builder, base.model, builder.add("photo", Photo).image


def test_inpainting_changes_no_pixel_outside_the_mask() -> None:
    builder, model, image = begun()
    marked = builder.add("mask", DrawMask, image=image, shape="ellipse", right=0.9)
    result = builder.add(
        "inpaint", Inpaint, model=model, image=image, mask=marked.mask, steps=3, feather=2
    )

    pixels = builder.run(result).image.pixels

    photo = Photo().run().image
    white = DrawMask(image=photo, shape="ellipse", right=0.9).run().mask.pixels == 255
    assert np.array_equal(pixels[~white], photo.pixels[~white])
    assert (pixels[white] != photo.pixels[white]).mean() > 0.5


def test_image_to_image_keeps_the_pictures_size_and_denoise_0_its_content() -> None:
    builder, model, image = begun()
    result = builder.add("again", ImageToImage, model=model, image=image, denoise=0)
    encoded = builder.add("encode", EncodeImage, model=model, image=image)
    decoded = builder.add("decode", Decode, model=model, latents=encoded.latents)

    again, through = builder.run(result).image, builder.run(decoded).image

    assert again.size == (80, 64)
    assert np.array_equal(again.pixels, through.pixels)


@pytest.mark.parametrize("within", ["pixels", "latents"])
def test_hires_makes_a_picture_larger(within: Any) -> None:
    builder, model, image = begun()
    first = builder.add("first", ImageToImage, model=model, image=image, steps=2)
    larger = builder.add(
        "larger",
        Hires,
        model=model,
        latents=first.latents,
        factor=1.5,
        within=within,
        steps=4,
        denoise=0.25,
    )

    result = builder.run(larger)

    assert result.image.size == (120, 96)
    assert result.latents.values.shape == (8, 12, 15)


def test_what_is_missing_is_found_before_running() -> None:
    builder, model, image = begun()
    builder.add("larger", Hires, model=model)
    marked = builder.add("mask", DrawMask, image=image, top=0.8)
    prompt = builder.add("prompt", EncodePrompt, model=model).conditioning
    builder.add(
        "denoise",
        Denoise,
        model=model,
        prompt=prompt,
        negative_prompt=prompt,
        mask=marked.mask,
        denoise=0.5,
    )

    with pytest.raises(WorkflowError) as caught:
        plan(builder.workflow(), builder.registry)

    assert [str(one) for one in caught.value.problems] == [
        "larger.image: is missing; link it, or latents",
        "mask.top: 0.8 must be less than bottom, which is 0.75",
        "denoise.mask: marks what is redrawn of a picture, but there is none; link its latents",
        "denoise.denoise: 0.5 keeps something of a picture; link its latents, or use 1",
    ]


@pytest.mark.parametrize(
    ("name", "masked", "expected"),
    [
        (
            "inpaint",
            False,
            ["control.mask: is missing; this ControlNet fills in what a mask marks"],
        ),
        ("inpaint", True, []),
        ("canny", False, []),
        ("canny", True, ["control.mask: is not for this ControlNet, which reads canny"]),
    ],
)
def test_a_mask_is_for_inpainting_controlnets(name: str, masked: bool, expected: list[str]) -> None:
    builder, _, image = begun()
    net = builder.add("net", LoadControlNet, model=f"lllyasviel/control_v11p_sd15_{name}")
    marked = builder.add("mask", DrawMask, image=image)
    given: dict[str, Any] = {"mask": marked.mask} if masked else {}
    builder.add("control", Control, image=image, controlnet=net.controlnet, **given)

    warnings = plan(builder.workflow(), builder.registry).warnings

    assert [str(one) for one in warnings] == expected


def test_what_a_control_is_to_fill_in_is_shown_as_missing() -> None:
    from nodes.diffusion.vae import control_images

    image, mask = gradient(16, 8), Mask(np.full((8, 16), 0, np.uint8))
    marked = mask.pixels.copy()
    marked[:, 4:8] = 128
    marked[:, 8:12] = 127

    shown = control_images([image], [Mask(marked)], image.size)[0]

    assert (shown[:, :, 4:8] == -1).all()
    expected = image.pixels.transpose(2, 0, 1) / np.float32(255)
    assert np.array_equal(shown[:, :, :4], expected[:, :, :4])
    assert np.array_equal(shown[:, :, 8:], expected[:, :, 8:])


def test_one_control_image_with_two_masks_is_two() -> None:
    from nodes.diffusion.vae import control_images

    image, black = gradient(64, 64), Mask(np.zeros((64, 64), np.uint8))

    assert len(control_images([image, image], [black, left_half()], (64, 64))) == 2
    assert len(control_images([image, image], [black, black], (64, 64))) == 1
