"""Saved pictures say how they were made."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from nodegraph import Node, Output, Workflow, execute, plan
from nodegraph.cache import Cache
from nodegraph.events import Finished
from nodegraph.execution.context import RunContext
from nodegraph.execution.provenance import DEGRADED, PARAMS, RESULTS, VERSIONS, texts, versions
from nodegraph.graph.registry import Registry, load_registry
from nodegraph.node import Context, LaneName
from nodegraph.settings import Settings

from ..support.running_toys import TOYS, Number, drive


class Weigh(Node):
    """Depend on packages."""

    lane: ClassVar[LaneName] = "device"
    version: ClassVar[int] = 3
    packages: ClassVar[tuple[str, ...]] = ("pydantic", "no-such-package")
    value: int = 1

    def run(self) -> Number:
        return Number(value=self.value)


class Keep(Node):
    """Note what a saved file would carry."""

    pure: ClassVar[bool] = False
    kept: ClassVar[list[dict[str, str]]] = []
    value: int
    more: list[int] = []

    def run(self, context: Context) -> Output:
        self.kept.append(dict(context.texts))
        return Output()


REGISTRY = TOYS.with_kinds([Weigh, Keep])


def weighing(**more: object) -> Workflow:
    return Workflow.model_validate({
        "nodes": {"w": {"type": "Weigh", "values": {"value": 4}}, "h": {"type": "Half",
                  "links": {"value": "w.value"}}},
        "params": {"value": {"to": "w.value"}},
        "results": {"half": "h.value"},
        **more,
    })  # fmt: skip


def test_versions_are_those_of_the_packages_and_nodes_in_use() -> None:
    assert versions(plan(weighing(), REGISTRY), "cpu/float32") == {
        "nodegraph": version("nodegraph-diffusion"),
        "no-such-package": "not installed",
        "pydantic": version("pydantic"),
        "node Half": "1",
        "node Weigh": "3",
        "device": "cpu/float32",
    }


def test_without_a_device_node_the_device_makes_no_difference() -> None:
    only_half = Workflow.model_validate({"nodes": {"h": {"type": "Half", "values": {"value": 4}}}})

    assert "device" not in versions(plan(only_half, REGISTRY), "cpu/float32")


def test_texts_hold_the_workflow_its_params_versions_and_keys() -> None:
    planned = plan(weighing().fill(value=6), REGISTRY)

    found = texts(planned, "cpu/float32", {"half": "ab12"})

    assert found.keys() == {"nodegraph", PARAMS, VERSIONS, RESULTS}
    assert Workflow.load(found["nodegraph"]) == planned.workflow
    assert json.loads(found[PARAMS]) == {"value": 6}
    assert json.loads(found[RESULTS]) == {"half": "ab12"}


def test_what_is_empty_is_not_kept() -> None:
    workflow = Workflow.model_validate({"nodes": {"h": {"type": "Half", "values": {"value": 4}}}})

    assert texts(plan(workflow, REGISTRY), "cpu/float32", {}).keys() == {"nodegraph", VERSIONS}


def test_a_run_tells_the_key_of_every_result() -> None:
    nodes = {
        "n": {"type": "Count", "values": {"to": 2}},
        "h": {"type": "Half", "values": {"value": [4, 6]}},
        "one": {"type": "Const", "values": {"value": 4}},
    }

    events, outcome = drive(nodes, Cache.in_memory(), n="n.values", h="h.value", one="one.value")

    made = {(e.name, *e.items): e.key.hex() for e in events if isinstance(e, Finished)}
    assert outcome.keys == {
        "n": (f"{made['n',]}[0]", f"{made['n',]}[1]"),
        "h": (made["h", 0], made["h", 1]),
        "one": (made["one",],),
    }


def test_a_node_with_a_side_effect_knows_the_keys_of_what_it_is_given() -> None:
    Keep.kept.clear()
    nodes = {
        "one": {"type": "Const", "values": {"value": 4}},
        "n": {"type": "Count", "values": {"to": 2}},
        "k": {"type": "Keep", "links": {"value": "one.value", "more": "n.values"}},
    }
    planned = plan(Workflow.model_validate({"nodes": nodes}), REGISTRY)

    events = list(execute(planned, Cache.in_memory()))

    made = {e.name: e.key.hex() for e in events if isinstance(e, Finished)}
    assert json.loads(Keep.kept[0][RESULTS]) == {
        "value": made["one"],
        "more": f"{made['n']}[0] {made['n']}[1]",
    }
    assert Workflow.load(Keep.kept[0]["nodegraph"]) == planned.workflow


CRAMPED = {
    "b": {"type": "Batched", "values": {"value": [2, 4, 6, 8], "fits": 2}},
    "s": {"type": "Sum", "links": {"values": "b.value"}},
    "one": {"type": "Const", "values": {"value": 4}},
    "h": {"type": "Half", "links": {"value": "one.value"}},
}
"""Squares of which only two fit at once, their sum, and what has nothing to do with them."""


def test_a_result_tells_of_all_it_depends_on_where_memory_was_short() -> None:
    cache, short = Cache.in_memory(), {"b": ("batch 2 of 4",)}

    for _ in ("made", "found"):
        _, outcome = drive(CRAMPED, cache, squares="b.value", sum="s.value", h="h.value")

        assert outcome.shortages == {"squares": (short,) * 4, "sum": (short,), "h": ({},)}


def test_a_saved_file_tells_of_all_it_shows_where_memory_was_short() -> None:
    Keep.kept.clear()
    nodes = {
        **CRAMPED,
        "plain": {"type": "Keep", "links": {"value": "h.value"}},
        "short": {"type": "Keep", "links": {"value": "s.value"}},
    }
    list(execute(plan(Workflow.model_validate({"nodes": nodes}), REGISTRY), Cache.in_memory()))

    said = {json.loads(kept[RESULTS])["value"]: kept.get(DEGRADED) for kept in Keep.kept}

    assert sorted(said.values(), key=str) == [None, '{"b": ["batch 2 of 4"]}']


def test_outside_a_run_a_context_carries_the_workflow_alone() -> None:
    context = RunContext(Settings(), "cpu", weighing(), Cache.in_memory())

    assert context.texts == {"nodegraph": weighing().to_json()}


def test_shipped_workflows_name_what_samples_their_pictures() -> None:
    file = Path(__file__).parent.parent.parent / "workflows/canny-portraits.json"

    registry: Registry = load_registry()
    found = versions(plan(Workflow.load(file), registry), "cpu/float32")

    assert {"torch", "diffusers", "transformers", "opencv-python-headless"} <= found.keys()
    assert "not installed" not in found.values()
