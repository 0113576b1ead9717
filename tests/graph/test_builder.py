from __future__ import annotations

import json
from pathlib import Path, PureWindowsPath

import pytest

from nodegraph import Builder, each, every
from nodegraph.errors import UserError
from nodegraph.graph.workflow import Workflow
from nodegraph.planning.plan import plan
from nodegraph.planning.types import Link, Source

from ..support.toys import (
    TOYS,
    Add,
    Const,
    Count,
    LoadModel,
    LoadPicture,
    Outline,
    Paint,
    Picture,
    Portrait,
    Sheet,
    Sum,
)


def test_what_is_drawn_is_a_workflow_with_only_what_differs_from_the_defaults() -> None:
    g = Builder("Edges")
    photo = g.add("photo", LoadPicture, path=Path("room.png"))
    edges = g.add("edges", Outline, image=photo.image, low_threshold=60, high_threshold=200)
    g.add("sheet", Sheet, images=[photo.image, edges.image])
    g.param("detail", "edges.low_threshold", label="Detail")
    g.result("lines", edges.image)

    assert json.loads(g.workflow().to_json()) == {
        "format": 1,
        "title": "Edges",
        "nodes": {
            "photo": {"type": "LoadPicture", "values": {"path": "room.png"}},
            "edges": {
                "type": "Outline",
                "values": {"low_threshold": 60},
                "links": {"image": "photo.image"},
            },
            "sheet": {"type": "Sheet", "links": {"images": ["photo.image", "edges.image"]}},
        },
        "params": {"detail": {"to": "edges.low_threshold", "label": "Detail"}},
        "results": {"lines": "edges.image"},
    }


def test_what_is_drawn_equals_what_is_loaded_from_its_text() -> None:
    g = Builder()
    two = g.add("two", Const, value=2)
    g.add("sum", Sum, values=[two.value, g.add("three", Add, left=two.value).value])

    assert Workflow.load(g.workflow().to_json()) == g.workflow()


def test_each_gives_an_input_several_values() -> None:
    g = Builder()
    model = g.add("model", LoadModel)
    g.add("paint", Paint, model=model.model, prompt=each(["a dog", "a cat"]))

    assert plan(g.workflow(), g.registry).calls[1].mapped == ("prompt",)


def test_each_maps_over_several_outputs_and_over_an_output_that_is_a_list() -> None:
    g = Builder()
    two = g.add("two", Const, value=2)
    three = g.add("three", Const, value=3)
    count = g.add("count", Count)
    g.add("x", Add, left=each([two.value, three.value]), right=each(count.values))

    assert plan(g.workflow(), g.registry).calls[3].links == {
        "left": Link((Source(0, "value"), Source(1, "value")), "concat"),
        "right": Link((Source(2, "values"),), "map"),
    }


def test_every_takes_all_items_at_once() -> None:
    g = Builder()
    numbers = g.add("numbers", Const, value=each([1, 2]))
    g.add("sum", Sum, values=every(numbers.value))

    assert plan(g.workflow(), g.registry).calls[1].links == {
        "values": Link((Source(0, "value"),), "whole")
    }


def test_a_composite_is_added_like_a_node() -> None:
    g = Builder()
    photo = g.add("photo", LoadPicture, path=Path("room.png"))
    portrait = g.add("portrait", Portrait, model=g.add("model", LoadModel).model, image=photo.image)
    g.result("picture", portrait.image)

    assert [call.name for call in plan(g.workflow(), TOYS).calls][2:] == [
        "portrait/edges",
        "portrait/steer",
        "portrait/paint",
    ]


def test_a_name_is_given_once() -> None:
    g = Builder()
    g.add("two", Const, value=2)

    with pytest.raises(UserError, match="two: there is a call of this name already"):
        g.add("two", Const, value=3)


def test_a_value_that_json_cannot_spell_must_be_linked() -> None:
    g = Builder()

    with pytest.raises(
        UserError, match=r"edges.image: a workflow cannot hold a value of type Picture; link"
    ):
        g.add("edges", Outline, image=Picture("room"))


def test_a_list_of_links_and_values_is_refused() -> None:
    g = Builder()
    two = g.add("two", Const, value=2)

    with pytest.raises(
        UserError, match=r"sum\.values: a list is either all outputs of calls or all values"
    ):
        g.add("sum", Sum, values=[two.value, 3])


def test_a_result_is_an_output() -> None:
    with pytest.raises(UserError, match="result two: give an output of a call, not int"):
        Builder().result("two", 2)


def test_every_needs_an_output() -> None:
    with pytest.raises(UserError, match="takes an output of a call"):
        every(3)


def test_an_empty_list_is_a_value() -> None:
    g = Builder()
    g.add("model", LoadModel, model="x")
    g.add("sum", Sum, values=[])
    g.add("more", Sum, values=[1])

    assert [call.values for call in g.workflow().nodes.values()] == [
        {"model": "x"},
        {},
        {"values": [1]},
    ]


def test_inputs_are_given_by_name() -> None:
    with pytest.raises(UserError, match="two: give inputs by name"):
        Builder().add("two", Const, 2)  # type: ignore[call-arg]


def test_running_gives_the_real_outputs() -> None:
    g = Builder()
    two = g.add("two", Const, value=2)
    three = g.add("three", Add, left=two.value)

    assert g.run(three).value == 3


def test_running_an_output_of_several_items_gives_them_as_a_list() -> None:
    g = Builder()

    assert g.run(g.add("numbers", Const, value=each([1, 2]))).value == [1, 2]  # type: ignore[comparison-overlap]


def test_paths_are_written_with_slashes_whatever_the_system() -> None:
    builder = Builder()
    builder.add("one", LoadPicture, path=PureWindowsPath(r"faces\a.png"))  # type: ignore[arg-type]
    many = [PureWindowsPath(r"faces\a.png"), PureWindowsPath(r"c:\b.png")]
    builder.add("many", LoadPicture, path=each(many))  # type: ignore[arg-type]

    nodes = builder.workflow().nodes

    assert nodes["one"].values["path"] == "faces/a.png"
    assert nodes["many"].values["path"] == ["faces/a.png", "c:/b.png"]
