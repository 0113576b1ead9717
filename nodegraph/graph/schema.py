"""Describe a kind for editors and for the command line: its ports as JSON Schema."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from ..node import Composite, Each, Node
from .inner_ports import Inside, inside_param, inside_result
from .ports import is_list, output_of, ports
from .registry import Kind, Registry, Template


class _PortSchema(GenerateJsonSchema):
    """JSON Schema in which a type that JSON cannot spell is ``{"wire": "<class name>"}``."""

    # A wire's default has no JSON form; the port is then just optional.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        return {"wire": schema["cls"].__name__}


def describe(kind: Kind, registry: Registry | None = None) -> dict[str, Any]:
    """Return all that is needed to draw ``kind`` with its widgets, as JSON.

    Args:
        registry: Needed for a template only: its ports are those of the nodes in it.
    """
    if isinstance(kind, Template):
        return _describe_template(kind, registry or Registry({}))
    known = ports(kind)
    described: dict[str, Any] = {
        "type": kind.__name__,
        "title": humanised(kind.__name__),
        "group": group_of(kind),
        "doc": _doc(kind),
        "sort": "composite" if issubclass(kind, Composite) else "node",
        "inputs": _ports(kind, "validation"),
        "outputs": _ports(output_of(kind), "serialization"),
    }
    for name, port in described["inputs"].items():
        port["required"] = name in known.required
        port["maps"] = name not in known.lists
        if any(isinstance(part, Each) for part in known.inputs[name].metadata):
            port["expands"] = True
    if issubclass(kind, Node):
        described |= {"version": kind.version, "pure": kind.pure, "lane": kind.lane}
    return described


def humanised(name: str) -> str:
    """Spell a name for people: ``LoadImage`` is ``Load image``, ``low_size`` is ``Low size``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ", name).split()
    spelled = [word if word.isupper() and len(word) > 1 else word.lower() for word in words]
    text = " ".join(spelled)
    return text[:1].upper() + text[1:]


def group_of(kind: Kind) -> str:
    """The palette group of ``kind``: the module it lies in."""
    if isinstance(kind, Template):
        return "templates"
    return kind.__module__.rpartition(".")[2]


def _doc(kind: type[BaseModel]) -> str:
    lines = (kind.__doc__ or "").strip().splitlines()
    return "\n".join(line.strip() for line in lines)


def _ports(model: type[BaseModel], mode: Any) -> dict[str, dict[str, Any]]:
    """The schema of each field by name, complete in itself: nothing in it refers elsewhere."""
    whole = model.model_json_schema(schema_generator=_PortSchema, mode=mode)
    definitions = whole.get("$defs", {})
    described = {}
    for name, schema in whole.get("properties", {}).items():
        # pydantic's own titles are "Low Threshold"; ours read like a sentence.
        titled = schema | {"title": model.model_fields[name].title or humanised(name)}
        described[name] = _resolved(titled, definitions, 0)
        if mode == "serialization":
            described[name]["items_out"] = is_list(model.model_fields[name].annotation)
    return described


def _resolved(schema: Any, definitions: dict[str, Any], depth: int) -> Any:
    """Put definitions in place of references; a type that holds itself stops at a depth of 8."""
    if isinstance(schema, list):
        return [_resolved(part, definitions, depth) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if (reference := schema.get("$ref")) and depth < 8:
        rest = {name: part for name, part in schema.items() if name != "$ref"}
        named = definitions.get(str(reference).rpartition("/")[2], {})
        return {**_resolved(named, definitions, depth + 1), **rest}
    return {name: _resolved(part, definitions, depth) for name, part in schema.items()}


def _describe_template(template: Template, registry: Registry) -> dict[str, Any]:
    workflow = template.workflow
    inputs = {}
    for name, param in workflow.params.items():
        inside = inside_param(workflow, name, registry)
        told = {"title": param.label or humanised(name), "description": param.help}
        stored = {"default": inside.value[0], "required": False} if inside.value else {}
        port = _inner(inside, "inputs")
        inputs[name] = port | {key: text for key, text in told.items() if text} | stored
    outputs = {
        name: _inner(inside_result(workflow, name, registry), "outputs")
        | {"title": humanised(name)}
        for name in workflow.results
    }
    return {
        "type": template.name,
        "title": workflow.title or humanised(template.name),
        "group": group_of(template),
        "doc": template.doc,
        "sort": "template",
        "inputs": inputs,
        "outputs": outputs,
    }


def _inner(inside: Inside, side: str) -> dict[str, Any]:
    """The description of the port that a template's own stands for; empty where there is none."""
    if inside.kind is None:
        return {}
    found: dict[str, Any] = describe(inside.kind)[side].get(inside.port, {})
    return found
