"""The order of work: each model is loaded once where it can be, on the lane that has it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, ClassVar

import pytest

from nodegraph import Node, Workflow, execute, plan
from nodegraph.cache import Budgets, Cache
from nodegraph.events import Finished
from nodegraph.execution.local.affinity import AffinityQueue, LoadedModels, Models, closest
from nodegraph.execution.local.dispatch import Dispatcher
from nodegraph.graph.registry import Registry
from nodegraph.inspection.explain import explain
from nodegraph.node import Context, LaneName
from nodegraph.settings import Settings
from nodegraph.tasks.task import CallState, Task, call_states
from nodes.sweeps import Sweep

from ..support.lights import PRETEND, REFS, Light, Load
from ..support.pretend import DEVICE, MB
from ..support.running_toys import TOYS, Number


class LoadNet(Load):
    """Find a model that steers."""


class Found(Node):
    """Wait until all models have been found."""

    lights: list[Light]

    def run(self) -> Number:
        return Number(value=len(self.lights))


class Steer(Node):
    """Use a base model and what steers it."""

    lane: ClassVar[LaneName] = "device"
    base: Light
    net: Light | None = None
    number: int = 0
    after: int = 0

    def run(self, context: Context) -> Number:
        with context.lease(self.base.ref):
            if self.net is not None:
                with context.lease(self.net.ref):
                    return Number(value=self.number)
        return Number(value=self.number)


class Finish(Steer):
    """Use the base model again."""


REGISTRY: Registry = TOYS.with_kinds([Sweep, Load, LoadNet, Found, Steer, Finish])


def loads(nodes: Mapping[str, object], holds: float) -> dict[str, int]:
    """Run on a device that holds so many models, and no memory to put others aside."""
    for ref in REFS.values():
        ref.loads.clear()
    cache = Cache.in_memory(Budgets(device=int(holds * MB), host=MB // 2), PRETEND)
    drawn = Workflow.model_validate({"nodes": nodes})
    for event in execute(plan(drawn, REGISTRY), cache, Settings(devices=(DEVICE,), batch=1)):
        assert isinstance(event, Finished) or "Failed" not in type(event).__name__, event
    return {name: len(ref.loads) for name, ref in REFS.items() if ref.loads}


def swept(base: str, net: str) -> dict[str, Any]:
    """A product of base models, nets and numbers: which of the sweep's lists is which."""
    values = {base: ["a", "b"], net: ["m", "n"], "z": [1, 2, 3]}
    return {
        "sweep": {"type": "Sweep", "values": values},
        "base": {"type": "Load", "links": {"model": f"sweep.{base}"}},
        "net": {"type": "LoadNet", "links": {"model": f"sweep.{net}"}},
        "bases": {"type": "Found", "links": {"lights": "base.light"}},
        "nets": {"type": "Found", "links": {"lights": "net.light"}},
        "found": {"type": "Add", "links": {"left": "bases.value", "right": "nets.value"}},
        "steer": {
            "type": "Steer",
            "links": {
                "base": "base.light",
                "net": "net.light",
                "number": "sweep.z",
                "after": "found.value",
            },
        },
    }


@pytest.mark.parametrize(("base", "net"), [("x", "y"), ("y", "x")])
def test_of_base_models_and_nets_none_is_loaded_without_need(
    base: str, net: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodegraph.cache.pool.perf_counter", lambda: 0.0)  # all load as quickly

    found = loads(swept(base, net), holds=2.5)

    # Four pairs, one step from each to the next: the base model changes once, the nets twice.
    assert {name: found[name] for name in "ab"} == {"a": 1, "b": 1}
    assert found["m"] + found["n"] == 3


def test_all_that_one_model_is_used_for_is_done_before_another_is_loaded() -> None:
    nodes = {
        "base": {"type": "Load", "values": {"model": ["a", "b", "a"]}},
        "found": {"type": "Found", "links": {"lights": "base.light"}},
        "steer": {"type": "Steer", "links": {"base": "base.light", "after": "found.value"}},
        "finish": {"type": "Finish", "links": {"base": "base.light", "number": "steer.value"}},
    }

    assert loads(nodes, holds=1.5) == {"a": 1, "b": 1}


def test_branches_that_use_one_model_are_run_one_after_another() -> None:
    found = {"type": "Found", "links": {"lights": [f"base{i}.light" for i in range(4)]}}
    nodes: dict[str, object] = {"found": found}
    for i, model in enumerate("abab"):
        nodes[f"base{i}"] = {"type": "Load", "values": {"model": model}}
        nodes[f"steer{i}"] = {
            "type": "Steer",
            "values": {"number": i},
            "links": {"base": f"base{i}.light", "after": "found.value"},
        }

    assert loads(nodes, holds=1.5) == {"a": 1, "b": 1}


A: Models = ((Load, b"a"),)
B: Models = ((Load, b"b"),)


def queue(*models: Models) -> tuple[AffinityQueue, list[Task]]:
    drawn = {"n": {"type": "Add", "values": {"left": [*range(len(models))]}}}
    call = call_states(plan(Workflow.model_validate({"nodes": drawn}), REGISTRY))[0]
    made, tasks = AffinityQueue(), [Task(call, item) for item in range(len(models))]
    for task, each in zip(tasks, models, strict=True):
        made.push(task, each)
    return made, tasks


def holding(models: Models = ()) -> LoadedModels:
    loaded = LoadedModels()
    loaded.use(models)
    return loaded


def test_a_lane_goes_on_with_the_models_it_has() -> None:
    waiting, _ = queue(A, B, A)

    assert waiting.nearest(holding(B)) == B
    assert waiting.nearest(holding()) == A


def test_a_lane_that_has_none_takes_what_no_other_lane_has() -> None:
    waiting, _ = queue(A, B, A)

    assert waiting.nearest(holding(), [holding(A)]) == B


def test_work_goes_to_the_lane_that_has_its_model() -> None:
    waiting, _ = queue(B, B)

    assert closest({"one": holding(A), "two": holding(B)}, waiting) == "two"


def test_only_items_that_use_the_same_models_are_taken_together() -> None:
    waiting, tasks = queue(A, B, A, A)

    assert waiting.take(A, most=2) == [tasks[0], tasks[2]]
    assert waiting.take(A, most=2) == [tasks[3]]
    assert waiting.take(B, most=2) == [tasks[1]]
    assert not waiting


def costs(
    queue: AffinityQueue, loaded: LoadedModels, lanes: list[LoadedModels]
) -> dict[Models, tuple[float, bool, Any]]:
    """What each group would cost, found by looking at all of them."""

    def elsewhere(models: Models) -> bool:
        missing = [model for model in models if not loaded.has(model)]
        return any(lane.has(model) for lane in lanes if lane is not loaded for model in missing)

    return {
        models: (loaded.missing(models), elsewhere(models), group[0][:2])
        for models, group in queue._groups.items()
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_group_that_needs_the_least_loaded_is_found_without_looking_at_all(seed: int) -> None:
    random = Random(seed)
    kinds = [Load, LoadNet, LoadNet]

    def some() -> Models:
        return tuple((kind, bytes([random.randrange(4)])) for kind in kinds[: random.randrange(4)])

    waiting, _ = queue(*[some() for _ in range(60)])
    loaded, other = holding(some()), holding(some())
    while waiting:
        nearest = waiting.nearest(loaded, [loaded, other])
        by_cost = costs(waiting, loaded, [loaded, other])
        assert by_cost[nearest] == min(by_cost.values())
        loaded.use(nearest)
        for task in waiting.take(nearest, random.randrange(1, 4)):
            if random.random() < 0.3:
                waiting.push(task, some())


def test_one_slow_call_does_not_send_a_quick_kind_to_its_lane_for_good() -> None:
    planned = plan(Workflow.model_validate({"nodes": {"n": {"type": "Add"}}}), REGISTRY)
    calls: list[CallState] = call_states(planned)
    lanes = Dispatcher(planned, calls, Cache.in_memory(), Settings(), lambda _: None)
    task = Task(calls[0], None)
    task.state = "run"

    def after(*seconds: float) -> bool:
        for each in seconds:
            lanes.note_speed(task, each)
        return lanes._in_place(task)

    assert not after(1e-5, 1e-5)
    assert after(1e-5)
    assert after(*[1e-5] * 50, 0.04)
    assert not after(0.2)
    assert not after(*[0.005] * 1000)


def mapped(items: int) -> Workflow:
    """Items mapped, zipped, gathered one by one, and gathered all."""
    return Workflow.model_validate(
        {
            "nodes": {
                "a": {"type": "Add", "values": {"left": [*range(items)]}},
                "b": {"type": "Half", "links": {"value": "a.value"}},
                "c": {"type": "Add", "links": {"left": "b.value", "right": "a.value"}},
                "d": {"type": "Sum", "links": {"values": ["b.value", "c.value"]}},
                "e": {"type": "Sum", "links": {"values": "d.value"}},
            }
        }
    )


def work(what: Callable[[], object]) -> int:
    """How many functions are called, Python's and C's, in this thread."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(counted)
    try:
        what()
    finally:
        sys.setprofile(None)
    return count


def test_items_take_work_in_proportion_cold_cached_and_explained() -> None:
    def spent(items: int) -> list[int]:
        cache, planned = Cache.in_memory(), plan(mapped(items), REGISTRY)
        cold = work(lambda: [*execute(planned, cache)])
        cached = work(lambda: [*execute(planned, cache)])
        return [cold, cached, work(lambda: explain(planned, cache))]

    spent(10)
    few, many = spent(100), spent(800)

    assert [m < 8.2 * f for f, m in zip(few, many, strict=True)] == [True, True, True]


def pairs(bases: int, nets: int) -> list[Models]:
    names = [bytes([i // 256, i % 256]) for i in range(max(bases, nets))]
    return [((Load, base), (LoadNet, net)) for net in names[:nets] for base in names[:bases]]


def changes(models: list[Models], waiting: AffinityQueue) -> int:
    """Take all that waits, on a lane and beside another one; how often a base model changes."""
    loaded, other, last, changed = holding(), holding(models[-1]), b"", 0
    while waiting:
        nearest = waiting.nearest(loaded, [loaded, other])
        loaded.use(nearest)
        waiting.take(nearest, 4)
        changed += nearest[0][1] != last
        last = nearest[0][1]
    return changed


@pytest.mark.parametrize("shape", [(1, 0), (0, 1), (0.5, 0.5)])
def test_choosing_among_many_models_takes_work_in_proportion(shape: tuple[float, float]) -> None:
    def spent(size: int) -> int:
        models = pairs(*[round(size**power) for power in shape])
        waiting, _ = queue(*models)
        return work(lambda: changes(models, waiting)) // len(models)

    few, many = spent(100), spent(1600)

    assert many < 1.3 * few


def test_of_many_pairs_each_base_model_is_taken_once() -> None:
    models = pairs(30, 30)
    waiting, _ = queue(*models)

    assert changes(models, waiting) == 30


def test_ten_thousand_items_run_and_are_known_again() -> None:
    nodes = mapped(10_000).nodes
    drawn = Workflow(
        nodes={"a": nodes["a"], "d": nodes["e"].model_copy(update={"links": {"values": "a.value"}})}
    )
    cache, planned = Cache.in_memory(), plan(drawn, REGISTRY)
    finished = [event for event in execute(planned, cache) if isinstance(event, Finished)]

    again = [event for event in execute(planned, cache) if isinstance(event, Finished)]

    assert len(finished) == len(again) == 10_001
    assert all(event.cached for event in again)
