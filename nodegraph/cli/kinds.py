"""Kinds of nodes described: inputs, limits and outputs, for `nodegraph nodes` and the docs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ..graph.inner_ports import resolve_param, resolve_result
from ..graph.ports import convert, inputs, outputs, type_name
from ..graph.registry import Kind, Registry, Template, load_registry
from ..graph.shipped import shipped
from .exits import warn

_LIMITS = {
    "ge": "≥ {}",
    "gt": "> {}",
    "le": "≤ {}",
    "lt": "< {}",
    "multiple_of": "a multiple of {}",
}


@dataclass(frozen=True, slots=True)
class Described:
    """One input or output: ``default`` is empty where a value or a link is needed.

    Attributes:
        label: Its name for people, where a workflow gives it one.
    """

    name: str
    type: str
    default: str = ""
    limits: str = ""
    help: str = ""
    label: str = ""


def load_kinds(folders: Iterable[Path]) -> Registry:
    """Load every node and template there is; stderr names those that had to be refused."""
    registry = load_registry(tuple(folders), templates=shipped().values())
    for problem in registry.refused:
        warn(f"{problem}; the other nodes are loaded")
    return registry


def summary(kind: Kind) -> str:
    """The first sentence of what the node does."""
    doc = kind.doc if isinstance(kind, Template) else inspect.getdoc(kind) or ""
    return " ".join(doc.partition("\n\n")[0].split())


def inputs_of(kind: Kind, kinds: Mapping[str, Kind]) -> Iterator[Described]:
    """Describe every input; a template's are its params."""
    if not isinstance(kind, Template):
        yield from (_input(name, field) for name, field in inputs(kind).items())
        return
    for name, param in kind.workflow.params.items():
        inside = resolve_param(kind.workflow, name, kinds)
        inner = (
            _input(name, inputs(inside.kind)[inside.port])
            if inside.kind
            else Described(name, "unknown")
        )
        default = _default(inside.value[0]) if inside.value else inner.default
        yield replace(inner, default=default, help=param.help or param.label, label=param.label)


def outputs_of(kind: Kind, kinds: Mapping[str, Kind]) -> Iterator[Described]:
    """Describe every output; a template's are its results."""
    if not isinstance(kind, Template):
        yield from (_output(name, field) for name, field in outputs(kind).items())
        return
    for name in kind.workflow.results:
        inside = resolve_result(kind.workflow, name, kinds)
        field = outputs(inside.kind).get(inside.port) if inside.kind else None
        yield _output(name, field) if field else Described(name, "unknown")


def _output(name: str, field: FieldInfo) -> Described:
    return Described(name, type_name(field.annotation), help=field.description or "")


def _input(name: str, field: FieldInfo) -> Described:
    default = "" if field.is_required() else _default(field.get_default(call_default_factory=True))
    return Described(
        name, _type(field.annotation), default, _limits(field), field.description or ""
    )


def _type(annotation: object) -> str:
    """Choices are listed as they are written, without Python's quotes."""
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    return type_name(annotation)


def _limits(field: FieldInfo) -> str:
    limits = {
        key: value
        for m in _metadata(field)
        for key in _LIMITS
        if (value := getattr(m, key, None)) is not None
    }
    texts = [f"{limits.pop('ge')} to {limits.pop('le')}"] if {"ge", "le"} <= limits.keys() else []
    return ", ".join([*texts, *(_LIMITS[key].format(value) for key, value in limits.items())])


def _metadata(field: FieldInfo) -> Iterator[object]:
    """The constraints of an input; of an optional one, those of its other types too."""
    yield from field.metadata
    for part in get_args(field.annotation):
        for constraint in getattr(part, "__metadata__", ()):
            yield from getattr(constraint, "metadata", (constraint,))


def _default(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, list):
        return f"{len(value)} items" if value else "none"
    return '""' if value == "" else str(value)


def takes(kind: Kind, field: str, value: object, kinds: Mapping[str, Kind]) -> bool:
    """Whether an input takes this JSON value, as one or as several."""
    if isinstance(kind, Template):
        inside = resolve_param(kind.workflow, field, kinds)
        if inside.kind is None:
            return True
        kind, field = inside.kind, inside.port
    return field not in inputs(kind) or not convert(kind, {field: value})[2]  # type: ignore[dict-item]
