"""Results of a workflow that names none: what its end nodes give, if it can be kept and shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from nodegraph.execution.execute import run
from nodegraph.graph.drawing import Drawing
from nodegraph.graph.workflow import LONGEST_NAME, Workflow
from nodegraph.node import Composite, Node, Output, Wire
from nodegraph.planning.plan import plan

from ..support.counting import work
from ..support.toys import TOYS, Add, Number


class Weights(Wire):
    """What only a run can hold."""


class Both(Output):
    value: int
    weights: Weights
    words: list[str]


class Makes(Node):
    """Give something of every sort."""

    def run(self) -> Both:
        return Both(value=1, weights=Weights(), words=["a"])


class Only(Output):
    weights: Weights


class Loads(Node):
    """Give nothing that can be shown."""

    def run(self) -> Only:
        return Only(weights=Weights())


class Twice(Composite):
    """Add a number to itself."""

    value: int

    def draw(self, g: Drawing) -> Number:
        return g.add("sum", Add, left=self.value, right=self.value)


KINDS = TOYS.with_kinds([Makes, Loads, Twice])
TWO: Mapping[str, Any] = {"type": "Const", "values": {"value": 2}}
SUM: Mapping[str, Any] = {
    "type": "Add", "values": {"right": 1}, "links": {"left": "two.value"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "ends"),
    [
        ({"two": TWO}, {"two": "two.value"}),
        ({"two": TWO, "sum": SUM}, {"sum": "sum.value"}),
        ({"two": TWO, "sum": SUM, "alone": TWO}, {"sum": "sum.value", "alone": "alone.value"}),
        ({"all": {"type": "Makes"}}, {"all": "all.value", "all_words": "all.words"}),
        (
            {"all": {"type": "Makes"}, "all_words": TWO},
            {"all": "all.value", "all_words": "all.words", "all_words_2": "all_words.value"},
        ),
        ({"weights": {"type": "Loads"}}, {}),
        ({}, {}),
    ],
)
def test_what_no_other_node_takes_is_a_result(
    nodes: Mapping[str, Any], ends: Mapping[str, str]
) -> None:
    planned = plan(Workflow.model_validate({"nodes": nodes}), KINDS)

    assert dict(planned.ends) == dict(ends)
    assert list(planned.results) == list(ends)
    assert {call.name for call in planned.calls} == set(nodes)


def test_results_that_are_named_are_the_only_ones() -> None:
    named = Workflow.model_validate(
        {"nodes": {"two": TWO, "sum": SUM}, "results": {"a": "two.value"}}
    )

    planned = plan(named, KINDS)

    assert (dict(planned.ends), list(planned.results)) == ({}, ["a"])


def test_they_can_be_asked_for_one_by_one() -> None:
    both = Workflow.model_validate({"nodes": {"two": TWO, "other": TWO}})

    assert [call.name for call in plan(both, KINDS, ["other"]).calls] == ["other"]


def test_they_are_what_a_run_returns_items_included() -> None:
    several = {"two": {"type": "Const", "values": {"value": [2, 3]}}, "sum": SUM}

    assert run(plan(Workflow.model_validate({"nodes": several}), KINDS)) == {"sum": [3, 4]}


def test_a_composite_gives_its_own_outputs() -> None:
    nodes = {"two": TWO, "more": {"type": "Twice", "links": {"value": "two.value"}}}
    document = Workflow.model_validate({"nodes": nodes})

    planned = plan(document, KINDS)

    assert dict(planned.ends) == {"more": "more.value"}
    assert run(planned) == {"more": 4}


def many_outputs(count: int) -> Workflow:
    """A call with a name of the greatest length, whose outputs all have to be told apart."""
    outputs = {f"{'o' * (LONGEST_NAME - 10)}{i}": "two.value" for i in range(count)}
    template = {"nodes": {"two": TWO}, "results": outputs}
    node = "n" * LONGEST_NAME
    return Workflow.model_validate({"nodes": {node: {"type": "T"}}, "templates": {"T": template}})


def test_however_long_the_names_of_nodes_and_outputs_those_of_results_are_valid() -> None:
    ends = plan(many_outputs(50), KINDS).ends

    assert len(set(ends)) == len(set(ends.values())) == 50
    assert Workflow.model_validate({"results": dict.fromkeys(ends, "a.b")}).results
    assert next(iter(ends)) == "n" * LONGEST_NAME


def test_twice_as_many_names_that_are_cut_alike_take_twice_the_work() -> None:
    workflows = [many_outputs(count) for count in (50, 400, 800)]

    _, once, twice = (work(partial(plan, workflow, KINDS)) for workflow in workflows)

    assert twice < 2.5 * once
