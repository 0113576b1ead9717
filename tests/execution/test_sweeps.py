"""Sweeps: every combination, labelled, judged where it is used, and each model loaded once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

import pytest
from pydantic import JsonValue, ValidationError

from nodegraph import Node, Output, Workflow, execute, plan
from nodegraph.cache import Budgets, Cache
from nodegraph.errors import UserError, WorkflowError
from nodegraph.events import Finished, Outcome
from nodegraph.graph.ports import accepts, type_name
from nodegraph.graph.registry import Registry
from nodegraph.node import Context, LaneName
from nodegraph.settings import Settings
from nodes.sweeps import Sweep

from ..support.lights import PRETEND, Light, Load
from ..support.lights import REFS as LIGHTS
from ..support.pretend import DEVICE, MB
from ..support.running_toys import TOYS, Number, followed


def test_all_combinations_come_column_by_column_then_row_then_section() -> None:
    swept = Sweep(x=[1, 2], y=["a", "b"], z=[True]).run()

    assert list(zip(swept.x, swept.y, swept.z, strict=True)) == [
        (1, "a", True),
        (2, "a", True),
        (1, "b", True),
        (2, "b", True),
    ]


@pytest.mark.parametrize(
    ("sweep", "columns", "rows"),
    [
        (Sweep(x=[2.0, 7.5], x_name="scale"), ["scale 2", "scale 7.5"], []),
        (Sweep(x=["DDIM"], y=[None, False]), ["DDIM"], ["null", "false"]),
        (Sweep(x=[1], z=["m", "n"], z_name="model"), ["1"], ["model m", "model n"]),
        (
            Sweep(x=[1], y=[3, 4], z=["m", "n"], y_name="seed"),
            ["1"],
            ["m, seed 3", "m, seed 4", "n, seed 3", "n, seed 4"],
        ),
        (Sweep(x=[[1, "é"]]), ['[1, "é"]'], []),
    ],
)
def test_rows_and_columns_are_labelled(
    sweep: Sweep, columns: Sequence[str], rows: Sequence[str]
) -> None:
    swept = sweep.run()

    assert (swept.column_labels, swept.row_labels) == (columns, rows)


def test_a_list_that_is_not_given_gives_nothing_for_each() -> None:
    assert Sweep(x=[1, 2]).run().y == [None, None]


def test_a_sweep_over_nothing_or_without_end_is_refused() -> None:
    with pytest.raises(ValidationError):
        Sweep(x=[])
    with pytest.raises(UserError, match=r"x, y and z make 10,100 combinations; 10,000 are the"):
        Sweep(x=[*range(101)], y=[*range(100)]).run()


@pytest.mark.parametrize(
    ("target", "source", "fits"),
    [
        (int, JsonValue, True),
        (float | None, JsonValue, True),
        (Light, JsonValue, False),
        (Light | None, JsonValue, True),
        (JsonValue, str, True),
        (JsonValue, Light, False),
        (JsonValue, Any, True),
        (Light, Any, True),
    ],
)
def test_a_value_of_any_kind_fits_where_json_does(target: Any, source: Any, fits: bool) -> None:
    assert accepts(target, source) is fits


def test_a_type_of_any_value_is_spelled() -> None:
    assert type_name(list[JsonValue]) == "list[JSON]"


REFS = [LIGHTS[name] for name in "ab"]


class Kept(Output):
    """The same model, in a wire of its own."""

    light: Light


class Keep(Node):
    """Pass a model on."""

    light: Light

    def run(self) -> Kept:
        return Kept(light=self.light)


class Use(Node):
    """Use the weights of a model."""

    lane: ClassVar[LaneName] = "device"
    light: Light
    number: int

    def run(self, context: Context) -> Number:
        with context.lease(self.light.ref):
            return Number(value=self.number)


REGISTRY: Registry = TOYS.with_kinds([Sweep, Load, Keep, Use])


def sweeping(model: str, number: str, **values: object) -> Workflow:
    nodes = {
        "sweep": {"type": "Sweep", "values": values},
        "load": {"type": "Load", "links": {"model": f"sweep.{model}"}},
        "keep": {"type": "Keep", "links": {"light": "load.light"}},
        "use": {
            "type": "Use",
            "links": {"light": "keep.light", "number": f"sweep.{number}"},
        },
    }
    return Workflow.model_validate({"nodes": nodes, "results": {"used": "use.value"}})


def drive(workflow: Workflow) -> tuple[list[Finished], Outcome]:
    """Run on a device that holds the weights of one model, and no memory to put others aside."""
    cache = Cache.in_memory(Budgets(device=MB + MB // 2, host=MB // 2), PRETEND)
    running = execute(plan(workflow, REGISTRY), cache, Settings(devices=(DEVICE,), batch=1))
    found: list[Finished] = []
    while True:
        try:
            event = next(running)
        except StopIteration as end:
            return found, end.value
        if isinstance(event, Finished):
            found.append(event)


@pytest.mark.parametrize(
    ("model", "number", "values"),
    [
        ("x", "y", {"x": ["a", "b"], "y": [1, 2, 3]}),
        ("y", "x", {"x": [1, 2, 3], "y": ["a", "b"]}),
        ("x", "z", {"x": ["a", "b"], "z": [1, 2, 3]}),
    ],
)
def test_each_model_of_a_sweep_is_loaded_once_whichever_way_it_goes(
    model: str, number: str, values: Mapping[str, object]
) -> None:
    for ref in REFS:
        ref.loads.clear()

    finished, outcome = drive(sweeping(model, number, **values))

    assert outcome.failures == ()
    assert [len(ref.loads) for ref in REFS] == [1, 1]
    assert len([event for event in finished if event.name == "use"]) == 6
    assert sorted(set(outcome.results["used"])) == values[number]  # type: ignore[call-overload]


class UseBoth(Node):
    """Use the weights of two models at once."""

    lane: ClassVar[LaneName] = "device"
    base: Light
    net: Light

    def run(self, context: Context) -> Number:
        with context.lease(self.base.ref), context.lease(self.net.ref):
            return Number(value=1)


class LoadNet(Load):
    """Find a model of another kind."""


def test_every_base_with_every_net_loads_each_once_where_one_base_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Every load takes as long: else what goes first would depend on this machine.
    monkeypatch.setattr("nodegraph.cache.pool.perf_counter", count().__next__)
    for ref in LIGHTS.values():
        ref.loads.clear()
    nodes = {
        "sweep": {"type": "Sweep", "values": {"x": ["a", "b"], "y": ["m", "n"]}},
        "base": {"type": "Load", "links": {"model": "sweep.x"}},
        "net": {"type": "LoadNet", "links": {"model": "sweep.y"}},
        "both": {"type": "UseBoth", "links": {"base": "base.light", "net": "net.light"}},
    }
    workflow = Workflow.model_validate({"nodes": nodes, "results": {"used": "both.value"}})
    registry = TOYS.with_kinds([Sweep, Load, LoadNet, UseBoth])
    cache = Cache.in_memory(Budgets(device=3 * MB + MB // 2, host=MB // 2), PRETEND)

    outcome = followed(execute(plan(workflow, registry), cache, Settings((DEVICE,), batch=1)))[1]

    assert outcome.results["used"] == [1, 1, 1, 1]
    assert {name: len(ref.loads) for name, ref in LIGHTS.items()} == dict.fromkeys("abmn", 1)
    assert cache._memory._upcoming == {}


def summing(**values: object) -> Workflow:
    nodes = {
        "sweep": {"type": "Sweep", "values": values},
        "sum": {"type": "Sum", "links": {"values": "sweep.x"}},
    }
    return Workflow.model_validate({"nodes": nodes, "results": {"sum": "sum.value"}})


def problems(workflow: Workflow) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        plan(workflow, REGISTRY)
    return [str(problem) for problem in caught.value.problems]


NO_NUMBER = "'many' should be a valid integer, unable to parse string as an integer"


def test_values_that_do_not_fit_are_all_named_with_their_places_before_anything_runs() -> None:
    assert problems(sweeping("x", "y", x=["a", 2], y=[1, "many", 0.5])) == [
        "load.model: 2 should be a valid string (it is sweep.x[1])",
        f"use.number: {NO_NUMBER} (it is sweep.y[1])",
        "use.number: 0.5 should be a valid integer, got a number with a fractional part"
        " (it is sweep.y[2])",
    ]


def test_an_entry_of_a_list_that_does_not_fit_is_named_before_anything_runs() -> None:
    assert problems(summing(x=[1, "many"])) == [f"sum.values: {NO_NUMBER} (it is sweep.x[1])"]


def test_a_sweep_over_nothing_is_judged_when_it_runs() -> None:
    _, outcome = drive(sweeping("x", "y", x=["a"]))

    assert str(outcome.failures[0]).splitlines()[0] == (
        "use[0] (Use) failed: number: None should be a valid integer (it is sweep.y[0])"
    )


def behind_another(workflow: Workflow, name: str, values: Sequence[object]) -> Workflow:
    """A list of the sweep comes from another sweep: it is known when that has run."""
    document = json.loads(workflow.to_json())
    document["nodes"]["first"] = {"type": "Sweep", "values": {"x": values}}
    document["nodes"]["sweep"]["links"] = {name: "first.x"}
    return Workflow.model_validate(document)


def test_a_value_of_a_wrong_kind_is_named_with_its_place_in_the_sweep() -> None:
    _, outcome = drive(behind_another(sweeping("x", "y", x=["a"]), "y", [1, "many"]))

    assert str(outcome.failures[0]).splitlines()[0] == (
        f"use[1] (Use) failed: number: {NO_NUMBER} (it is sweep.y[1])"
    )


def test_a_wrong_entry_of_a_list_is_named_with_its_place_in_the_sweep() -> None:
    _, outcome = drive(behind_another(summing(), "x", [1, "many"]))

    assert str(outcome.failures[0]).splitlines()[0] == (
        f"sum (Sum) failed: values[1]: {NO_NUMBER} (it is sweep.x[1])"
    )


def test_a_sweep_does_not_fit_where_a_model_is_needed() -> None:
    nodes = {
        "sweep": {"type": "Sweep", "values": {"x": [1]}},
        "keep": {"type": "Keep", "links": {"light": "sweep.x"}},
    }

    with pytest.raises(WorkflowError, match=r"keep.light: takes Light, but sweep.x is list\[JSON"):
        plan(Workflow.model_validate({"nodes": nodes}), REGISTRY)
