"""Explaining a run: what is cached, what runs, and which change made it so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nodegraph import plan
from nodegraph.cache import Budgets, Cache
from nodegraph.inspection.explain import explain
from nodegraph.settings import Settings

from ..support.running_toys import TOYS, Log, drive, workflow


def told(nodes: Mapping[str, object], cache: Cache, **results: str) -> list[tuple[str, str, str]]:
    lines = explain(plan(workflow(nodes, **results), TOYS), cache, Settings())
    return [
        (line.name + "".join(f"[{i}]" for i in line.items), line.state, line.reason)
        for line in lines
    ]


def chain(right: int) -> dict[str, object]:
    return {
        "two": {"type": "Const", "values": {"value": 2}},
        "three": {"type": "Add", "values": {"right": right}, "links": {"left": "two.value"}},
        "half": {"type": "Half", "links": {"value": "three.value"}},
    }


def test_before_the_first_run_everything_runs_or_waits() -> None:
    assert told(chain(1), Cache.in_memory()) == [
        ("two", "runs", "no Const has been run before"),
        ("three", "waits", "depends on two"),
        ("half", "waits", "depends on three"),
    ]


def test_the_changed_value_is_named_with_what_it_was() -> None:
    cache = Cache.in_memory()
    drive(chain(1), cache)

    lines = told(chain(8), cache)

    assert [line[1] for line in lines] == ["cached", "runs", "waits"]
    assert lines[1] == ("three", "runs", "right was 1, is 8")


def test_a_changed_input_is_named() -> None:
    cache = Cache.in_memory()
    drive(chain(1), cache)
    nodes = chain(1) | {"two": {"type": "Const", "values": {"value": 4}}}
    drive({"two": nodes["two"]}, cache)

    assert told(nodes, cache)[1] == ("three", "runs", "left is another than before")


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "number"
    nodes = {"read": {"type": "Read", "values": {"path": str(file)}}}
    cache = Cache.in_memory()
    file.write_text("1")
    drive(nodes, cache)
    file.write_text("2")

    assert told(nodes, cache) == [("read", "runs", "the file it reads has changed")]


def test_only_the_changed_item_of_a_list_runs() -> None:
    cache = Cache.in_memory()
    drive({"sums": {"type": "Add", "values": {"left": [1, 2, 3]}}}, cache)

    lines = told({"sums": {"type": "Add", "values": {"left": [1, 5, 3]}}}, cache)

    assert [line[:2] for line in lines] == [
        ("sums[0]", "cached"), ("sums[1]", "runs"), ("sums[2]", "cached"),
    ]  # fmt: skip


def test_a_value_that_is_gone_but_needed_is_said_to_run() -> None:
    cache = Cache.in_memory(Budgets(host=0))
    drive(chain(1), cache)

    lines = told(chain(8), cache)

    assert lines[0][1:] == ("runs", "its result is known but no longer held, and three needs it")


def test_explaining_runs_nothing() -> None:
    Log.noted.clear()

    told({"log": {"type": "Log", "values": {"value": 1}}}, Cache.in_memory())

    assert Log.noted == []
