"""Weights that will be leased are loaded while the lanes do what their node waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from math import inf
from pathlib import Path
from threading import Event, current_thread
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import pytest

from nodegraph import (
    Builder,
    Node,
    Output,
    Progress,
    Settings,
    Steps,
    Wire,
    Workflow,
    execute,
    plan,
)
from nodegraph.cache import Budgets, Cache
from nodegraph.events import Failed, Finished, Outcome
from nodegraph.graph.ports import output_of
from nodegraph.graph.registry import Registry
from nodegraph.node import Context, Folders, LaneName, ModelRef
from nodes.checkpoints.parts import Part
from nodes.images import LoadImage
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.preprocessors import Canny
from nodes.sampling import Control, Sample
from nodes.weights.reference import Weights

from ..support.pretend import DEVICE, MB, Pretend
from ..support.weights import save_base, save_single

AHEAD = "nodegraph loading"


class Held:
    """Weights, in pretence."""

    def __init__(self, name: str) -> None:
        self.block, self.data = self, name.encode()


class Watched:
    """What was loaded, by which thread; and what a load waits for."""

    def __init__(self) -> None:
        self.loads: list[tuple[str, str]] = []
        self.begun, self.may_end, self.fails = Event(), Event(), False

    def load(self, key: str) -> Held:
        self.loads.append((key, current_thread().name))
        self.begun.set()
        if self.fails:
            raise RuntimeError("out of paint")
        assert self.may_end.wait(60)
        return Held(key)


@dataclass(frozen=True, slots=True)
class Ref(Wire):
    """A reference to weights that are no more than their name."""

    key: str

    def nbytes(self, dtype: str) -> int:  # noqa: ARG002
        return 10

    def load(self, device: str, dtype: str) -> Held:  # noqa: ARG002
        return WATCHED.load(self.key)


@dataclass(frozen=True, slots=True)
class Model(Wire):
    ref: Ref


class Found(Output):
    model: Model


class Number(Output):
    value: int


class Find(Node):
    """Find a model, without loading it."""

    name: str = "weights"
    lane: ClassVar[LaneName] = "io"

    def run(self) -> Found:
        return Found(model=Model(Ref(self.name)))


class Prepare(Node):
    """Take as long as it takes to load."""

    value: int = 1

    def run(self) -> Number:
        assert WATCHED.begun.wait(60)
        WATCHED.may_end.set()
        return Number(value=self.value)


class Hurry(Node):
    """Take no time at all."""

    value: int = 1

    def run(self) -> Number:
        return Number(value=self.value)


class Draw(Node):
    """Work on a device with weights."""

    model: Model
    value: int
    lane: ClassVar[LaneName] = "device"

    def run(self, context: Context) -> Number:
        with context.lease(self.model.ref) as weights:
            return Number(value=self.value + len(weights.data))

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        if model := inputs.get("model"):
            yield model.ref


class Step(Node):
    """Work on a device, step by step, for as long as nothing is loaded."""

    value: int
    lane: ClassVar[LaneName] = "device"

    def run(self) -> Steps[Number]:
        for done in range(5):
            yield Progress(done + 1, 5)
            # Long enough for the driver to find that nobody reports.
            WATCHED.begun.wait(0.05)
        return Number(value=self.value)


class Broken(Draw):
    """A node that does not know what it leases."""

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:
        raise KeyError(f"nowhere among {inputs}")


TOYS = Registry.of(Find, Prepare, Hurry, Draw, Step, Broken)
WATCHED = Watched()


@pytest.fixture(autouse=True)
def watched() -> Watched:
    WATCHED.__init__()  # type: ignore[misc]
    return WATCHED


def drive(cache: Cache, first: str = "Prepare", device: str = "cpu", **more: Any) -> Outcome:
    return driven(cache, first, device, **more)[1]


def driven(
    cache: Cache, first: str = "Prepare", device: str = "cpu", draw: str = "Draw", value: int = 1
) -> tuple[list[str], Outcome]:
    """Run ``first`` and what draws with what it makes; tell what was computed."""
    nodes = {
        "model": {"type": "Find"},
        "first": {"type": first, "values": {"value": value}},
        "draw": {"type": draw, "links": {"model": "model.model", "value": "first.value"}},
    }
    workflow = Workflow.model_validate(
        {"format": 1, "nodes": nodes, "results": {"drawn": "draw.value"}}
    )
    running = execute(plan(workflow, TOYS), cache, Settings(devices=(device,)))
    computed: list[str] = []
    while True:
        try:
            event = next(running)
        except StopIteration as end:
            return computed, end.value
        if isinstance(event, Finished) and not event.cached:
            computed.append(event.name)


def test_weights_load_while_something_else_prepares(watched: Watched) -> None:
    outcome = drive(Cache.in_memory())

    assert outcome.results == {"drawn": 8}
    assert watched.loads == [("weights", AHEAD)]


def test_a_load_that_fails_is_told_once_by_the_node_that_needs_it(watched: Watched) -> None:
    watched.fails = True

    outcome = drive(Cache.in_memory())

    assert [failure.node for failure in outcome.failures] == ["draw"]
    assert "out of paint" in str(outcome.failures[0])
    assert [thread == AHEAD for _, thread in watched.loads] == [True, False]


def test_a_node_that_does_not_know_what_it_leases_leases_it_all_the_same(
    watched: Watched,
) -> None:
    watched.may_end.set()

    outcome = drive(Cache.in_memory(), "Hurry", draw="Broken")

    assert outcome.results == {"drawn": 8}


def test_nothing_is_loaded_for_what_is_known(
    tmp_path: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodegraph.cache.cache.WORTH_NOTING", 0.0)
    monkeypatch.setattr("nodegraph.cache.cache.WORTH_WRITING", 0.0)
    with closing(Cache(tmp_path)) as cache:
        drive(cache)
    loads = list(watched.loads)

    with closing(Cache(tmp_path)) as cache:
        computed, outcome = driven(cache)

    assert (computed, outcome.results) == ([], {"drawn": 8})
    assert watched.loads == loads


def test_what_is_made_in_no_time_says_nothing_of_what_is_known(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may well have been made before: such quick ones are not recorded."""
    monkeypatch.setattr(import_module("nodegraph.execution.execute"), "_SOON", 60)
    watched.may_end.set()

    drive(Cache.in_memory(), "Hurry")

    assert [thread == AHEAD for _, thread in watched.loads] == [False]


def test_nothing_is_loaded_while_a_device_works_in_steps(watched: Watched) -> None:
    watched.may_end.set()
    cache = Cache(budgets=Budgets(device=MB, host=MB), tensors=Pretend(), disk=False)

    outcome = drive(cache, "Step", device=DEVICE)

    assert outcome.failures == ()
    assert [thread == AHEAD for _, thread in watched.loads] == [False]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The parts of models that are loaded, and the thread that does it."""
    found: list[tuple[str, str]] = []
    load: Any = Weights.load

    def noted(self: Weights, device: str, dtype: str) -> Any:
        module = load(self, device, dtype)
        found.append((self.part, current_thread().name))
        return module

    monkeypatch.setattr(Weights, "load", noted)
    return found


def drawn(folder: Path, seed: int = 0, prompt: str = "a red circle", **control: Any) -> Builder:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[16:48, 16:48] = 255
    PIL.Image.fromarray(pixels).save(folder / "square.png")
    g = Builder()
    base = g.add("base", LoadBaseModel, model="tiny")
    net = g.add("net", LoadControlNet, model="tiny-canny")
    photo = g.add("photo", LoadImage, path=Path("square.png"))
    edges = g.add("edges", Canny, image=photo.image)
    steered = g.add("steered", Control, image=edges.image, controlnet=net.controlnet, **control)
    sample = g.add(
        "sample",
        Sample,
        model=base.model,
        controls=[steered.control],
        prompt=prompt,
        steps=2,
        seed=seed,
    )
    g.result("image", sample.image)
    return g


def run(builder: Builder, cache: Cache, folder: Path) -> list[str]:
    """The nodes that were run, not looked up."""
    settings = Settings(folders=Folders(data=(folder,)))
    events = list(execute(plan(builder.workflow(), builder.registry), cache, settings))
    assert not [event for event in events if isinstance(event, Failed)]
    return [one.name for one in events if isinstance(one, Finished) and not one.cached]


def slowly(monkeypatch: pytest.MonkeyPatch, until: Callable[[], bool]) -> None:
    """Let edges be traced no sooner than something has happened."""
    trace: Any = Canny.run

    def traced(self: Canny) -> Any:
        for _ in range(1000):
            if until():
                break
            Event().wait(0.01)
        return trace(self)

    traced.__annotations__ = {"return": output_of(Canny)}
    monkeypatch.setattr(Canny, "run", traced)


def test_base_model_and_controlnet_load_while_edges_are_traced(
    tmp_path: Path, loads: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch, lambda: len(loads) == 4)

    run(drawn(tmp_path), Cache.in_memory(), tmp_path)

    ahead = {part for part, thread in loads if thread == AHEAD}
    assert ahead == {"unet", "controlnet", "vae"}
    assert sorted(part for part, _ in loads) == ["controlnet", "text_encoder", "unet", "vae"]


@pytest.mark.parametrize("closed", [{"strength": 0.0}, {"start": 0.5, "end": 0.5}, {"end": 0.1}])
def test_a_closed_controlnet_is_never_loaded(
    tmp_path: Path,
    loads: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    closed: dict[str, Any],
) -> None:
    slowly(monkeypatch, lambda: len(loads) == 3)

    run(drawn(tmp_path, **closed), Cache.in_memory(), tmp_path)

    assert sorted(part for part, _ in loads) == ["text_encoder", "unet", "vae"]


def test_a_run_whose_prompts_are_known_never_loads_the_text_encoder(
    tmp_path: Path, loads: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodegraph.cache.cache.WORTH_WRITING", inf)
    with closing(Cache(tmp_path / "cache")) as cache:
        run(drawn(tmp_path, seed=1), cache, tmp_path)
    loads.clear()

    with closing(Cache(tmp_path / "cache")) as cache:
        computed = run(drawn(tmp_path, seed=2), cache, tmp_path)

    assert not {"sample/prompt", "sample/negative_prompt"} & {*computed}
    assert "sample/denoise" in computed
    assert "text_encoder" not in {part for part, _ in loads}


def test_a_text_encoder_may_go_once_prompts_are_known(
    tmp_path: Path, loads: list[tuple[str, str]]
) -> None:
    cache = Cache.in_memory()
    run(drawn(tmp_path, seed=1), cache, tmp_path)
    before = cache.sizes()["host"].bytes
    (key,) = [
        key
        for _, tier in cache._memory.tiers()
        for key in tier.entries
        if isinstance(key, tuple) and key[0].startswith("text_encoder ")
    ]
    cache._memory.remove(key)
    loads.clear()

    run(drawn(tmp_path, seed=2), cache, tmp_path)

    assert cache.sizes()["host"].bytes < before
    assert "text_encoder" not in {part for part, _ in loads}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_tell_their_size_before_they_are_loaded(tmp_path: Path, dtype: str) -> None:
    from nodegraph.values.tensors import TENSORS

    save_base(tmp_path / "base")
    single = save_single(tmp_path / "base", tmp_path / "base.safetensors")
    parts: tuple[Part, ...] = ("text_encoder", "unet", "vae")
    refs = [
        Weights(part, str(path), f"{part} {path}")
        for part in parts
        for path in (tmp_path / "base" / part, single)
    ]

    for ref in refs:
        told, held = ref.nbytes(dtype), TENSORS.weights_size(ref.load("cpu", dtype))
        # Positions are counted, not learned: they are in no file.
        assert 0 <= held - told <= 1024
