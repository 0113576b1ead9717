"""Templates in files: found, bounded, put into the document, and the same as written out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nodegraph import Workflow, plan
from nodegraph.cache import Cache
from nodegraph.errors import WorkflowError
from nodegraph.events import Finished
from nodegraph.execution.execute import execute
from nodegraph.graph.bundle import LARGEST, bundle
from nodegraph.graph.registry import Registry, Template
from nodegraph.inspection.explain import explain

from ..support.running_toys import TOYS, computed

Write = Callable[..., Path]
Nodes = Mapping[str, object]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a workflow into a file below the test's folder."""

    def call(name: str, nodes: Nodes, **more: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"format": 1, "nodes": nodes, **more}))
        return path

    return call


def adding(type: str = "Add", right: int = 1) -> Mapping[str, object]:
    """A template that adds a number to its param, by ``type``."""
    return {
        "nodes": {"sum": {"type": type, "values": {"left": 0, "right": right}}},
        "params": {"left": {"to": "sum.left"}},
        "results": {"value": "sum.value"},
    }


def through(type: str) -> Mapping[str, object]:
    """A template that hands its param to another one."""
    return {
        "nodes": {"inner": {"type": type, "values": {"left": 0}}},
        "params": {"left": {"to": "inner.left"}},
        "results": {"value": "inner.value"},
    }


def using(type: str, **values: object) -> Nodes:
    return {"x": {"type": type, "values": values}}


def whole(path: Path, *folders: Path, registry: Registry = TOYS) -> Workflow:
    return bundle(Workflow.load(path), registry, path, folders)


def problems(path: Path, *folders: Path) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        plan(whole(path, *folders), TOYS)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_is_used_like_a_node(write: Write) -> None:
    write("parts/add.json", **adding(right=5))
    outer = write("outer.json", using("./parts/add.json", left=2))

    [call] = plan(whole(outer), TOYS).calls

    assert (call.name, call.values) == ("x/sum", {"left": 2, "right": 5})


def test_a_file_is_looked_for_beside_the_one_that_uses_it(write: Write) -> None:
    write("parts/add.json", **adding())
    write("parts/deep/more.json", **through("../add.json"))
    outer = write("outer.json", using("parts/deep/more.json", left=2))

    bundled = whole(outer)

    assert list(bundled.templates) == ["./parts/deep/more.json", "./parts/add.json"]
    assert [call.name for call in plan(bundled, TOYS).calls] == ["x/inner/sum"]


def test_what_is_bundled_needs_no_file_and_stays_as_it_is(write: Write) -> None:
    inner = write("parts/add.json", **adding())
    outer = write("outer.json", using("./parts/add.json", left=2))
    bundled = whole(outer)

    inner.unlink()
    again = Workflow.load(bundled.to_json())

    assert bundle(again, TOYS) == again == bundled
    assert plan(again, TOYS).calls == plan(bundled, TOYS).calls


def test_a_bundle_may_be_used_as_a_template_itself(write: Write, tmp_path: Path) -> None:
    write("a/add.json", **adding(right=1))
    write("b/add.json", **adding(right=2))
    for name in "ab":
        part = write(f"{name}/part.json", **through("./add.json"))
        (tmp_path / f"{name}.json").write_text(whole(part).to_json())
    nodes = {n: {"type": f"./{n}.json", "values": {"left": 5}} for n in "ab"}
    outer = write("outer.json", nodes)

    bundled = whole(outer)

    assert sorted(bundled.templates) == [
        "./a.json",
        "./a.json#./add.json",
        "./b.json",
        "./b.json#./add.json",
    ]
    assert [call.values["right"] for call in plan(bundled, TOYS).calls] == [1, 2]


def test_an_installed_template_is_put_inside_too_and_then_comes_first(tmp_path: Path) -> None:
    old, new = (
        Template("Plus", Workflow.model_validate(adding(right=right)), path=tmp_path / "plus.json")
        for right in (1, 2)
    )
    workflow = Workflow.model_validate({"nodes": using("Plus", left=3)})

    bundled = bundle(workflow, TOYS.with_kinds([old]))

    [call] = plan(bundled, TOYS.with_kinds([new])).calls
    assert call.values == {"left": 3, "right": 1}


def test_a_template_that_is_used_twice_is_put_inside_once(write: Write) -> None:
    registry = TOYS.with_kinds([Template("Plus", Workflow.model_validate(adding()))])
    write("add.json", **adding())
    types = ("Plus", "Plus", "./add.json", "add.json")
    nodes = {f"n{i}": {"type": type} for i, type in enumerate(types)}
    outer = write("outer.json", nodes)

    bundled = whole(outer, registry=registry)

    assert list(bundled.templates) == ["Plus", "./add.json"]
    assert bundle(bundled, registry) == bundled


def test_an_installed_template_is_also_known_by_folder_and_file(write: Write) -> None:
    registry = TOYS.with_kinds([Template.load(write("ready/add-one.json", **adding()))])
    workflow = Workflow.model_validate({"nodes": using("ready/add-one", left=3)})

    [call] = plan(bundle(workflow, registry), registry).calls

    assert call.name == "x/sum"
    assert plan(workflow, registry).calls == (call,)


def test_an_installed_template_finds_its_parts_beside_itself(write: Write, tmp_path: Path) -> None:
    write("ready/parts/add.json", **adding())
    registry = TOYS.with_kinds([
        Template.load(write("ready/more.json", **through("./parts/add.json")))
    ])  # fmt: skip
    outer = write("mine/outer.json", using("More", left=1))

    bundled = whole(outer, registry=registry)

    assert sorted(bundled.templates) == ["More", "More#./parts/add.json"]
    assert [call.name for call in plan(bundled, registry).calls] == ["x/inner/sum"]
    assert tmp_path.exists()


def test_templates_nest_deeply_without_recursion(write: Write) -> None:
    for number in range(600):
        write(f"t{number}.json", **through(f"./t{number + 1}.json"))
    write("t600.json", **adding())
    outer = write("outer.json", using("./t0.json", left=2))

    [call] = plan(whole(outer), TOYS).calls

    assert call.values == {"left": 2, "right": 1}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": "./b.json", "b": "./a.json"}, "x: contains itself: a.json -> b.json -> a.json"),
        ({"a": "./a.json"}, "x: contains itself: a.json -> a.json"),
        (
            {"a": "./b.json", "b": "./c.json", "c": "./b.json"},
            "x/x: contains itself: b.json -> c.json -> b.json",
        ),
    ],
)
def test_a_circle_of_files_is_refused_by_name(
    write: Write, files: Mapping[str, str], message: str
) -> None:
    for name, type in files.items():
        write(f"{name}.json", using(type), results={"value": "x.value"})

    assert problems(write("a.json", using(files["a"]))) == [message]


@pytest.mark.parametrize(
    ("type", "message"),
    [
        ("./parts/ad.json", "x: no file './parts/ad.json'; did you mean './parts/add.json'?"),
        ("./parts/add", "x: no file './parts/add'; did you mean './parts/add.json'?"),
        (
            "./parts/broken.json",
            "x: './parts/broken.json' is no workflow: broken.json: is not JSON",
        ),
        (
            "./parts/wrong.json",
            "x: './parts/wrong.json' is no workflow: sum.type: is missing (and 1 more)",
        ),
        ("./parts/none.json", "x: './parts/none.json' is no template: it needs results"),
        ("./gone/add.json", "x: no file './gone/add.json' in '"),
        ("../other.json", "x: '../other.json' lies outside the folders of templates ("),
        ("/etc/hosts.json", "x: '/etc/hosts.json' lies outside the folders of templates ("),
        ("./link.json", "x: './link.json' lies outside the folders of templates ("),
        ("./a\0b.json", "x: './a\\x00b.json' cannot be read: "),
        ("./" + "a" * 300 + ".json", "cannot be read: file name too long"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_problem_at_its_call(
    write: Write, tmp_path: Path, type: str, message: str
) -> None:
    write("mine/parts/add.json", **adding())
    (tmp_path / "mine/parts/broken.json").write_text("{")
    write("mine/parts/wrong.json", {"sum": {"tpe": "Add"}})
    write("mine/parts/none.json", {})
    (tmp_path / "mine/link.json").symlink_to(write("other.json", **adding()))

    [problem] = problems(write("mine/outer.json", using(type)))

    assert message in problem


def test_all_files_that_cannot_be_used_are_named(write: Write) -> None:
    write("parts/more.json", **through("./gone.json"))
    nodes = {"a": {"type": "./nothing.json"}, "b": {"type": "./parts/more.json"}}

    said = problems(write("outer.json", nodes))

    assert [each.partition(" in ")[0] for each in said] == [
        "a: no file './nothing.json'",
        "b/inner: no file './gone.json'",
    ]


def test_a_file_may_lie_in_an_allowed_folder(write: Write, tmp_path: Path) -> None:
    write("shared/add.json", **adding())
    outer = write("mine/outer.json", using("../shared/add.json", left=1))

    bundled = whole(outer, tmp_path / "shared")

    assert list(bundled.templates) == ["../shared/add.json"]
    assert len(plan(bundled, TOYS).calls) == 1


def test_files_that_are_too_large_are_not_read(write: Write) -> None:
    part = write("big.json", **adding())
    with part.open("r+b") as file:
        file.truncate(LARGEST + 1)

    assert problems(write("outer.json", using("./big.json"))) == [
        "x: './big.json' is too large; all template files may hold 16 MB together"
    ]


def test_a_file_that_may_not_be_read_is_said(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    part = write("add.json", **adding())
    outer = write("outer.json", using("./add.json"))
    opened = Path.open

    def refusing(path: Path, *how: Any, **more: Any) -> Any:  # root may read everything
        if path == part:
            raise PermissionError(13, "Permission denied")
        return opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", refusing)

    assert problems(outer) == ["x: './add.json' cannot be read: permission denied"]


def test_a_workflow_that_came_without_a_folder_says_so() -> None:
    workflow = Workflow.model_validate({"nodes": using("./add.json")})

    with pytest.raises(WorkflowError) as caught:
        plan(bundle(workflow, TOYS), TOYS)

    assert str(caught.value.problems[0]) == (
        "x: './add.json' is a file, but this workflow is in none that it could lie beside (it came"
        " in a picture, or from elsewhere); put its content under templates"
    )


def test_a_template_inside_must_not_be_called_like_a_node() -> None:
    workflow = Workflow.model_validate({"nodes": using("Add"), "templates": {"Add": adding()}})

    with pytest.raises(WorkflowError, match=r"templates\[Add\]: the name is taken by tests\."):
        plan(workflow, TOYS)


def test_a_mistake_in_a_template_inside_has_its_address() -> None:
    document = {"format": 1, "templates": {"./a.json": {"nodes": {"sum": {"tpe": "Add"}}}}}

    with pytest.raises(WorkflowError) as caught:
        Workflow.load(json.dumps(document))

    assert [str(problem) for problem in caught.value.problems] == [
        "templates[./a.json].sum.type: is missing",
        "templates[./a.json].sum.tpe: no 'tpe'; did you mean 'type'?",
    ]


def test_a_wrong_value_inside_has_the_address_of_the_inner_part(write: Write) -> None:
    write("add.json", **through("./wrong.json"))
    write("wrong.json", **{**adding(), "nodes": {"sum": {"type": "Add", "values": {"right": "?"}}}})

    assert problems(write("outer.json", using("./add.json", left=1))) == [
        "x/inner/sum.right: '?' should be a valid integer, unable to parse string as an integer"
    ]


def test_a_param_that_sets_nothing_breaks_its_template(write: Write) -> None:
    write("add.json", **{**adding(), "params": {"left": {"to": "smu.left"}}})

    assert problems(write("outer.json", using("./add.json", left=1))) == [
        "x: cannot be drawn: params.left: no 'smu'; did you mean 'sum'?"
    ]


def test_a_template_and_the_same_written_out_share_their_results(write: Write) -> None:
    write("add.json", **adding(right=4))
    outer = write("outer.json", using("./add.json", left=2), results={"value": "x.value"})
    written = Workflow.model_validate({
        "nodes": {"other": {"type": "Add", "values": {"left": 2, "right": 4}}},
        "results": {"value": "other.value"},
    })  # fmt: skip
    cache = Cache.in_memory()
    first = list(execute(plan(written, TOYS), cache))

    second = list(execute(plan(whole(outer), TOYS), cache))

    assert (computed(first), computed(second)) == (["other"], [])
    [before], [after] = ([e for e in all_ if isinstance(e, Finished)] for all_ in (first, second))
    assert (after.name, after.key) == ("x/sum", before.key)


def test_explaining_sees_through_a_file(write: Write) -> None:
    write("add.json", **adding(right=4))
    cache = Cache.in_memory()
    before, after = (
        plan(whole(write("outer.json", using("./add.json", left=left))), TOYS) for left in (2, 3)
    )
    list(execute(before, cache))

    [line] = explain(after, cache)

    assert (line.name, line.state, line.reason) == ("x/sum", "runs", "left was 2, is 3")


@pytest.mark.parametrize("type", ["parts\\edges.json", ".\\parts\\edges.json"])
def test_a_template_that_was_named_on_windows_is_found_and_named_with_slashes(
    write: Write, type: str
) -> None:
    write("parts/edges.json", {"a": {"type": "A"}}, results={"x": "a.x"})
    mine = write("mine.json", {"e": {"type": type}}, results={"x": "e.x"})

    whole = bundle(Workflow.load(mine), Registry(TOYS), mine)

    assert [*whole.templates] == ["./parts/edges.json"]
    assert whole.nodes["e"].type == "./parts/edges.json"
