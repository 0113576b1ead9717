"""Descriptions of kinds for editors and the command line: their ports as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NotRequired

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import TypedDict

from ..node import Composite, Each, Node
from .inner_ports import InnerPort, resolve_param, resolve_result
from .ports import is_list, output_of, ports
from .registry import Kind, Registry, Template
from .workflow import Workflow


class PortSchema(TypedDict, total=False):
    """A port as JSON Schema; a type that JSON cannot spell is `{"wire": "Image"}`."""

    title: str
    description: str
    type: str
    wire: str
    format: str
    enum: list[JsonValue]
    const: JsonValue
    default: JsonValue
    examples: list[JsonValue]
    pattern: str
    minimum: float
    maximum: float
    exclusiveMinimum: float
    exclusiveMaximum: float
    multipleOf: float
    minLength: int
    maxLength: int
    minItems: int
    maxItems: int
    items: PortSchema
    anyOf: list[PortSchema]


class InputPort(PortSchema, total=False):
    """An input: what fits it, and how it takes several items.

    Without a default it is `required`: it needs a value or a link. Given several items, one that
    `maps` runs its node once for each; any other takes them all at once. One value of an input that
    `expands` may stand for several items, as a folder does for its pictures. An input with `models`
    names a model, of this list of `GET /v1/models` among others.
    """

    required: bool
    maps: bool
    expands: bool
    models: str


class OutputPort(PortSchema, total=False):
    """An output; `items_out` tells that it gives several items."""

    items_out: bool


class NodeKind(TypedDict):
    """A kind of node, with all that is needed to draw it with its widgets.

    `version`, `pure` and `lane` are of those that run, not of composites and templates. `aliases`
    are other words that people look for it by.
    """

    type: str
    title: str
    group: str
    doc: str
    aliases: NotRequired[list[str]]
    sort: Literal["node", "composite", "template"]
    inputs: dict[str, InputPort]
    outputs: dict[str, OutputPort]
    version: NotRequired[int]
    pure: NotRequired[bool]
    lane: NotRequired[str]


_SPELLED = ("ControlNet", "OpenPose", "LoRA", "VAE", "HED")
"""Names with a spelling of their own, in titles too."""


class _SchemaWriter(GenerateJsonSchema):
    """JSON Schema in which a type that JSON cannot spell is ``{"wire": "<class name>"}``."""

    # A wire's default has no JSON form; the port is then just optional.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        return {"wire": schema["cls"].__name__}


def describe(kind: Kind, registry: Registry | None = None) -> NodeKind:
    """Return all that is needed to draw ``kind`` with its widgets, as JSON.

    Args:
        registry: Needed for a template only: its ports are those of the nodes in it.
    """
    if isinstance(kind, Template):
        return _describe_template(kind, registry or Registry({}))
    declared = ports(kind)
    described: NodeKind = {
        "type": kind.__name__,
        "title": humanise(kind.__name__),
        "group": group_of(kind),
        "doc": _doc(kind),
        "sort": "composite" if issubclass(kind, Composite) else "node",
        "inputs": _describe_ports(kind, "validation"),
        "outputs": _describe_ports(output_of(kind), "serialization"),
    }
    for name, port in described["inputs"].items():
        port["required"] = name in declared.required
        port["maps"] = name not in declared.lists
        if any(isinstance(part, Each) for part in declared.inputs[name].metadata):
            port["expands"] = True
    if kind.aliases:
        described["aliases"] = list(kind.aliases)
    if issubclass(kind, Node):
        described["version"], described["pure"] = kind.version, kind.pure
        described["lane"] = kind.lane
    return described


def humanise(name: str) -> str:
    """Spell a name for people: ``LoadImage`` is ``Load image``, ``LoadLoRA`` is ``Load LoRA``."""
    for spelled_name in _SPELLED:
        name = name.replace(spelled_name, f"_{spelled_name.lower()}_")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ", name).split()
    text = " ".join(map(_spell, words))
    return text[:1].upper() + text[1:]


def _spell(word: str) -> str:
    if word.isupper() and len(word) > 1:
        return word
    return next((name for name in _SPELLED if name.lower() == word.lower()), word.lower())


def group_of(kind: Kind) -> str:
    """The palette group of ``kind``: the module it lies in."""
    if isinstance(kind, Template):
        return "templates"
    return kind.__module__.rpartition(".")[2]


def _doc(kind: type[BaseModel]) -> str:
    lines = (kind.__doc__ or "").strip().splitlines()
    return "\n".join(line.strip() for line in lines)


def _describe_ports(model: type[BaseModel], mode: Any) -> dict[str, Any]:
    """The schema of each field by name, complete in itself: nothing in it refers elsewhere."""
    whole = model.model_json_schema(schema_generator=_SchemaWriter, mode=mode)
    definitions = whole.get("$defs", {})
    described = {}
    for name, schema in whole.get("properties", {}).items():
        # pydantic's own titles are "Low Threshold"; ours read like a sentence.
        titled = schema | {"title": model.model_fields[name].title or humanise(name)}
        described[name] = _resolve_references(titled, definitions, 0)
        if mode == "serialization":
            described[name]["items_out"] = is_list(model.model_fields[name].annotation)
    return described


def _resolve_references(schema: Any, definitions: dict[str, Any], depth: int) -> Any:
    """Put definitions in place of references; a type that holds itself stops at a depth of 8."""
    if isinstance(schema, list):
        return [_resolve_references(part, definitions, depth) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if (reference := schema.get("$ref")) and depth < 8:
        rest = {name: part for name, part in schema.items() if name != "$ref"}
        named = definitions.get(str(reference).rpartition("/")[2], {})
        return {**_resolve_references(named, definitions, depth + 1), **rest}
    return {name: _resolve_references(part, definitions, depth) for name, part in schema.items()}


def _describe_template(template: Template, registry: Registry) -> NodeKind:
    workflow = template.workflow
    outputs: dict[str, Any] = {
        name: _describe_inner(resolve_result(workflow, name, registry), "outputs")
        | {"title": humanise(name)}
        for name in workflow.results
    }
    return {
        "type": template.name,
        "title": workflow.title or humanise(template.name),
        "group": group_of(template),
        "doc": template.doc,
        "sort": "template",
        "inputs": describe_params(workflow, registry),
        "outputs": outputs,
    }


def describe_params(workflow: Workflow, registry: Registry) -> dict[str, InputPort]:
    """The params of a workflow, as the inputs that a template made of it has."""
    inputs: dict[str, Any] = {}
    for name, param in workflow.params.items():
        inner = resolve_param(workflow, name, registry)
        texts = {"title": param.label or humanise(name), "description": param.help}
        stored = {"default": inner.value[0], "required": False} if inner.value else {}
        port = _describe_inner(inner, "inputs")
        inputs[name] = port | {key: text for key, text in texts.items() if text} | stored
    return inputs


def _describe_inner(inner: InnerPort, side: Literal["inputs", "outputs"]) -> dict[str, Any]:
    """The description of the port that a template's own stands for; empty where there is none."""
    if inner.kind is None:
        return {}
    described: Mapping[str, Any] = _described(inner.kind)[side]
    port: dict[str, Any] = described.get(inner.port, {})
    return port


@cache
def _described(kind: type[Node] | type[Composite]) -> NodeKind:
    """The same for every use of a kind: nothing is written into it."""
    return describe(kind)
