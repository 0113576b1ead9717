"""What sampling computes before its first step is kept for later runs, and changes none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nodegraph.cache import Cache
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.settings import Settings
from nodes.models import LoadBaseModel, LoadControlNet, LoadLoRA
from nodes.sampling import Control, Denoise, Denoised, EncodePrompt
from nodes.types import Control as Controlling
from nodes.types import DiffusionModel, Image, Mask

from ..support.weights import drain

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def context() -> RunContext:
    return RunContext(Settings(), "cpu", Workflow(), Cache.in_memory())


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each thing is computed that no step changes."""
    from nodes.diffusion import controls
    from nodes.networks import blocks, unet

    counted: Counter[str] = Counter()

    def count(owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def counting(*given: Any) -> Any:
            counted[name] += 1
            return original(*given)

        monkeypatch.setattr(owner, name, counting)

    count(controls, "embed_hint")
    count(blocks.TransformerBlock, "project")
    count(unet._Encoder, "_times")
    return counted


ALL = {"embed_hint", "project", "_times"}


def grey(level: int, side: int = 64) -> Image:
    pixels = np.full((side, side, 3), level, np.uint8)
    pixels[:20, :30] = 255 - level
    return Image(pixels)


def item(context: RunContext, **inputs: Any) -> Denoise:
    """One picture under two prompts and one control."""
    model: DiffusionModel = LoadBaseModel(model="tiny").run(context).model

    def prompt(text: str) -> Any:
        return EncodePrompt(model=model, prompt=text).run(context).conditioning

    net = LoadControlNet(model="tiny-canny").run(context).controlnet
    control = Control(image=grey(40), controlnet=net, strength=0.8).run().control
    given = {"prompt": prompt("a red circle"), "negative_prompt": prompt(""), "controls": [control]}
    return Denoise(model=model, steps=2, width=64, height=64, **{**given, **inputs})


def changed(node: Denoise, **inputs: Any) -> Denoise:
    return node.model_copy(update=inputs)


def steered(node: Denoise, **changes: Any) -> Denoise:
    """The same under another control."""
    control: Controlling = replace(node.controls[0], **changes)
    return changed(node, controls=[control])


def latents(nodes: list[Denoise], context: RunContext) -> list[Any]:
    made: list[Denoised] = drain(Denoise.run_batch(nodes, context))
    return [one.latents.values for one in made]


def test_a_new_seed_computes_nothing_of_it_again(context: RunContext, work: Counter[str]) -> None:
    node = item(context)
    latents([node], context)
    assert set(work) == ALL
    work.clear()

    latents([changed(node, seed=5, guidance_scale=3.0)], context)

    assert work == {}


def test_every_bit_is_the_same_with_what_was_kept(context: RunContext) -> None:
    import torch

    nodes = [item(context, seed=seed) for seed in (1, 2, 3)]
    nodes[1] = steered(nodes[1], image=grey(90))
    before = latents([changed(node, seed=9) for node in nodes], context)

    warm = latents(nodes, context)

    context.cache.clear()
    cold = latents(nodes, context)
    assert all(map(torch.equal, warm, cold))
    assert not any(map(torch.equal, warm, before))


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda node: steered(node, image=grey(80)), {"embed_hint"}),
        (lambda node: steered(node, mask=Mask(np.full((64, 64), 255, np.uint8))), {"embed_hint"}),
        (lambda node: changed(node, width=72), {"embed_hint"}),
        (lambda node: steered(node, strength=0.5, end=0.6), set()),
        (lambda node: changed(node, prompt=node.negative_prompt), {"project"}),
        (lambda node: changed(node, steps=3), {"_times"}),
        (lambda node: changed(node, scheduler="DDIM"), {"_times"}),
        (lambda node: changed(node, guidance_scale=1.0), {"project", "_times"}),
        (lambda node: changed(node, guess_mode=True), {"project", "_times"}),
    ],
    ids=["image", "mask", "size", "strength", "prompt", "steps", "scheduler", "guidance", "guess"],
)
def test_only_what_an_edit_touches_is_computed_again(
    change: Callable[[Denoise], Denoise],
    again: set[str],
    context: RunContext,
    work: Counter[str],
) -> None:
    node = item(context)
    latents([node], context)
    work.clear()

    latents([change(node)], context)

    assert set(work) == again


def test_a_lora_on_the_unet_has_keys_of_its_own(context: RunContext, work: Counter[str]) -> None:
    node = item(context)
    latents([node], context)
    work.clear()
    styled = LoadLoRA(model=node.model, lora="tiny-ink", strength=0.7).run(context).model

    latents([changed(node, model=styled)], context)

    assert {"project", "_times"} <= set(work)
    assert "embed_hint" not in work


def test_one_control_image_is_embedded_once_for_batches_of_any_size(
    context: RunContext, work: Counter[str]
) -> None:
    node = item(context)
    latents([node, changed(node, seed=2)], context)
    latents([changed(node, seed=3)], context)

    assert work["embed_hint"] == 1
