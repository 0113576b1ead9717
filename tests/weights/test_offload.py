"""Weights that wait on the host: the same pictures, and where the budget for weights is short."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes

from nodegraph import Builder, Cache, Node, Output, execute, plan, run
from nodegraph.events import Finished
from nodegraph.savings import Offload
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.networks.supported import is_supported
from nodes.sampling import Control, Denoise, EncodePrompt
from nodes.types import Image
from nodes.weights.offload import Offloaded
from nodes.weights.reference import Weights

from ..support.byte_budget import ByteBudget
from ..support.pictures import gradient
from ..support.weights import Bench


class Picture(Output):
    """A picture."""

    image: Image


class Show(Node):
    """Show a gradient."""

    def run(self) -> Picture:
        return Picture(image=gradient(64, 64))


def denoised(cache: Cache) -> tuple[Any, tuple[str, ...]]:
    """Latents under a control, and how they were degraded."""
    g = Builder("picture")
    base = g.add("base", LoadBaseModel, model="tiny")
    net = g.add("net", LoadControlNet, model="tiny-canny")
    texts = [g.add(name, EncodePrompt, model=base.model, prompt=name) for name in ("face", "blur")]
    control = g.add("control", Control, image=g.add("shown", Show).image, controlnet=net.controlnet)
    drawn = g.add(
        "drawn",
        Denoise,
        model=base.model,
        prompt=texts[0].conditioning,
        negative_prompt=texts[1].conditioning,
        controls=[control.control],
        steps=2,
    )
    g.result("latents", drawn.latents)
    for name, text in zip(("face", "blur"), texts, strict=True):
        g.result(name, text.conditioning)
    with _disable_current_modes():
        run(plan(g.workflow(), g.registry, only=["face", "blur"]), cache)
    running = execute(plan(g.workflow(), g.registry, only=["latents"]), cache)
    degraded: tuple[str, ...] = ()
    while True:
        try:
            event = next(running)
        except StopIteration as end:
            return end.value.results["latents"].values, degraded
        if isinstance(event, Finished) and event.name == "drawn":
            degraded = event.degraded


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> Iterator[ByteBudget]:
    """A budget that weights count in, except for those on the host: they would be on a GPU."""
    budget, load, offload = ByteBudget(), Weights.load, Offloaded.load
    waiting: list[Offloaded] = []

    def loaded(self: Weights, device: str, dtype: str) -> Any:
        with _disable_current_modes():
            module = load(self, device, dtype)
        if not waiting and self.part in ("unet", "controlnet"):
            budget.hold(module.parameters())
        return module

    def offloaded(self: Offloaded, device: str, dtype: str) -> Any:
        waiting.append(self)
        try:
            return offload(self, device, dtype)
        finally:
            waiting.remove(self)

    monkeypatch.setattr(Weights, "load", loaded)
    monkeypatch.setattr(Offloaded, "load", offloaded)
    with budget:
        yield budget


@pytest.mark.parametrize(("share", "unit"), [(0.85, "models"), (0.5, "layers")])
def test_where_weights_do_not_fit_they_wait_on_the_host_and_the_picture_is_the_same(
    budget: ByteBudget, share: float, unit: str
) -> None:
    plain, degraded = denoised(Cache.in_memory())
    gc.collect()
    assert degraded == ()

    budget.limit = budget.live + int((budget.most - budget.live) * share)
    sparing, degraded = denoised(Cache.in_memory())

    assert degraded == (f"{unit} offloaded",)
    assert budget.ooms >= 1
    torch.testing.assert_close(sparing, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("unit", ["models", "layers"])
def test_offloaded_weights_compute_the_same_by_diffusers_own_forward(unit: Offload) -> None:
    weights = LoadBaseModel(model="tiny").run(Bench()).model.unet
    assert isinstance(weights, Weights)
    plain, offloaded = weights.load("cpu", "float32"), weights.offloaded("cpu", unit)
    hooked = offloaded.load("cpu", "float32")
    config: Any = plain.config
    latents = torch.randn(1, config.in_channels, 8, 8, generator=torch.Generator().manual_seed(0))
    prompt = torch.zeros(1, 77, config.cross_attention_dim)

    with torch.inference_mode():
        ours, theirs = (net(latents, 5, prompt).sample for net in (plain, hooked))

    assert torch.equal(ours, theirs)
    assert (is_supported(plain), is_supported(hooked)) == (True, False)


def places(module: Any) -> list[int]:
    return [weight.data_ptr() for weight in (*module.parameters(), *module.buffers())]


def test_models_take_turns_whichever_part_of_them_is_called() -> None:
    bench = Bench()
    unet = LoadBaseModel(model="tiny").run(bench).model.unet.offloaded("cpu", "models")
    net = LoadControlNet(model="tiny-canny").run(bench).controlnet.net.offloaded("cpu", "models")
    first: Any = unet.load("cpu", "float32")
    second: Any = net.load("cpu", "float32")
    hosts = places(first), places(second)

    with torch.inference_mode():
        first.time_proj(torch.ones(1))
        assert not {*places(first)} & {*hosts[0]}
        second.conv_in(torch.zeros(1, 8, 8, 8))
        assert places(first) == hosts[0]
        assert not {*places(second)} & {*hosts[1]}

    net.put_back(second)
    assert (places(first), places(second)) == hosts


def test_no_model_stays_on_the_device_after_its_lease(budget: ByteBudget) -> None:
    cache = Cache.in_memory()
    weights = LoadBaseModel(model="tiny").run(Bench()).model.unet
    before = budget.live

    def use() -> None:
        unet: Any
        with cache.pool.lease(weights, "cpu", "float32", offload="models") as unet:
            unet.time_proj(torch.ones(1))
            assert budget.live - before > 2**24
            budget.limit = budget.live
            torch.ones(2**20)

    with pytest.raises(torch.OutOfMemoryError):
        use()
    gc.collect()

    assert budget.live - before < 2**20


def test_weights_are_not_held_twice_when_they_are_offloaded() -> None:
    cache = Cache.in_memory()
    weights = LoadBaseModel(model="tiny").run(Bench()).model.vae
    with cache.pool.lease(weights, "cpu", "float32"):
        pass
    alone = cache.sizes()["host"]

    with cache.pool.lease(weights, "cpu", "float32", offload="layers"):
        assert cache.sizes()["host"] == alone
