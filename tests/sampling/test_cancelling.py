"""Work that takes long is cancelled within it, and in parts is the same work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nodegraph.cache import Cache
from nodegraph.errors import Stopped
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.node import Progress
from nodegraph.settings import Settings
from nodes.latents import EncodeImage
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Decode, Denoise, EncodePrompt
from nodes.types import DiffusionModel, Image

from ..support.weights import save_base

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass
class Patience:
    """Has a run cancelled after it was asked so often."""

    left: float = float("inf")
    asked: int = 0

    def __call__(self) -> bool:
        self.asked += 1
        self.left -= 1
        return self.left < 0


def context(patience: Callable[[], bool] = bool, cache: Cache | None = None) -> RunContext:
    cache = cache or Cache.in_memory()
    return RunContext(Settings(), "cpu", Workflow(), cache, cancelled=patience)


HERE = context()


def picture() -> Image:
    return Image(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def model() -> DiffusionModel:
    return LoadBaseModel(model="tiny").run(HERE).model


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> DiffusionModel:
    """A model whose autoencoder is of the usual kind."""
    folder = save_base(tmp_path_factory.mktemp("base"))
    return LoadBaseModel(model=str(folder)).run(HERE).model


@pytest.fixture(scope="module")
def steered(model: DiffusionModel) -> Denoise:
    prompt, empty = (
        EncodePrompt(model=model, prompt=text).run(HERE).conditioning for text in ("a house", "")
    )
    net = LoadControlNet(model="tiny-canny").run(HERE).controlnet
    control = Control(image=picture(), controlnet=net).run().control
    return Denoise(
        model=model, prompt=prompt, negative_prompt=empty, controls=[control], steps=3,
        scheduler="Euler",
    )  # fmt: skip


def steps(node: Denoise, patience: Patience, cache: Cache | None = None) -> Iterator[Progress]:
    return node.run(context(patience, cache))


def leased(model: DiffusionModel) -> AbstractContextManager[Any]:
    """Its autoencoder."""
    return HERE.lease(model.vae)


def test_a_run_is_cancelled_within_its_first_step(steered: Denoise) -> None:
    patience = Patience(left=1)

    with pytest.raises(Stopped):
        next(steps(steered, patience))

    assert patience.asked == 2


def test_a_step_asks_before_every_stage_of_every_network(steered: Denoise) -> None:
    patience = Patience()
    asked = [patience.asked for _ in steps(steered, patience)]

    # Down, middle and up of the UNet, down and middle of the ControlNet; before the first step,
    # while the control image is embedded, too.
    second, third = (after - before for before, after in pairwise(asked))
    assert asked[0] > second == third >= 16


def test_what_was_done_before_the_step_in_which_it_was_cancelled_is_kept(
    steered: Denoise,
) -> None:
    cache, patience = Cache.in_memory(), Patience()
    run = steps(steered, patience, cache)
    next(run)
    next(run)
    patience.left = 3
    with pytest.raises(Stopped):
        next(run)

    again = next(steps(steered, Patience(), cache))

    assert (again.done, again.resumed) == (2, True)


def test_coding_a_picture_is_cancelled_within(model: DiffusionModel, wide: DiffusionModel) -> None:
    nodes: list[Any] = []
    for each in (model, wide):
        encode = EncodeImage(model=each, image=picture())
        nodes += [encode, Decode(model=each, latents=encode.run(HERE).latents)]

    for node in nodes:
        asked = Patience()
        node.run(context(asked))
        assert asked.asked > 3
        with pytest.raises(Stopped):
            node.run(context(Patience(left=asked.asked - 1)))


def test_attention_in_parts_has_the_bits_of_attention_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    from nodes.networks import blocks

    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, 3300, 8, generator=generator) for _ in range(3))
    whole = blocks.attend(query, key, value)
    pauses: list[int] = []
    monkeypatch.setattr(blocks, "MANY", 3000)
    monkeypatch.setattr(blocks, "PART", 1024)

    parts = blocks.attend(query, key, value, pause=lambda: pauses.append(1))

    assert torch.equal(whole, parts)
    assert len(pauses) == 3


def test_a_vaes_attention_in_parts_has_the_bits_of_diffusers(
    wide: DiffusionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from nodes.networks import blocks, encoder

    with leased(wide) as vae, torch.no_grad():
        (module,) = vae.encoder.mid_block.attentions
        channels = module.to_q.in_features
        hidden = torch.randn(1, channels, 60, 60, generator=torch.Generator().manual_seed(0))
        whole = module(hidden)
        for place in (blocks, encoder):
            monkeypatch.setattr(place, "MANY", 3000)
        monkeypatch.setattr(blocks, "PART", 1024)

        parts = encoder.attention_of(module, hidden, lambda: None)

    assert torch.equal(whole, parts)


def test_coding_module_by_module_has_the_bits_of_diffusers(
    model: DiffusionModel, wide: DiffusionModel
) -> None:
    import torch

    from nodes.networks.convolutions import EXACT
    from nodes.networks.decoder import decoder
    from nodes.networks.encoder import encode

    values = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for each in (model, wide):
        with leased(each) as vae, torch.no_grad():
            coded = vae.encode(values)
            latents = coded.latents if each is model else coded.latent_dist.mode()

            assert torch.equal(encode(vae, values, lambda: None), latents)
            assert torch.equal(decoder(vae, EXACT)(latents), vae.decode(latents).sample)


def test_what_comes_to_a_device_when_it_is_called_is_called_whole(wide: DiffusionModel) -> None:
    import torch

    from nodes.diffusion.predict import embed_hint
    from nodes.networks.encoder import encode

    called: list[str] = []
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    net = LoadControlNet(model="tiny-canny").run(HERE).controlnet.net
    control, vae = (ref.load("cpu", "float32") for ref in (net, wide.vae))
    with torch.no_grad():
        expected = [embed_hint(control, images), encode(vae, images, lambda: None)]
        parts: list[Any] = [control.controlnet_cond_embedding, vae.encoder]
        for part in parts:
            part.register_forward_pre_hook(lambda module, _: called.append(type(module).__name__))

        found = [embed_hint(control, images), encode(vae, images, lambda: None)]

    assert all(map(torch.equal, found, expected))
    assert called == ["ControlNetConditioningEmbedding", "Encoder"]
