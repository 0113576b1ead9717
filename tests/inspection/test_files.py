"""Files that values name: looked at before a run, by the nodes that know how and by no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from nodegraph.graph.registry import Registry
from nodegraph.graph.workflow import Workflow
from nodegraph.inspection.files import MOST, find_unfit_files
from nodegraph.node import Node, Reach
from nodegraph.planning.plan import plan
from nodegraph.settings import Settings

from ..support.toys import Number


class Reads(Node):
    """Read a file by its name."""

    name: str
    other: str = ""

    def run(self) -> Number:
        return Number(value=len(self.name))

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        del reach
        if values.get("name") == "broken":
            raise ValueError("no idea")
        if values.get("name") == "bad":
            yield "name", f"is bad beside {values['other']!r}"


class Plain(Node):
    """Read nothing."""

    name: str = "bad"

    def run(self) -> Number:
        return Number(value=1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"name": "good"}, []),
        ({"name": "bad"}, ["it.name: is bad beside ''"]),
        ({"name": ["good", "bad"]}, ["it.name[1]: is bad beside ''"]),
        ({"name": ["bad", "good"], "other": ["a", "b"]}, ["it.name[0]: is bad beside 'a'"]),
        ({"name": "bad", "other": ["a", "b"]},
         ["it.name: is bad beside 'a'", "it.name: is bad beside 'b'"]),
        ({"name": "broken"}, ["it: its files cannot be looked at: ValueError: no idea"]),
    ],
)  # fmt: skip
def test_each_item_is_looked_at_and_told_at_its_place(
    values: Mapping[str, Any], expected: list[str]
) -> None:
    nodes = {"it": {"type": "Reads", "values": values}, "plain": {"type": "Plain"}}
    planned = plan(Workflow.model_validate({"nodes": nodes}), Registry.of(Reads, Plain))

    assert [str(problem) for problem in find_unfit_files(planned, Settings())] == expected


def test_of_very_many_items_only_the_first_are_looked_at() -> None:
    nodes = {"it": {"type": "Reads", "values": {"name": ["bad"] * (MOST + 1)}}}
    planned = plan(Workflow.model_validate({"nodes": nodes}), Registry.of(Reads, Plain))

    assert len(find_unfit_files(planned, Settings())) == MOST
