from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from nodegraph.graph import registry as registry_module
from nodegraph.graph.registry import Registry, Template, load_registry
from nodegraph.graph.workflow import Workflow
from nodegraph.node import Context, Node, Output, Steps
from nodes import NODES as NODES_OF_THE_PACKAGE

from ..support.toys import TOYS, Add, Const, Number

GOOD = '''
"""Nodes of somebody else."""
from nodegraph.node import Node, Output

class Word(Output):
    text: str

class Shout(Node):
    """Say it louder."""
    text: str
    def run(self) -> Word:
        return Word(text=self.text.upper())

NODES = [Shout]
'''


class Silent(Node):
    def run(self) -> Number:
        return Number(value=0)


class Runless(Node):
    """Has nothing to run."""


class Unsaid(Node):
    """Does not say what it returns."""

    def run(self):  # type: ignore[no-untyped-def]
        return Number(value=0)


class Plain(Node):
    """Returns a number."""

    def run(self) -> int:
        return 0


class Yields(Node):
    """Returns no Output at the end."""

    def run(self) -> Steps[int]:
        yield from ()
        return 0


class Loose(Node):
    """Has a run_batch that is no classmethod."""

    def run(self) -> Number:
        return Number(value=0)

    def run_batch(self, items: list[int], context: Context) -> list[Number]:  # noqa: ARG002
        return []


class Short(Node):
    """Has a run_batch without a context."""

    def run(self) -> Number:
        return Number(value=0)

    @classmethod
    def run_batch(cls, items: list[int]) -> list[Number]:  # noqa: ARG003
        return []


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "entry_points", lambda **_: [])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Silent, "Silent: needs a docstring: it is the node's tooltip"),
        (Runless, "Runless: has no method 'run'"),
        (Unsaid, "Unsaid: run needs a return annotation that names an Output"),
        (Plain, "Plain: run should be annotated to return an Output, not int"),
        (
            Yields,
            "Yields: run should be annotated to return an Output, "
            "not Generator[Progress, None, int]",
        ),
        (Loose, "Loose: run_batch should be a classmethod: run_batch(cls, items, context)"),
        (Short, "Short: run_batch should take (cls, items, context), not (cls, items)"),
        (Output, "Output: should be a Node or a Composite class, not ModelMetaclass"),
        (Template("Empty", Workflow()), "Empty: a template needs results: they are its outputs"),
    ],
)
def test_a_node_that_could_not_work_is_refused_by_name_and_reason(
    kind: type[Node], reason: str
) -> None:
    registry = Registry.of(Add, kind, Const)

    assert list(registry) == ["Add", "Const"]
    assert [str(problem) for problem in registry.refused] == [reason]


def test_the_toys_are_all_accepted() -> None:
    assert TOYS.refused == ()


def test_a_name_that_is_taken_stays_what_it_was() -> None:
    other = type("Add", (Const,), {"__doc__": "Another Add.", "__module__": "elsewhere"})

    registry = Registry.of(Add, Add, other)

    assert registry["Add"] is Add
    assert [str(problem) for problem in registry.refused] == [
        "Add: the name is taken by tests.support.toys.Add"
    ]


def test_two_classes_of_one_identity_are_refused_in_one_sentence() -> None:
    """Their values would have the same keys, and be read from disk as each other's."""
    here, there = (spoken_by(f"elsewhere.{name}") for name in ("a", "b"))

    registry = Registry.of(Add, here("First"), there("Second"))

    assert list(registry) == ["Add", "First"]
    assert [str(problem) for problem in registry.refused] == [
        "Second: elsewhere.b.Mood and elsewhere.a.Mood are both elsewhere.Mood in keys and on disk;"
        " give one of them another name"
    ]


def spoken_by(module: str) -> Callable[[str], type[Node]]:
    """A maker of nodes that take a Mood, of a class of their module's own."""
    Mood = Enum("Mood", ["GLAD"], module=module)

    def make(name: str) -> type[Node]:
        def run(self: Node) -> Number:  # noqa: ARG001
            return Number(value=0)

        body = {"__doc__": "A node.", "__annotations__": {"mood": Mood}, "run": run}
        return type(name, (Node,), body | {"__module__": module})

    return make


def test_a_folder_of_node_files_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(GOOD)
    (tmp_path / "helpers.py").write_text("x = 1")

    registry = load_registry([tmp_path])

    assert list(registry) == ["Shout"]
    assert registry.nodes["Shout"].__module__.endswith(".words")


def test_no_two_values_of_the_installed_nodes_share_an_identity() -> None:
    registry = Registry.of(*NODES_OF_THE_PACKAGE)

    assert list(registry) == [kind.__name__ for kind in NODES_OF_THE_PACKAGE]
    assert registry.refused == ()


def test_a_bad_file_is_refused_and_the_rest_load(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def (")
    (tmp_path / "b.py").write_text("raise RuntimeError('out of paint')")
    (tmp_path / "c.py").write_text(GOOD)
    (tmp_path / "d.py").write_text("NODES = 5")
    before = set(sys.modules)

    registry = load_registry([tmp_path, tmp_path / "none"])

    assert list(registry) == ["Shout"]
    assert [str(problem) for problem in registry.refused] == [
        f"{tmp_path}/a.py: SyntaxError: invalid syntax (a.py, line 1)",
        f"{tmp_path}/b.py: RuntimeError: out of paint",
        f"{tmp_path}/d.py: TypeError: 'int' object is not iterable",
        f"{tmp_path}/none: there is no such folder",
    ]
    assert {name.rpartition(".")[2] for name in set(sys.modules) - before} <= {"c", "d"}


def test_a_node_file_that_was_edited_is_another_module(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(GOOD)
    before = load_registry([tmp_path]).nodes["Shout"]
    again = load_registry([tmp_path]).nodes["Shout"]
    (tmp_path / "words.py").write_text(GOOD.replace("upper", "title"))
    after = load_registry([tmp_path]).nodes["Shout"]

    assert before is again
    assert before.__module__ != after.__module__


def test_installed_nodes_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        EntryPoint("toys", "tests.graph.test_registry:NODES", "nodegraph.nodes"),
        EntryPoint("made", "tests.graph.test_registry:make", "nodegraph.nodes"),
        EntryPoint("broken", "tests.no_such_module:NODES", "nodegraph.nodes"),
    ]
    monkeypatch.setattr(registry_module, "entry_points", lambda **_: entries)

    registry = load_registry()

    assert set(registry) == {"Add", "Const"}
    assert [str(problem) for problem in registry.refused] == [
        "tests.no_such_module:NODES: ModuleNotFoundError: No module named 'tests.no_such_module'"
    ]


def test_a_workflow_file_becomes_a_type_named_after_it(tmp_path: Path) -> None:
    good, bad = tmp_path / "canny-portraits_2.json", tmp_path / "bad.json"
    good.write_text(
        '{"format": 1, "nodes": {"a": {"type": "Count"}}, "results": {"r": "a.values"}}'
    )
    bad.write_text('{"format": 9}')

    registry = load_registry(templates=[good, bad])

    assert list(registry) == ["CannyPortraits2"]
    assert [str(problem) for problem in registry.refused] == [
        f"{bad}: format: 9 is newer than this version of nodegraph, which reads up to 1"
    ]


NODES = [Add]


def make() -> list[type[Node]]:
    return [Const]
