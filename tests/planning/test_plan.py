from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nodegraph.errors import WorkflowError
from nodegraph.graph.registry import Registry
from nodegraph.graph.workflow import Call, Param, Workflow
from nodegraph.node import Facts, LinkedFacts, Node
from nodegraph.planning.plan import plan
from nodegraph.planning.types import Link, Source

from ..support.toys import TOYS, Const, Number

Entry = Mapping[str, object]
Nodes = Mapping[str, Entry]

BASE: Nodes = {
    "two": {"type": "Const", "values": {"value": 2}},
    "photo": {"type": "LoadPicture", "values": {"path": "room.png"}},
    "edges": {"type": "Outline", "links": {"image": "photo.image"}},
}


def workflow(nodes: Nodes, **results: str) -> Workflow:
    return Workflow.model_validate({"nodes": nodes, "results": results})


def chain(length: int, *, backwards: bool = False) -> Workflow:
    calls = {"n0": Call(type="Const", values={"value": 1})}
    for i in range(1, length):
        calls[f"n{i}"] = Call(type="Add", values={"right": i}, links={"left": f"n{i - 1}.value"})
    ordered = dict(reversed(calls.items())) if backwards else calls
    return Workflow(nodes=ordered, results={"last": f"n{length - 1}.value"})


def problems(nodes: Nodes, only: list[str] | None = None, **results: str) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        plan(workflow(nodes, **results), TOYS, only)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"type": "Outlin"}, "x: no 'Outlin'; did you mean 'Outline'?"),
        ({"type": "Outline"}, "x.image: needs a value or a link"),
        (
            {"type": "Const", "values": {"valeu": 1, "value": 1}},
            "x.valeu: no 'valeu'; did you mean 'value'?",
        ),
        ({"type": "Const", "values": {"high": 1, "value": 1}}, "x.high: no 'high'; it has value"),
        (
            {"type": "Const", "values": {"value": "a"}},
            "x.value: 'a' should be a valid integer, unable to parse string as an integer",
        ),
        ({"type": "Const", "values": {"value": None}}, "x.value: None should be a valid integer"),
        (
            {
                "type": "Outline",
                "links": {"image": "photo.image"},
                "values": {"low_threshold": 300},
            },
            "x.low_threshold: 300 should be less than or equal to 255",
        ),
        (
            {
                "type": "Outline",
                "links": {"image": "photo.image"},
                "values": {"low_threshold": [1, 300]},
            },
            "x.low_threshold[1]: 300 should be less than or equal to 255",
        ),
        (
            {"type": "Outline", "links": {"image": "photo.image"}, "values": {"low_threshold": []}},
            "x.low_threshold: is an empty list; give at least one value",
        ),
        (
            {"type": "Sum", "values": {"values": [1, "b"]}},
            "x.values[1]: 'b' should be a valid integer, unable to parse string as an integer",
        ),
        (
            {"type": "Outline", "values": {"image": "room.png"}},
            "x.image: 'room.png' should be an instance of Picture",
        ),
        (
            {"type": "Outline", "links": {"image": "photo.image"}, "values": {"image": 1}},
            "x.image: has both a value and a link",
        ),
        (
            {"type": "Outline", "links": {"image": "foto.image"}},
            "x.image: no 'foto'; did you mean 'photo'?",
        ),
        (
            {"type": "Outline", "links": {"image": "photo.picture"}},
            "x.image: photo has no 'picture'; it has image",
        ),
        (
            {"type": "Outline", "links": {"image": "photo.imge"}},
            "x.image: photo has no 'imge'; did you mean 'image'?",
        ),
        (
            {"type": "Outline", "links": {"image": "two.value"}},
            "x.image: takes Picture, but two.value is int",
        ),
        (
            {"type": "Sheet", "links": {"images": ["photo.image", "two.value"]}},
            "x.images: takes Picture, but two.value is int",
        ),
        ({"type": "Sheet", "links": {"images": []}}, "x.images: is an empty array of links"),
        ({"type": "Add", "links": {"left": "x.value"}}, "x: depends on itself: x -> x"),
        (
            {"type": "Portrait", "links": {"model": "two.value", "image": "photo.image"}},
            "x.model: takes Model, but two.value is int",
        ),
    ],
)
def test_a_mistake_is_named_where_it_is(call: Entry, message: str) -> None:
    assert problems({**BASE, "x": call}) == [message]


def test_all_mistakes_are_reported_at_once() -> None:
    nodes: Nodes = {
        **BASE,
        "edges": {
            "type": "Outline",
            "values": {"high": 1, "low_threshold": 300},
            "links": {"image": "photo.picture"},
        },
        "e2": {"type": "Outlin"},
        "e3": {"type": "Outline", "links": {"image": "e2.image"}},
        "a": {"type": "Add", "links": {"left": "b.value"}},
        "b": {"type": "Add", "links": {"left": "c.value"}},
        "c": {"type": "Add", "links": {"left": "a.value"}},
    }

    assert problems(nodes, only=["al"], all="edges.imge", other="nobody.image") == [
        "e2: no 'Outlin'; did you mean 'Outline'?",
        "edges.high: no 'high'; did you mean 'high_threshold'?",
        "edges.low_threshold: 300 should be less than or equal to 255",
        "edges.image: photo has no 'picture'; it has image",
        "a: depends on itself: a -> c -> b -> a",
        "results.all: edges has no 'imge'; did you mean 'image'?",
        "results.other: no 'nobody'; it has two, photo, edges, e3, a, b, c, e2",
        "only: no 'al'; did you mean 'all'?",
    ]


def test_every_cycle_is_named() -> None:
    nodes: Nodes = {
        "a": {"type": "Add", "links": {"left": "b.value"}},
        "b": {"type": "Add", "links": {"left": "a.value"}},
        "c": {"type": "Add", "links": {"left": "c.value"}},
    }

    assert problems(nodes) == ["a: depends on itself: a -> b -> a", "c: depends on itself: c -> c"]


def test_a_cycle_of_thousands_is_found_quickly_and_told_briefly() -> None:
    ring = {
        f"n{i}": {"type": "Add", "links": {"left": f"n{(i + 1) % 5000}.value"}} for i in range(5000)
    }

    [message] = problems(ring)

    assert message == (
        "n0: depends on itself: n0 -> n4999 -> n4998 -> n4997 -> n4996 -> n4995 "
        "-> … 4990 more … -> n4 -> n3 -> n2 -> n1 -> n0"
    )


def test_a_param_that_leads_nowhere_is_named() -> None:
    lost = Workflow.model_validate({
        "nodes": BASE,
        "params": {
            "a": {"to": "edgs.low_threshold"},
            "b": {"to": ["edges.low", "photo.path"]},
            "c": {"to": "edges.image"},
        },
    })  # fmt: skip

    with pytest.raises(WorkflowError) as caught:
        plan(lost, TOYS)

    assert [str(problem) for problem in caught.value.problems] == [
        "params.a: no 'edgs'; did you mean 'edges'?",
        "params.b: edges has no 'low'; did you mean 'low_threshold'?",
        "params.c: edges.image is linked, so it has no value to set",
    ]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            {"x": {"type": "Add", "values": {"left": [1, 2], "right": [1, 2, 3]}}},
            "x.right: x.right has 3 items but x.left has 2",
        ),
        (
            {
                "many": {"type": "Const", "values": {"value": [1, 2, 3, 4]}},
                "x": {
                    "type": "Add",
                    "values": {"right": [1, 2, 3]},
                    "links": {"left": "many.value"},
                },
            },
            "x.left: many has 4 items but x.right has 3",
        ),
        (
            {
                "many": {"type": "Const", "values": {"value": [1, 2]}},
                "x": {
                    "type": "Add",
                    "values": {"right": [1]},
                    "links": {"left": ["many.value", "two.value"]},
                },
            },
            "x.left: x.left has 3 items but x.right has 1",
        ),
        (
            {
                "few": {"type": "Const", "values": {"value": [1, 2]}},
                "many": {"type": "Const", "values": {"value": [1, 2, 3]}},
                "x": {"type": "Sum", "links": {"values": ["few.value", "two.value", "many.value"]}},
            },
            "x.values: many has 3 items but few has 2",
        ),
    ],
)
def test_lists_of_different_lengths_are_named_before_anything_runs(
    nodes: Nodes, message: str
) -> None:
    assert problems({**BASE, **nodes}) == [message]


def test_a_length_that_only_running_tells_is_no_mistake() -> None:
    nodes: Nodes = {
        "count": {"type": "Count"},
        "x": {"type": "Add", "values": {"right": [1, 2]}, "links": {"left": "count.values"}},
        "folder": {"type": "LoadPicture", "values": {"path": "folder"}},
        "y": {
            "type": "Outline",
            "values": {"low_threshold": [1, 2]},
            "links": {"image": "folder.image"},
        },
    }

    assert [call.name for call in plan(workflow(nodes), TOYS).calls] == [
        "count",
        "x",
        "folder",
        "y",
    ]


def test_calls_follow_what_they_depend_on_and_otherwise_the_authors_order() -> None:
    nodes: Nodes = {
        "c": {"type": "Add", "links": {"left": "a.value", "right": "b.value"}},
        "z": {"type": "Count"},
        "b": {"type": "Const", "values": {"value": 1}},
        "a": {"type": "Const", "values": {"value": 1}},
    }

    assert [call.name for call in plan(workflow(nodes), TOYS).calls] == ["z", "b", "a", "c"]


def test_the_same_workflow_always_gives_the_same_plan() -> None:
    nodes = dict(
        reversed({**BASE, "x": {"type": "Sheet", "links": {"images": ["edges.image"]}}}.items())
    )

    assert plan(workflow(nodes), TOYS) == plan(workflow(nodes), TOYS)


def test_values_are_converted_and_defaults_added() -> None:
    [two, photo, edges] = plan(workflow(BASE), TOYS).calls

    assert two.values == {"value": 2}
    assert photo.values == {"path": Path("room.png")}
    assert photo.expands == ("path",)
    assert edges.values == {"low_threshold": 100, "high_threshold": 200}


def test_what_an_input_takes_decides_how_items_come_in() -> None:
    nodes: Nodes = {
        "two": BASE["two"],
        "one": {"type": "Add", "links": {"left": "two.value"}},
        "several": {"type": "Add", "links": {"left": ["two.value", "one.value"]}},
        "whole": {"type": "Sum", "links": {"values": "two.value"}},
        "gathered": {"type": "Sum", "links": {"values": ["two.value", "one.value"]}},
    }
    two, one = Source(0, "value"), Source(1, "value")

    calls = plan(workflow(nodes), TOYS).calls

    assert [call.links for call in calls[1:]] == [
        {"left": Link((two,), "map")},
        {"left": Link((two, one), "concat")},
        {"values": Link((two,), "whole")},
        {"values": Link((two, one), "gather")},
    ]


def test_a_list_for_an_input_that_takes_one_maps() -> None:
    nodes: Nodes = {
        "x": {"type": "Add", "values": {"left": ["1", 2], "right": 3}},
        "sum": {"type": "Sum", "values": {"values": [1, 2]}},
    }

    [x, total] = plan(workflow(nodes), TOYS).calls

    assert (x.mapped, x.values) == (("left",), {"left": [1, 2], "right": 3})
    assert (total.mapped, total.values) == ((), {"values": [1, 2]})


def test_the_static_digest_leaves_out_what_differs_between_items() -> None:
    def static(**values: object) -> object:
        call = plan(workflow({"x": {"type": "Add", "values": values}}), TOYS).calls[0]
        return call.static, call.shared

    assert static(left=[1, 2]) == static(left=[3])
    assert static(left=[1, 2]) != static(left=[1, 2], right=5)
    assert static(left=1) != static(left=2)
    assert static(left=1) == static(left=1, right=1)


@pytest.mark.parametrize(
    ("results", "only", "names", "wanted"),
    [
        ({}, None, ["photo", "edges", "save", "two"], ["edges", "save", "two"]),
        ({"e": "edges.image"}, None, ["photo", "edges", "save"], ["save"]),
        ({"e": "edges.image", "two": "two.value"}, ["two"], ["two"], []),
        ({"e": "edges.image"}, [], [], []),
    ],
)
def test_only_what_the_wanted_results_need_is_planned(
    results: dict[str, str], only: list[str] | None, names: list[str], wanted: list[str]
) -> None:
    nodes: Nodes = {
        "photo": BASE["photo"],
        "edges": BASE["edges"],
        "save": {"type": "Save", "links": {"image": "photo.image"}},
        "two": BASE["two"],
    }

    planned = plan(workflow(nodes, **results), TOYS, only)

    assert [call.name for call in planned.calls] == names
    assert [planned.calls[index].name for index in planned.goals] == wanted


def test_links_and_results_follow_when_calls_before_them_are_left_out() -> None:
    planned = plan(workflow(BASE, out="edges.image"), TOYS)

    assert planned.results == {"out": Source(1, "image")}
    assert planned.calls[1].links == {"image": Link((Source(0, "image"),), "map")}


STEERED: Nodes = {
    "photo": BASE["photo"],
    "pose": {"type": "Pose", "links": {"image": "photo.image"}},
    "net": {"type": "LoadModel", "values": {"model": "small-canny"}},
    "hint": {"type": "Steer", "links": {"image": "pose.image", "net": "net.model"}},
}


def test_a_map_of_another_kind_than_the_model_was_trained_on_is_a_warning() -> None:
    warnings = plan(workflow(STEERED), TOYS).warnings

    assert [str(w) for w in warnings] == [
        "hint.image: is made for openpose, but the model was trained on canny"
    ]


def test_a_model_of_another_family_is_an_error() -> None:
    nodes: Nodes = {
        **STEERED,
        "base": {"type": "LoadModel", "values": {"model": "large"}},
        "paint": {"type": "Paint", "links": {"model": "base.model", "hints": ["hint.hint"]}},
    }

    assert problems(nodes) == ["paint.hints: is for the family small, but the model is of large"]


def test_what_is_not_known_is_not_complained_about() -> None:
    nodes: Nodes = {
        **STEERED,
        "net": {"type": "LoadModel", "values": {"model": ["small-canny", "small-pose"]}},
    }

    assert plan(workflow(nodes), TOYS).warnings == ()


@pytest.mark.parametrize(("length", "backwards"), [(50_000, False), (10_000, True)])
def test_a_chain_of_fifty_thousand_plans(length: int, backwards: bool) -> None:
    long = chain(length, backwards=backwards)

    planned = plan(long, TOYS)

    assert planned.calls[-1].name == f"n{length - 1}"
    assert len(planned.calls) == length


def test_a_long_chain_loads() -> None:
    long = chain(20_000)

    assert Workflow.load(long.to_json()) == long


def test_planning_takes_work_in_proportion() -> None:
    def calls(length: int) -> int:
        long, count = chain(length), 0

        def counted(_frame: object, event: str, _argument: object) -> None:
            nonlocal count
            count += event.endswith("call")

        sys.setprofile(counted)
        try:
            plan(long, TOYS)
        finally:
            sys.setprofile(None)
        return count

    calls(10)

    assert calls(4000) < 8.1 * calls(500)


def test_an_empty_workflow_plans() -> None:
    assert plan(Workflow(), TOYS).calls == ()


def test_a_param_may_use_the_old_name_of_an_input() -> None:
    old = Workflow(nodes={"a": Call(type="LoadPicture")}, params={"p": Param(to="a.file")})

    assert plan(old.fill(p="x.png"), TOYS).calls[0].values == {"path": Path("x.png")}


class Rash(Node):
    """Tell facts of inputs it was not given."""

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"value": linked["model"][0]}

    def run(self) -> Number:
        return Number(value=0)


def test_facts_that_fail_are_the_nodes_mistake() -> None:
    with pytest.raises(WorkflowError) as caught:
        plan(workflow({"x": {"type": "Rash"}}), Registry.of(Rash))

    assert str(caught.value.problems[0]) == "x: its facts fail: KeyError: 'model'"


class Held(Node):
    """Hold something that is no data."""

    thing: Any = object()

    def run(self) -> Number:
        return Number(value=0)


def test_a_default_that_cannot_be_part_of_a_key_is_named() -> None:
    with pytest.raises(WorkflowError) as caught:
        plan(workflow({"x": {"type": "Held"}}), Registry.of(Held))

    assert str(caught.value.problems[0]) == "x: a value of type object cannot be part of a key"


def test_a_node_whose_module_is_moved_keeps_its_key() -> None:
    before, after = (
        type("Const", (Const,), {"__doc__": "A number.", "__module__": f"numbers.{module}"})
        for module in ("old", "new.place")
    )
    document = workflow({"two": {"type": "Const", "values": {"value": 2}}})

    old, new = (plan(document, Registry.of(kind)) for kind in (before, after))

    assert [call.static for call in old.calls] == [call.static for call in new.calls]
