"""Pictures of unfinished latents: learned from decoded ones, and only drawn if someone looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nodegraph.cache import Cache
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.settings import Settings
from nodes.diffusion.preview import Look, learn, look_of, pictures
from nodes.models import LoadBaseModel
from nodes.sampling import Decode, Denoise, EncodePrompt
from nodes.types import DiffusionModel

from ..support.weights import drain


@pytest.fixture
def context() -> RunContext:
    return RunContext(Settings(), "cpu", Workflow(), Cache.in_memory())


def test_a_linear_map_is_found_from_what_was_decoded() -> None:
    generator = np.random.default_rng(0)
    weights, constant = generator.normal(size=(3, 4)) * 12, np.array([128.0, 120.0, 110.0])
    look = Look.blank(4)

    def decoded(latents: Any) -> Any:
        colours = np.einsum("kc,chw->hwk", weights, latents) + constant
        return colours.clip(0, 255).round().astype(np.uint8).repeat(8, 0).repeat(8, 1)

    for _ in range(3):
        latents = generator.normal(size=(4, 16, 16))
        look = look.learned(latents, decoded(latents))

    other = generator.normal(size=(4, 16, 16))
    off = np.abs(look.pixels(other).astype(int) - decoded(other)[::8, ::8].astype(int))
    assert off.mean() < 2


def test_a_vae_that_has_decoded_nothing_is_drawn_in_grey() -> None:
    (picture,) = pictures(None, torch.randn(1, 4, 6, 9))

    assert picture.size == (72, 48)
    pixels = np.asarray(picture)
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert np.ptp(pixels) > 128


def test_latents_of_another_count_of_channels_are_drawn_too(context: RunContext) -> None:
    learn("flux", [torch.randn(16, 4, 4)], [np.full((32, 32, 3), 90, np.uint8)], context)

    (picture,) = pictures(look_of("flux", context), torch.zeros(1, 16, 4, 4))

    assert abs(int(np.asarray(picture).mean()) - 90) < 3


def test_what_was_decoded_lately_counts_most() -> None:
    look, latents = Look.blank(2), np.zeros((2, 4, 4))
    for level in (200, 200, 200, 200, 20, 20, 20, 20, 20, 20):
        look = look.learned(latents, np.full((32, 32, 3), level, np.uint8))

    assert look.pixels(latents).max() < 50


def test_what_one_vae_taught_says_nothing_of_another(context: RunContext) -> None:
    learn("one", [torch.randn(4, 4, 4)], [np.full((32, 32, 3), 90, np.uint8)], context)

    assert look_of("other", context) is None


@pytest.mark.slow
def test_the_preview_of_a_picture_becomes_like_the_picture(context: RunContext) -> None:
    model: DiffusionModel = LoadBaseModel(model="tiny").run(context).model
    prompt = EncodePrompt(model=model, prompt="a man wearing a red shirt").run(context).conditioning
    empty = EncodePrompt(model=model, prompt="").run(context).conditioning
    node = Denoise(
        model=model, prompt=prompt, negative_prompt=empty, steps=12, guidance_scale=2, width=128,
        height=128,
    )  # fmt: skip
    latents = drain(node.run(context)).latents
    picture = Decode(model=model, latents=latents).run(context).image.pixels.astype(int)

    previews: list[Any] = [step.preview for step in node.run(context)]

    off = [np.abs(np.asarray(one()[0]).astype(int) - picture).mean() for one in previews]
    assert off[-1] < 16  # of 255
    assert off[-1] < 0.6 * off[0]
