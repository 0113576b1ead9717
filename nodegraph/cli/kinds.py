"""What nodes there are and what they take: `nodegraph nodes`, and the table in the docs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ..ports import convert, inputs, outputs, type_name
from ..registry import Kind, Registry, Template, load_registry
from ..workflow import Workflow, split
from .ending import warn
from .files import shipped

_LIMITS = {
    "ge": "≥ {}",
    "gt": "> {}",
    "le": "≤ {}",
    "lt": "< {}",
    "multiple_of": "a multiple of {}",
}


@dataclass(frozen=True, slots=True)
class Described:
    """One input or output: ``default`` is empty where a value or a link is needed."""

    name: str
    type: str
    default: str = ""
    limits: str = ""
    help: str = ""


def registry(folders: Iterable[Path]) -> Registry:
    """Load every node and template there is; what had to be refused is said on stderr."""
    found = load_registry(tuple(folders), templates=shipped().values())
    for problem in found.refused:
        warn(f"{problem}; the other nodes are loaded")
    return found


def group(kind: Kind) -> str:
    """The palette group: the module the node was written in."""
    return "templates" if isinstance(kind, Template) else kind.__module__.rpartition(".")[2]


def summary(kind: Kind) -> str:
    """The first sentence of what the node does."""
    doc = kind.doc if isinstance(kind, Template) else inspect.getdoc(kind) or ""
    return " ".join(doc.partition("\n\n")[0].split())


def inputs_of(kind: Kind, known: Mapping[str, Kind]) -> Iterator[Described]:
    """Describe every input; a template's are its params."""
    if not isinstance(kind, Template):
        yield from (_input(name, field) for name, field in inputs(kind).items())
        return
    for name, param in kind.workflow.params.items():
        node, field = param.targets[0]
        inner = _inner(kind.workflow, node, field, inputs_of, known)
        given = kind.workflow.nodes[node].values.get(field) if node in kind.workflow.nodes else None
        default = inner.default if given is None else _plain(given)
        yield Described(name, inner.type, default, inner.limits, param.help or param.label)


def outputs_of(kind: Kind, known: Mapping[str, Kind]) -> Iterator[Described]:
    """Describe every output; a template's are its results."""
    if not isinstance(kind, Template):
        for name, field in outputs(kind).items():
            yield Described(name, type_name(field.annotation), help=field.description or "")
        return
    for name, address in kind.workflow.results.items():
        inner = _inner(kind.workflow, *split(address), outputs_of, known)
        yield Described(name, inner.type, help=inner.help)


def _inner(
    workflow: Workflow,
    node: str,
    port: str,
    ports_of: Callable[[Kind, Mapping[str, Kind]], Iterable[Described]],
    known: Mapping[str, Kind],
) -> Described:
    """The port inside a template that one of its own stands for; a template may be broken."""
    kind = known.get(workflow.nodes[node].type) if node in workflow.nodes else None
    found = (one for one in ports_of(kind, known) if one.name == port) if kind else iter(())
    return next(found, Described(port, "unknown"))


def _input(name: str, field: FieldInfo) -> Described:
    default = "" if field.is_required() else _plain(field.get_default(call_default_factory=True))
    return Described(
        name, _type(field.annotation), default, _limits(field), field.description or ""
    )


def _type(annotation: object) -> str:
    """Choices are listed as they are written, without Python's quotes."""
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    return type_name(annotation)


def _limits(field: FieldInfo) -> str:
    found = {
        key: value
        for m in field.metadata
        for key in _LIMITS
        if (value := getattr(m, key, None)) is not None
    }
    said = [f"{found.pop('ge')} to {found.pop('le')}"] if {"ge", "le"} <= found.keys() else []
    return ", ".join([*said, *(_LIMITS[key].format(value) for key, value in found.items())])


def _plain(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, list):
        return f"{len(value)} items" if value else "none"
    return '""' if value == "" else str(value)


def takes(kind: Kind, field: str, value: object, known: Mapping[str, Kind]) -> bool:
    """Whether an input takes this JSON value, as one or as several."""
    while isinstance(kind, Template):
        if field not in kind.workflow.params:
            return True
        node, field = kind.workflow.params[field].targets[0]
        if node not in kind.workflow.nodes or kind.workflow.nodes[node].type not in known:
            return True
        kind = known[kind.workflow.nodes[node].type]
    return field not in inputs(kind) or not convert(kind, {field: value})[2]  # type: ignore[dict-item]
