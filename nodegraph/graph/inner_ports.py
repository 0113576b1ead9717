"""Inner ports: the node's port that a template's param or result stands for, however deep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue
from pydantic_core import PydanticSerializationError, to_jsonable_python

from ..base.budget import Budget
from ..base.keys import canonical
from ..node import Composite, Node
from .ports import inputs
from .registry import Kind, Template
from .workflow import Workflow, split


class InnerPort(NamedTuple):
    """A port inside a workflow.

    Attributes:
        kind: The node's; None where there is no such port, or no such node.
        value: What the workflow stores for it, or a template on the way to it; empty if nothing.
    """

    kind: type[Node] | type[Composite] | None
    port: str
    value: tuple[JsonValue, ...] = ()


def resolve_param(workflow: Workflow, param: str, kinds: Mapping[str, Kind]) -> InnerPort:
    """The first input that ``param`` sets."""
    # Templates that hold each other in a circle come round to a param that was followed already.
    visited: set[tuple[int, str]] = set()
    value: tuple[JsonValue, ...] = ()
    while param in workflow.params and (id(workflow), param) not in visited:
        visited.add((id(workflow), param))
        node, port = workflow.params[param].first
        call = workflow.nodes.get(node)
        if call is None:
            break
        # The outermost stored value counts, as it does when the template is expanded.
        if not value and port in call.values:
            value = (call.values[port],)
        kind = kinds.get(call.type)
        if not isinstance(kind, Template):
            if kind is None:
                break
            current = kind.renamed.get(port, port)
            return InnerPort(kind if current in inputs(kind) else None, current, value)
        workflow, param = kind.workflow, port
    return InnerPort(None, param, value)


def resolve_result(workflow: Workflow, result: str, kinds: Mapping[str, Kind]) -> InnerPort:
    """The output that ``result`` names."""
    visited: set[tuple[int, str]] = set()
    while result in workflow.results and (id(workflow), result) not in visited:
        visited.add((id(workflow), result))
        node, port = split(workflow.results[result])
        kind = kinds.get(workflow.nodes[node].type) if node in workflow.nodes else None
        if not isinstance(kind, Template):
            return InnerPort(kind, port)
        workflow, result = kind.workflow, port
    return InnerPort(None, result)


def param_values(
    workflow: Workflow, kinds: Mapping[str, Kind], budget: Budget | None = None
) -> dict[str, JsonValue]:
    """The value of every param: as it is stored, else its default; None where it has neither.

    Raises:
        WorkflowError: they are too much: one value may be that of any number of params.
    """
    budget = budget or Budget()
    values, letters = dict[str, JsonValue](), dict[int, int]()
    for name in workflow.params:
        value = values[name] = _param_value(resolve_param(workflow, name, kinds))
        if id(value) not in letters:
            letters[id(value)] = len(canonical(value))
        budget.letters(letters[id(value)], f"params.{name}")
    return values


def _param_value(inside: InnerPort) -> JsonValue:
    if inside.value:
        return inside.value[0]
    field = inputs(inside.kind)[inside.port] if inside.kind else None
    if field is None or field.is_required():
        return None
    try:
        default: JsonValue = to_jsonable_python(
            field.get_default(call_default_factory=True, validated_data={})
        )
    except PydanticSerializationError:  # a wire
        return None
    return default
