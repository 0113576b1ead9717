from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, field_validator

from nodegraph.graph.ports import accepts, convert, element, is_list, output_of, ports, type_name
from nodegraph.graph.registry import Template
from nodegraph.graph.schema import describe, humanise
from nodegraph.graph.workflow import Call, Param, Workflow
from nodegraph.node import Node, Output

from ..support.toys import (
    TOYS,
    Add,
    LoadPicture,
    Number,
    Outline,
    Paint,
    Picture,
    Portrait,
    Sheet,
    Steered,
)


class Brighter(Picture):
    """A kind of picture."""


class Tags(Node):
    """Take all sorts of values."""

    even: int = 2
    tags: list[str] = []
    maybe: list[Picture] | None = None
    anything: Any = None
    made: dict[str, int] = Field(default_factory=lambda: {"a": 1})

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("should be even")
        return value

    def run(self) -> Number:
        return Number(value=self.even)


@pytest.mark.parametrize(
    ("target", "source", "fits"),
    [
        (Picture, Picture, True),
        (Picture, Brighter, True),
        (Brighter, Picture, False),
        (float, int, True),
        (int, float, False),
        (int, str, False),
        (Any, Picture, True),
        (Picture | None, Picture, True),
        (Picture, Picture | None, False),
        (int | str, str | int, True),
        (Annotated[int, Field(ge=0)], int, True),
        (Literal["a", "b"], Literal["a"], True),
        (Literal["a"], Literal["a", "b"], False),
        (str, Literal["a", "b"], True),
        (Literal["a"], str, False),
        (list[int], list[int], True),
        (list[float], list[int], True),
        (list[str], list[int], False),
        (dict[str, int], dict[str, int], True),
    ],
)
def test_an_input_accepts_what_is_always_of_its_type(
    target: object, source: object, fits: bool
) -> None:
    assert accepts(target, source) is fits


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (int, "int"),
        (Picture, "Picture"),
        (list[Picture], "list[Picture]"),
        (Picture | None, "Picture | None"),
        (int | str, "int | str"),
        (Literal["a", "b"], "'a' | 'b'"),
        (Annotated[int, Field(ge=0)], "int"),
        (Any, "Any"),
        (dict[str, int], "dict[str, int]"),
    ],
)
def test_types_are_named_as_users_would(annotation: object, name: str) -> None:
    assert type_name(annotation) == name


def test_a_list_may_be_optional() -> None:
    assert is_list(list[int] | None)
    assert element(list[int] | None) is int
    assert not is_list(Picture)
    assert element(Picture) is Picture
    assert element(list) is Any


def test_the_output_of_a_generator_is_what_it_returns() -> None:
    assert output_of(Paint).__name__ == "Pictured"
    assert output_of(Portrait).__name__ == "Pictured"


def test_values_are_converted_to_the_types_of_the_fields() -> None:
    assert convert(LoadPicture, {"path": "a.png"}) == ({"path": Path("a.png")}, (), [])
    assert convert(Add, {"left": ["1", 2]}) == ({"left": [1, 2]}, ("left",), [])


def test_a_fields_own_validators_are_heard() -> None:
    assert convert(Tags, {"even": 3})[2] == [("even", "3 should be even")]
    assert convert(Tags, {"even": [2, 3]})[2] == [("even[1]", "3 should be even")]


def test_a_list_is_one_value_where_the_type_can_hold_it() -> None:
    assert convert(Tags, {"tags": ["a"], "anything": [1, 2]})[1] == ()


def test_defaults_that_are_made_are_made_each_time() -> None:
    make = ports(Tags).factories["made"]

    assert make() == {"a": 1}
    assert make() is not make()


def test_every_toy_can_be_described_as_json() -> None:
    import json

    for kind in TOYS.values():
        assert json.loads(json.dumps(describe(kind)))


def test_a_description_says_all_an_editor_needs() -> None:
    described = describe(Outline)

    assert described == {
        "type": "Outline",
        "title": "Outline",
        "group": "toys",
        "doc": "Trace edges.",
        "sort": "node",
        "inputs": {
            "image": {"title": "Image", "wire": "Picture", "required": True, "maps": True},
            "low_threshold": {
                "title": "Low threshold",
                "description": "A shade of grey.",
                "type": "integer",
                "minimum": 0,
                "maximum": 255,
                "default": 100,
                "required": False,
                "maps": True,
            },
            "high_threshold": {
                "title": "High threshold",
                "description": "A shade of grey.",
                "type": "integer",
                "minimum": 0,
                "maximum": 255,
                "default": 200,
                "required": False,
                "maps": True,
            },
        },
        "outputs": {"image": {"title": "Image", "wire": "Picture", "items_out": False}},
        "version": 1,
        "pure": True,
        "lane": "cpu",
    }


def test_lists_and_folders_are_told_apart() -> None:
    assert describe(Sheet)["inputs"]["images"]["items"] == {"wire": "Picture"}
    assert describe(Sheet)["inputs"]["images"]["maps"] is False
    assert describe(LoadPicture)["inputs"]["path"]["expands"] is True


def test_a_template_is_described_by_the_nodes_in_it() -> None:
    workflow = Workflow(
        title="Edges of a picture",
        nodes={"edges": Call(type="Outline", values={"low_threshold": 60})},
        params={
            "picture": Param(to="edges.image"),
            "detail": Param(to="edges.low_threshold", label="Detail!"),
        },
        results={"lines": "edges.image"},
    )

    described = describe(Template("Edges", workflow), TOYS)

    assert described["inputs"]["picture"] == {
        "title": "Picture",
        "wire": "Picture",
        "required": True,
        "maps": True,
    }
    assert described["inputs"]["detail"]["title"] == "Detail!"
    assert described["inputs"]["detail"]["default"] == 60
    assert described["outputs"] == {
        "lines": {"title": "Lines", "wire": "Picture", "items_out": False}
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LoadImage", "Load image"),
        ("low_threshold", "Low threshold"),
        ("OpenPose", "OpenPose"),
        ("LoadLoRA", "Load LoRA"),
        ("LoadControlNet", "Load ControlNet"),
        ("LoadVAE", "Load VAE"),
        ("vae_tiling", "VAE tiling"),
        ("lora_scale", "LoRA scale"),
        ("XYPlot", "XY plot"),
    ],
)
def test_names_are_spelled_for_people(name: str, text: str) -> None:
    assert humanise(name) == text


def test_outputs_are_checked_like_any_model() -> None:
    with pytest.raises(ValueError, match="instance of Hint"):
        Steered(hint="no hint")  # type: ignore[arg-type]
    assert issubclass(Steered, Output)
