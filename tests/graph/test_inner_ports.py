"""What the params and results of templates stand for, at any depth."""

from __future__ import annotations

import pytest

from nodegraph.cli.kinds import inputs_of, outputs_of, takes
from nodegraph.graph.inner_ports import InnerPort, param_values, resolve_param, resolve_result
from nodegraph.graph.registry import Registry, Template
from nodegraph.graph.schema import describe
from nodegraph.graph.workflow import Workflow

from ..support.toys import TOYS, Outline, Sheet


def one(type: str, input: str = "value", output: str = "value", **values: object) -> Workflow:
    """A template around a single call."""
    return Workflow.model_validate({
        "nodes": {"it": {"type": type, "values": values}},
        "params": {"value": {"to": f"it.{input}", "label": "Value", "help": "A value"}},
        "results": {"value": f"it.{output}"},
    })  # fmt: skip


def nested(depth: int, **values: object) -> Registry:
    """T0 holds T1 holds T2 … holds an Outline."""
    last = Template(f"T{depth}", one("Outline", "low_threshold", "image", **values))
    layers = [Template(f"T{i}", one(f"T{i + 1}")) for i in range(depth)]
    return TOYS.with_kinds([*layers, last])


def test_a_param_is_followed_to_the_node_it_sets() -> None:
    assert resolve_param(one("T0"), "value", nested(1500)) == InnerPort(Outline, "low_threshold")


def test_a_result_is_followed_to_the_node_it_is_made_by() -> None:
    assert resolve_result(one("T0"), "value", nested(1500)) == InnerPort(Outline, "image")


@pytest.mark.parametrize(
    ("registry", "workflow", "value"),
    [
        (nested(2), one("T0"), 100),
        (nested(2, low_threshold=7), one("T0"), 7),
        (nested(2, low_threshold=7), one("T0", value=8), 8),
        (nested(2), one("T0", value=None), None),
        (TOYS, one("Outline", "image"), None),
        (TOYS, one("LoadPicture", "file", file="a.png"), "a.png"),
        (TOYS, one("Unknown"), None),
        (TOYS, one("Unknown", value=3), 3),
        (TOYS, one("Const", "gone"), None),
    ],
)
def test_the_setting_of_a_param_is_the_outermost_stored_value_or_the_default(
    registry: Registry, workflow: Workflow, value: object
) -> None:
    assert param_values(workflow, registry) == {"value": value}


def test_what_leads_nowhere_or_round_is_unknown() -> None:
    round_ = TOYS.with_kinds([Template("A", one("B")), Template("B", one("A"))])
    nothing = Workflow.model_validate({"params": {"a": {"to": "b.c"}}, "results": {"a": "b.c"}})

    assert [resolve_param(one("A"), "value", round_), resolve_param(nothing, "a", TOYS)] == [
        InnerPort(None, "value"),
        InnerPort(None, "a"),
    ]
    assert [resolve_result(one("A"), "value", round_), resolve_result(nothing, "a", TOYS)] == [
        InnerPort(None, "value"),
        InnerPort(None, "c"),
    ]


def test_a_template_is_described_with_the_limits_of_what_lies_inside() -> None:
    registry = nested(3, low_threshold=7)

    [port] = inputs_of(registry["T0"], registry)
    described = describe(registry["T0"], registry)

    assert (port.type, port.default, port.limits, port.help) == ("int", "7", "0 to 255", "A value")
    assert described["inputs"]["value"]["maximum"] == 255
    assert described["inputs"]["value"]["default"] == 7
    assert described["outputs"]["value"]["wire"] == "Picture"
    assert [port.type for port in outputs_of(registry["T0"], registry)] == ["Picture"]


def test_a_broken_template_is_described_as_unknown() -> None:
    registry = TOYS.with_kinds([Template("A", one("B"))])

    assert [port.type for port in inputs_of(registry["A"], registry)] == ["unknown"]
    assert [port.type for port in outputs_of(registry["A"], registry)] == ["unknown"]
    assert describe(registry["A"], registry)["inputs"]["value"] == {
        "title": "Value", "description": "A value"
    }  # fmt: skip
    assert takes(registry["A"], "value", 300, registry)


def test_a_template_takes_what_the_input_inside_takes() -> None:
    registry = nested(3)

    assert [takes(registry["T0"], "value", value, registry) for value in (3, 300, "x")] == [
        True, False, False,
    ]  # fmt: skip


def test_a_default_that_json_cannot_spell_is_left_out() -> None:
    assert Sheet.model_fields["images"].is_required()
    assert param_values(one("Sheet", "images"), TOYS) == {"value": None}
