from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph.errors import WorkflowError
from nodegraph.graph.workflow import Call, Param, Workflow
from nodegraph.planning.plan import plan

from ..support.toys import TOYS

DATA = Path(__file__).parent.parent / "data"

CANNY = """{
  "format": 1,
  "title": "Edges",
  "nodes": {
    "photo": {
      "type": "LoadPicture",
      "values": {
        "path": "room.png"
      }
    },
    "edges": {
      "type": "Outline",
      "values": {
        "low_threshold": 60
      },
      "links": {
        "image": "photo.image"
      }
    }
  },
  "params": {
    "detail": {
      "to": "edges.low_threshold",
      "label": "Detail"
    }
  },
  "results": {
    "edges": "edges.image"
  },
  "view": {
    "photo": [
      0,
      1.5
    ]
  }
}
"""


def document(**parts: object) -> str:
    return json.dumps({"format": 1, **parts})


def test_loading_and_saving_gives_back_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / "canny.json"
    path.write_text(CANNY)

    Workflow.load(path).save(path)

    assert path.read_text() == CANNY
    assert os.listdir(tmp_path) == ["canny.json"]


def test_a_save_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "canny.json"
    path.write_text(CANNY)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))

    with pytest.raises(OSError, match="disk full"):
        Workflow().save(path)

    assert path.read_text() == CANNY
    assert os.listdir(tmp_path) == ["canny.json"]


def test_a_node_of_an_unknown_type_survives_a_round_trip() -> None:
    text = document(
        nodes={"x": {"type": "FromTheFuture", "values": {"a": [1, None]}, "links": {"b": "y.z"}}}
    )

    assert json.loads(Workflow.load(text).to_json()) == json.loads(text)


def test_text_in_other_scripts_stays_readable() -> None:
    workflow = Workflow(nodes={"a": Call(type="Paint", values={"prompt": "ein Bär, 熊"})})

    assert "ein Bär, 熊" in workflow.to_json()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '{"format": 1,\n  "nodes": {]}',
            "workflow: is not JSON; line 2, column 13: "
            "expecting property name enclosed in double quotes",
        ),
        ("", 'workflow: is empty; a workflow is JSON that begins with "format": 1'),
        ("[1]", "workflow: [1] should be an object with nodes"),
        (b'{"title": "\xff"}', "workflow: is not text in UTF-8 (byte 11)"),
        (
            '{"format": 1, "nodes": {"a": {"type": "X"}, "a": {"type": "Y"}}}',
            "workflow: has 'a' twice in one object",
        ),
        (
            '{"format": 1, "nodes": {"a": {"type": "X", "values": {"b": NaN}}}}',
            "workflow: has the number NaN, which JSON does not have",
        ),
        ("[" * 200_000, "workflow: is nested too deeply"),
        ("{}", 'format: is missing; a workflow begins with "format": 1'),
        ('{"format": 7}', "format: 7 is newer than this version of nodegraph, which reads up to 1"),
        ('{"format": "1"}', "format: '1' is no format; it should be 1"),
        ('{"format": true}', "format: True is no format; it should be 1"),
        (document(nodse={}), "nodse: no 'nodse'; did you mean 'nodes'?"),
        (document(nodes=[]), "nodes: [] should be an object"),
        (
            document(nodes={"A b": {"type": "X"}}),
            "A b: 'A b' is no name: use small letters, digits and _, beginning with a letter",
        ),
        (document(nodes={"a": {}}), "a.type: is missing"),
        (document(nodes={"a": {"type": 3}}), "a.type: 3 should be a valid string"),
        (
            document(nodes={"a": {"type": "X", "value": {}}}),
            "a.value: no 'value'; did you mean 'values'?",
        ),
        (
            document(nodes={"a": {"type": "X", "links": {"b": "photo"}}}),
            "a.b: 'photo' is no address; write 'node.port'",
        ),
        (
            document(nodes={"a": {"type": "X", "links": {"b": ["photo", "image"]}}}),
            "a.b: ['photo', 'image'] should be a valid string",
        ),
        (document(params={"p": "a.b"}), "params.p: 'a.b' should be an object"),
        (document(params={"p": {"too": "a.b"}}), "params.p: is missing"),
        (document(results={"r": "a"}), "results.r: 'a' is no address; write 'node.port'"),
    ],
)
def test_a_document_that_is_no_workflow_is_refused_with_one_clear_sentence(
    text: str | bytes, problem: str
) -> None:
    with pytest.raises(WorkflowError) as caught:
        Workflow.load(text)

    assert str(caught.value.problems[0]) == problem


def test_all_that_is_wrong_with_a_document_is_said_at_once() -> None:
    text = document(nodes={"a": {"type": "X", "vals": {}}, "b": {"links": {}}}, results={"r": "b"})

    with pytest.raises(WorkflowError) as caught:
        Workflow.load(text)

    assert {problem.address for problem in caught.value.problems} == {
        "a.vals",
        "b.type",
        "results.r",
    }


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        WorkflowError, match=r"none.json: cannot be read: No such file or directory"
    ):
        Workflow.load(tmp_path / "none.json")


def test_a_byte_order_mark_is_read_over() -> None:
    assert Workflow.load(b"\xef\xbb\xbf" + CANNY.encode()) == Workflow.load(CANNY)


def test_filling_writes_a_param_to_every_input_it_stands_for() -> None:
    workflow = Workflow(
        nodes={"a": Call(type="Add", values={"left": 1}), "b": Call(type="Add")},
        params={"n": Param(to=["a.left", "b.right"])},
    )

    filled = workflow.fill(n=5)

    assert {name: call.values for name, call in filled.nodes.items()} == {
        "a": {"left": 5},
        "b": {"right": 5},
    }
    assert workflow.nodes["a"].values == {"left": 1}


def test_filling_writes_python_values_as_json() -> None:
    workflow = Workflow(nodes={"a": Call(type="LoadPicture")}, params={"p": Param(to="a.path")})

    assert workflow.fill({"p": Path("x.png")}).nodes["a"].values == {"path": "x.png"}


def test_filling_names_every_param_that_cannot_be_set() -> None:
    workflow = Workflow(
        nodes={"a": Call(type="Add", links={"left": "b.value"})},
        params={"detail": Param(to="a.left"), "lost": Param(to="aa.left")},
    )

    with pytest.raises(WorkflowError) as caught:
        workflow.fill(detial=1, detail=2, lost=3)

    assert [str(problem) for problem in caught.value.problems] == [
        "params.detial: no 'detial'; did you mean 'detail'?",
        "params.detail: a.left is linked, so it has no value to set",
        "params.lost: no 'aa'; did you mean 'a'?",
    ]


def test_two_params_give_one_input_one_value_or_are_refused() -> None:
    params = {"seed": Param(to="a.left"), "again": Param(to=["b.left", "a.left"])}
    workflow = Workflow(nodes={"a": Call(type="Add"), "b": Call(type="Add")}, params=params)

    with pytest.raises(WorkflowError) as caught:
        workflow.fill(seed=1, again=2)

    assert [str(problem) for problem in caught.value.problems] == [
        "params.again: sets a.left, which params.seed sets to another value",
    ]
    assert workflow.fill(seed=1, again=1).nodes["a"].values == {"left": 1}
    assert workflow.fill(again=2).nodes["a"].values == {"left": 2}


def test_the_identity_leaves_out_the_title_and_where_nodes_are_drawn() -> None:
    one = Workflow.load(CANNY)
    other = one.model_copy(update={"title": "Lines", "view": {"photo": [9, 9]}})

    holding, otherwise = (Workflow(templates={"./a.json": inner}) for inner in (one, other))

    assert one.identity == other.identity
    assert holding.identity == otherwise.identity
    assert one.identity != one.fill(detail=61).identity


def test_a_document_of_format_0_is_brought_up_to_date() -> None:
    workflow = Workflow.load(DATA / "format0.json")

    assert workflow == Workflow(
        nodes={
            "photo": Call(type="LoadPicture", values={"file": "room.png"}),
            "edges": Call(
                type="Outline", values={"low_threshold": 60}, links={"image": "photo.image"}
            ),
            "sheet": Call(type="Sheet", links={"images": ["photo.image", "edges.image"]}),
        },
        params={"detail": Param(to="edges.low_threshold")},
        view={"photo": [10, 20], "edges": [200, 20]},
    )


def test_an_input_that_was_renamed_since_is_still_understood() -> None:
    calls = plan(Workflow.load(DATA / "format0.json"), TOYS).calls

    assert calls[0].values == {"path": Path("room.png")}


def test_a_broken_document_of_format_0_is_refused() -> None:
    text = '{"version": 1, "nodes": {"a": {"type": "X", "links": {"b": ["c", "d", "e"]}}}}'

    with pytest.raises(
        WorkflowError, match="format: this cannot be read as format 0: too many values"
    ):
        Workflow.load(text)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON, title=st.text())
def test_any_value_survives_a_round_trip(value: object, title: str) -> None:
    workflow = Workflow.model_validate(
        {
            "title": title,
            "nodes": {"a": {"type": "X", "values": {"v": value}}},
            "view": {"a": value},
        }
    )

    assert Workflow.load(workflow.to_json()) == workflow
    assert Workflow.load(workflow.to_json()).to_json() == workflow.to_json()


def test_a_workflow_that_is_read_in_slices_is_read_as_one() -> None:
    call = {"type": "Const", "values": {f"v{i}": i for i in range(50)}}
    inner = {"nodes": {f"n{i}": call for i in range(200)}, "results": {"r": "n0.value"}}
    document = {"format": 1, **inner, "templates": {"T": {**inner, "templates": {"U": inner}}}}

    assert Workflow.read(document) == Workflow.model_validate(document)


def test_mistakes_in_slices_are_named_where_they_are() -> None:
    call = {"type": "Const", "values": {f"v{i}": i for i in range(50)}}
    nodes = {f"n{i}": call for i in range(200)} | {"last": {"tpye": "Const"}}
    inside = {"nodes": nodes, "templates": {"U": {"nodes": nodes}, "V": 3}}

    with pytest.raises(WorkflowError) as caught:
        Workflow.read({"format": 1, "nodes": nodes, "templates": {"T": inside}, "more": 1})

    addresses = [problem.address for problem in caught.value.problems]
    assert addresses == [
        "more",
        "last.type",
        "last.tpye",
        "templates[T].last.type",
        "templates[T].last.tpye",
        "templates[T].templates[U].last.type",
        "templates[T].templates[U].last.tpye",
        "templates[T].templates.V",
    ]


def test_only_the_first_of_many_wrong_links_is_told() -> None:
    nodes = {"n": {"type": "Sum", "links": {"values": [1] * 5000}}}

    with pytest.raises(WorkflowError) as caught:
        Workflow.read({"format": 1, "nodes": nodes})

    assert [problem.address for problem in caught.value.problems] == ["n.values"]
