"""Planning takes work in proportion, and ends in a sentence where a little makes much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from nodegraph.base.budget import Bounds, Budget
from nodegraph.errors import Suggestions, WorkflowError, did_you_mean
from nodegraph.graph.workflow import Workflow
from nodegraph.planning.plan import plan
from nodegraph.planning.planner import PLANS, ROOM, Planner

from ..support.counting import work
from ..support.toys import TOYS

Document = dict[str, Any]
SMALL = Bounds(calls=2000, entries=10_000, letters=200_000, items=5000)
CONST = {"type": "Const", "values": {"value": 1}}


def doubling(levels: int) -> Document:
    """Each template holds the one below twice."""
    templates: Document = {
        f"T{level}": {
            "nodes": {name: {"type": f"T{level + 1}"} for name in ("a", "b")},
            "results": {"value": "a.value"},
        }
        for level in range(levels)
    }
    return {**templates, f"T{levels}": {"nodes": {"a": CONST}, "results": {"value": "a.value"}}}


def nested(depth: int) -> Document:
    """A template in a template in a template, …"""
    templates: Document = {
        f"T{i}": {
            "nodes": {"a": {"type": f"T{i + 1}"}},
            "params": {"value": {"to": "a.value"}},
            "results": {"value": "a.value"},
        }
        for i in range(depth)
    }
    last = {**templates["T0"], "nodes": {"a": CONST}} if depth else {"nodes": {"a": CONST}}
    return {**templates, f"T{depth}": last}


def through(count: int) -> Document:
    """Calls that give on what they are given, in a row, and something that reads every one."""
    given = {"nodes": {"s": {"type": "Sum"}}, "params": {"value": {"to": "s.values"}}}
    template = {**given, "results": {"sum": "s.value"}}
    nodes: Document = {"n0": CONST}
    for i in range(1, count):
        nodes[f"n{i}"] = {
            "type": "T",
            "links": {"value": f"n{i - 1}.{'sum' if i > 1 else 'value'}"},
        }
    return {"nodes": nodes, "templates": {"T": template}}


LONG = "x" * 199
SHAPES: Mapping[str, Callable[[int], Document]] = {
    "templates in one another": lambda count: {
        "nodes": {"x": {"type": "T0"}},
        "templates": nested(count // 4),
    },
    "calls of a template in a row": through,
    "calls of a template that cannot be drawn": lambda count: {
        "nodes": {f"n{i}": {"type": "T"} for i in range(count)},
        "templates": {
            "T": {
                "nodes": {f"{LONG[:100]}{i}": CONST for i in range(100)},
                "params": {"p": {"to": f"{LONG[:99]}y.value"}},
                "results": {"r": "x.y"},
            }
        },
    },
    "a param of many nodes": lambda count: {
        "nodes": {f"n{i}": CONST for i in range(count)},
        "params": {"value": {"to": [f"n{i}.value" for i in range(count)]}},
    },
    "a param of many inputs of a node": lambda count: {
        "nodes": {"n": CONST},
        "params": {"value": {"to": [f"n.x{i}" for i in range(count)]}},
    },
    "params of a template's params": lambda count: {
        "nodes": {"x": {"type": "T", "values": {f"p{i}": i for i in range(count)}}},
        "templates": {
            "T": {
                "nodes": {f"n{i}": CONST for i in range(count)},
                "params": {f"p{i}": {"to": f"n{i}.value"} for i in range(count)},
                "results": {"r": "n0.value"},
            }
        },
        "params": {f"p{i}": {"to": f"x.p{i}"} for i in range(count)},
    },
    "many links to one port": lambda count: {
        "nodes": {"n": CONST, "s": {"type": "Sum", "links": {"values": ["n.value"] * count}}},
    },
    "many results": lambda count: {
        "nodes": {"n": CONST},
        "results": {f"r{i}": "n.value" for i in range(count)},
    },
    "wrong results": lambda count: {
        "nodes": {f"{LONG}{i}"[-190:]: CONST for i in range(count)},
        "results": {f"r{i}": f"{LONG[:180]}{i}.value" for i in range(count)},
    },
    "circles": lambda count: {
        "nodes": {
            f"n{i}": {"type": "Add", "links": {"left": f"n{i ^ 1}.value"}} for i in range(count)
        },
    },
    "a wide list": lambda count: {
        "nodes": {"n": {"type": "Const", "values": {"value": list(range(count))}}},
    },
    "a wide list of nonsense": lambda count: {
        "nodes": {"n": {"type": "Const", "values": {"value": ["x"] * count}}},
    },
}


def asked(document: Document) -> Callable[[], None]:
    workflow = Workflow.read({"format": 1, **document})

    def act() -> None:
        with suppress(WorkflowError):
            workflow.fill(dict.fromkeys(workflow.params, 1))
        with suppress(WorkflowError):
            plan(workflow, TOYS, ["nothing", *workflow.results])

    return act


@pytest.mark.parametrize("name", SHAPES)
def test_twice_as_much_takes_twice_the_work(name: str) -> None:
    work(asked(SHAPES[name](50)))  # what is looked up once

    once, twice = (work(asked(SHAPES[name](count))) for count in (400, 800))

    assert twice < 2.5 * once


def test_an_output_that_is_given_on_again_and_again_is_followed_once() -> None:
    """Each alias leads to the one before: the way of one is not gone again for the next."""

    def spent(count: int) -> int:
        one = {"nodes": {"a": CONST}, "results": {"value": "a.value"}}
        templates: Document = {"T0": one}
        for i in range(1, count):
            inner = {"nodes": {"a": {"type": f"T{i - 1}"}}, "results": {"value": "a.value"}}
            templates[f"T{i}"] = inner
        nodes = {"x": {"type": f"T{count - 1}"}}
        results = {f"r{i}": "x.value" for i in range(count)}
        budget = Budget()
        document = {"format": 1, "nodes": nodes, "templates": templates, "results": results}
        plan(Workflow.read(document), TOYS, budget=budget)
        return budget.spent

    # The types that each lies in are counted too: half the square of the depth.
    assert spent(200) < 5 * spent(100)


GROWING: Mapping[str, tuple[Document, str]] = {
    "templates that double": (
        {
            "nodes": {f"x{i}": {"type": "T0"} for i in range(150)},
            "templates": doubling(8),
        },
        "expands to more than 2,000 calls, all together",
    ),
    "wide templates": (
        {
            "nodes": {f"x{i}": {"type": "T"} for i in range(100)},
            "templates": {
                "T": {"nodes": {f"n{i}": CONST for i in range(100)}, "results": {"r": "n0.value"}}
            },
        },
        "expands to more than 2,000 calls, all together",
    ),
    "arrays of links in templates": (
        {
            "nodes": {
                "n": CONST,
                **{
                    f"x{i}": {"type": "T", "links": {"values": ["n.value"] * 100}}
                    for i in range(100)
                },
            },
            "templates": {
                "T": {
                    "nodes": {"s": {"type": "Sum", "links": {"values": []}}},
                    "params": {},
                    "results": {"r": "s.value"},
                }
            },
        },
        "expands to more than 10,000 values and links, all together",
    ),
    "outputs of templates": (
        {
            "nodes": {f"x{i}": {"type": "T"} for i in range(200)},
            "templates": {
                "T": {"nodes": {"n": CONST}, "results": {f"r{i}": "n.value" for i in range(100)}}
            },
        },
        "expands to more than 10,000 values and links, all together",
    ),
    "long names": (
        {
            "nodes": {f"{LONG[:190]}{i}": {"type": "T"} for i in range(20)},
            "templates": {
                "T": {"nodes": {f"n{i}": CONST for i in range(90)}, "results": {"r": "n0.value"}}
            },
        },
        "expands to more than 200,000 letters of names and values, all together",
    ),
    "templates far inside one another": (
        {"nodes": {"x": {"type": "T0"}}, "templates": nested(1500)},
        "expands to more than 200,000 letters of names and values, all together",
    ),
    "a text for many": (
        {
            "nodes": {"x": {"type": "T", "values": {"prompt": "y" * 5000}}},
            "templates": {
                "T": {
                    "nodes": {f"n{i}": {"type": "Paint"} for i in range(100)},
                    "params": {"prompt": {"to": [f"n{i}.prompt" for i in range(100)]}},
                    "results": {"r": "n0.image"},
                }
            },
        },
        "expands to more than 200,000 letters of names and values, all together",
    ),
    "lists for many": (
        {
            "nodes": {
                "n0": {"type": "Const", "values": {"value": list(range(1000))}},
                **{
                    f"n{i}": {"type": "Add", "links": {"left": f"n{i - 1}.value"}}
                    for i in range(1, 10)
                },
            },
        },
        "makes more than 5,000 items, all nodes together",
    ),
    "lists behind one another": (
        {
            "nodes": {
                "n0": CONST,
                **{
                    f"n{i}": {"type": "Add", "links": {"left": [f"n{i - 1}.value"] * 2}}
                    for i in range(1, 2000)
                },
            },
        },
        "makes more than 5,000 items, all nodes together",
    ),
}


@pytest.mark.parametrize("name", GROWING)
def test_what_grows_is_refused_where_it_begins(name: str) -> None:
    document, message = GROWING[name]
    workflow, budget = Workflow.read({"format": 1, **document}), Budget(SMALL)

    with pytest.raises(WorkflowError) as caught:
        plan(workflow, TOYS, budget=budget)

    [problem] = caught.value.problems
    assert problem.message == message
    assert problem.address in workflow.nodes
    assert budget.spent < 20 * SMALL.entries


def test_one_value_of_many_params_is_counted_for_each() -> None:
    nodes = {
        "n": {"type": "Paint", "values": {"prompt": "y" * 5000}, "links": {"model": "m.model"}}
    }
    document = {
        "format": 1,
        "nodes": {**nodes, "m": {"type": "LoadModel"}},
        "params": {f"p{i}": {"to": "n.prompt"} for i in range(100)},
    }

    with pytest.raises(WorkflowError, match="200,000 letters"):
        plan(Workflow.read(document), TOYS, budget=Budget(SMALL))


def test_what_takes_too_long_is_refused() -> None:
    nodes = {f"n{i}": CONST for i in range(2000)}

    with pytest.raises(WorkflowError, match="takes more than 0 s to look through"):
        plan(Workflow.read({"format": 1, "nodes": nodes}), TOYS, budget=Budget(Bounds(seconds=0)))


def test_what_is_refused_for_its_work_is_not_taken_for_a_mistake_of_a_node() -> None:
    nodes: Document = {f"n{i}": {"type": "LoadModel"} for i in range(2000)}
    budget = Budget(Bounds(seconds=1000))
    budget._worked -= 4000  # as if it had worked so long by now

    with pytest.raises(WorkflowError, match="takes more than 1000 s to look through") as caught:
        plan(Workflow.read({"format": 1, "nodes": nodes}), TOYS, budget=budget)

    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("unlike", [False, True])
def test_however_many_names_are_unknown_only_so_much_is_compared(unlike: bool) -> None:
    """Sixty names against six hundred of 199 letters took minutes."""
    known = [f"{LONG[:190]}{i:09}" for i in range(600)]
    suggestions = Suggestions()

    sentences = [
        suggestions(f"{LONG[:150]}{i:049}"[:: -1 if unlike else 1], known) for i in range(60)
    ]

    assert suggestions.work > -500_000
    assert all(len(sentence) < 2000 for sentence in sentences)


def test_names_that_are_long_are_cut_where_they_are_told() -> None:
    assert len(did_you_mean("a" * 10**6, ["b" * 10**6] * 20)) < 2000


def test_plans_are_remembered_by_all_that_they_hold() -> None:
    planner = Planner()
    for i in range(2 * PLANS):
        planner.plan(Workflow.read({"format": 1, "nodes": {f"n{i}": CONST}}), TOYS)
    assert len(planner._plans) == PLANS

    text = "y" * (ROOM * 400)
    for i in range(4):
        values = {"prompt": text}
        nodes = {f"m{i}": {"type": "LoadModel"}, f"p{i}": {
            "type": "Paint", "values": values, "links": {"model": f"m{i}.model"},
        }}  # fmt: skip
        document = {"format": 1, "nodes": nodes, "view": {f"p{i}": [1, 2]}}
        planner.plan(Workflow.read(document), TOYS)

    assert len(planner._plans) == 2
    assert all(not kept.workflow.view for kept in planner._plans)
