"""What is edited and planned, run or explained again: the same as from nothing, with less work."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from nodegraph import Node, Planner, Workflow, WorkflowError, execute, plan
from nodegraph.base.gc_pause import pause_gc
from nodegraph.base.keys import digest
from nodegraph.cache import Cache
from nodegraph.cache.keyring import Keyring
from nodegraph.events import Finished
from nodegraph.inspection.explain import explain
from nodegraph.planning.types import Plan

from ..support.running_toys import TOYS, Number, workflow
from ..support.toys import TOYS as DRAWN


class Say(Node):
    """Tell how long a value is."""

    value: JsonValue

    def run(self) -> Number:
        return Number(value=len(repr(self.value)))


REGISTRY = TOYS.with_kinds([Say])
Nodes = dict[str, Any]


def chain(length: int, **right: int) -> Nodes:
    nodes: Nodes = {"n0": {"type": "Const", "values": {"value": 1}}}
    for i in range(1, length):
        values = {"right": right.get(f"n{i}", i)}
        links = {"left": f"n{i - 1}.value"}
        nodes[f"n{i}"] = {"type": "Add", "values": values, "links": links}
    return nodes


def keys(planned: Plan, cache: Cache) -> Mapping[tuple[str, tuple[int, ...]], bytes]:
    """Run to the end; the key of every item."""
    return {
        (event.name, event.items): event.key
        for event in execute(planned, cache)
        if isinstance(event, Finished)
    }


def test_all_but_the_edited_call_are_the_same_objects() -> None:
    before = plan(workflow(chain(6)), REGISTRY)

    after = plan(workflow(chain(6, n3=9)), REGISTRY, before=before)

    shared = [a is b for a, b in zip(before.calls, after.calls, strict=True)]
    assert shared == [True, True, True, False, True, True]
    assert after.calls[3].values == {"right": 9}


def test_calls_are_shared_also_where_others_are_left_out() -> None:
    nodes = {"idle": {"type": "Const", "values": {"value": 5}}} | chain(4)
    before = plan(workflow(nodes, end="n3.value"), REGISTRY)

    nodes["n1"] = {"type": "Const", "values": {"value": 7}}
    after = plan(workflow(nodes, end="n3.value"), REGISTRY, before=before)

    assert [call.name for call in after.calls] == ["n1", "n2", "n3"]
    assert after == plan(workflow(nodes, end="n3.value"), REGISTRY)


def test_a_new_call_in_front_leaves_those_that_need_none_of_the_others() -> None:
    before = plan(workflow(chain(3)), REGISTRY)

    nodes = {"new": {"type": "Const", "values": {"value": 5}}} | chain(3)
    after = plan(workflow(nodes), REGISTRY, before=before)

    assert after.calls[1] is before.calls[0]
    assert after == plan(workflow(nodes), REGISTRY)


def test_a_link_that_leads_to_another_place_is_checked_again() -> None:
    nodes: Nodes = {
        "photo": {"type": "LoadPicture", "values": {"path": "a.png"}},
        "edges": {"type": "Outline", "links": {"image": "photo.image"}},
    }
    before = plan(Workflow.model_validate({"nodes": nodes}), DRAWN)
    nodes["photo"] = {"type": "Const", "values": {"value": 1}}

    with pytest.raises(WorkflowError, match=r"edges.image: photo has no 'image'; it has value"):
        plan(Workflow.model_validate({"nodes": nodes}), DRAWN, before=before)


def test_a_value_of_another_type_is_another_value() -> None:
    planner = Planner()
    values: list[JsonValue] = [1, 1.0, True, "1", [1], [True], {"a": 0.0}, {"a": -0.0}]

    static = [
        planner.plan(workflow({"say": {"type": "Say", "values": {"value": each}}}), REGISTRY)
        .calls[0]
        .static
        for each in values
    ]

    assert len(set(static)) == len(values)


def test_a_value_changed_in_place_is_seen() -> None:
    drawn, planner = workflow(chain(3)), Planner()
    planner.plan(drawn, REGISTRY)

    drawn.nodes["n1"].values["right"] = 40

    assert planner.plan(drawn, REGISTRY).calls[1].values == {"right": 40}


def test_composites_are_drawn_and_shared_inside() -> None:
    nodes = {
        "model": {"type": "LoadModel"},
        "photo": {"type": "LoadPicture", "values": {"path": "a.png"}},
        "sit": {
            "type": "Portrait",
            "links": {"model": "model.model", "image": "photo.image"},
            "values": {"steps": 3},
        },
    }
    before = plan(Workflow.model_validate({"nodes": nodes}), DRAWN)
    nodes["sit"]["values"] = {"steps": 4}  # type: ignore[index]

    after = plan(Workflow.model_validate({"nodes": nodes}), DRAWN, before=before)

    changed = [b.name for a, b in zip(before.calls, after.calls, strict=True) if a is not b]
    assert changed == ["sit/paint"]


Edit = tuple[str, int, int]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["value", "list", "link", "gather", "add", "drop", "front"]),
        st.integers(0, 9),
        st.integers(0, 5),
    ),
    max_size=8,
)


def edited(nodes: Nodes, edit: Edit) -> Nodes:
    """Make an edit that leaves the graph sound."""
    what, where, number = edit
    names = [*nodes]
    name, earlier = names[where % len(names)], names[: where % len(names)]
    if what == "value":
        return nodes | {name: {"type": "Add", "values": {"left": number}}}
    if what == "list":
        return nodes | {name: {"type": "Add", "values": {"left": [number, 1, number]}}}
    if what == "link" and earlier:
        return nodes | {name: {"type": "Add", "links": {"left": f"{earlier[-1]}.value"}}}
    if what == "gather" and earlier:
        links = {"values": [f"{each}.value" for each in earlier[-2:]]}
        return nodes | {name: {"type": "Sum", "links": links}}
    new = {f"m{len(nodes)}": {"type": "Const", "values": {"value": number}}}
    if what in ("add", "front"):
        return nodes | new if what == "add" else new | nodes
    used = str([call.get("links") for call in nodes.values()])
    return {n: call for n, call in nodes.items() if n != name or f"{n}." in used}


@settings(max_examples=60)
@given(EDITS)
def test_plans_and_keys_after_any_edits_are_those_from_nothing(edits: list[Edit]) -> None:
    planner, cache, nodes = Planner(), Cache.in_memory(), chain(5)
    for edit in [("value", 0, 1), *edits]:
        nodes = edited(nodes, edit)
        drawn = workflow(nodes)

        planned = planner.plan(drawn, REGISTRY)

        assert planned == plan(drawn, REGISTRY)
        assert keys(planned, cache) == keys(plan(drawn, REGISTRY), Cache.in_memory())


def test_an_edit_makes_the_keys_of_what_is_below_it_alone() -> None:
    planner, cache = Planner(), Cache.in_memory()
    trees: Nodes = {
        f"{name}_{tree}": call for tree in range(100) for name, call in chain(50).items()
    }
    for name, call in trees.items():
        if "links" in call:
            source = f"n{int(name[1:].partition('_')[0]) - 1}_{name.partition('_')[2]}.value"
            trees[name] = call | {"links": {"left": source}}
    keys(planner.plan(workflow(trees), REGISTRY), cache)
    before = cache.keyring.made

    trees["n20_7"] = trees["n20_7"] | {"values": {"right": 1000}}
    keys(planner.plan(workflow(trees), REGISTRY), cache)

    assert cache.keyring.made - before == 30  # the keys of n20 to n49


def test_explaining_an_edit_makes_the_key_of_what_was_edited_alone() -> None:
    cache = Cache.in_memory()
    keys(plan(workflow(chain(500)), REGISTRY), cache)
    before = cache.keyring.made

    lines = explain(plan(workflow(chain(500, n100=-1)), REGISTRY), cache)

    assert [line.state for line in lines] == ["cached"] * 100 + ["runs"] + ["waits"] * 399
    assert cache.keyring.made - before == 1


def test_files_are_looked_at_each_time(tmp_path: Path) -> None:
    file, planner, cache = tmp_path / "number", Planner(), Cache.in_memory()
    drawn = workflow({"read": {"type": "Read", "values": {"path": str(file)}}})
    found = []
    for text in ("1", "2", "1"):
        file.write_text(text)
        found.append(keys(planner.plan(drawn, REGISTRY), cache)["read", ()])

    assert found[0] == found[2] != found[1]


def test_a_planner_remembers_several_workflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodegraph.planning.planner.ROOM", 12)
    planner, other = Planner(), {"x": {"type": "Const", "values": {"value": 1}}}
    first = planner.plan(workflow(chain(6)), REGISTRY)
    planner.plan(workflow(other), REGISTRY)

    assert planner.plan(workflow(chain(6)), REGISTRY).calls[0] is first.calls[0]

    planner.plan(workflow({f"y{i}": other["x"] for i in range(12)}), REGISTRY)

    assert planner.plan(workflow(chain(6)), REGISTRY).calls[0] is not first.calls[0]


def test_a_keyring_forgets_what_was_long_not_asked_for() -> None:
    keyring = Keyring(room=10)
    for i in range(100):
        keyring.digest(b"often", b"asked")
        assert keyring.digest(b"once", bytes([i])) == digest(b"once", bytes([i]))

    assert keyring.made == 101
    assert len(keyring._young) + len(keyring._old) <= 12


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_left_as_it_was(on: bool) -> None:
    was = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        with pause_gc(), pause_gc():
            inside = gc.isenabled()

        assert (inside, gc.isenabled()) == (False, on)
    finally:
        (gc.enable if was else gc.disable)()
