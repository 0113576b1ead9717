"""Migrations of workflow documents from old formats to today's, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ..errors import Problem, WorkflowError

FORMAT = 1
"""The format that this version writes."""

Document: TypeAlias = dict[str, Any]


def migrate(document: Document) -> Document:
    """Return ``document`` in today's format.

    Raises:
        WorkflowError: its format is missing, unknown, or not what it claims to be.
    """
    version = _format(document)
    for step in MIGRATIONS[version:]:
        try:
            document = step(document)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            problem = Problem("format", f"this cannot be read as format {version}: {error}")
            raise WorkflowError([problem]) from error
    return document


def _format(document: Document) -> int:
    # Format 0 wrote "version" where all later ones write "format".
    version = document.get("format", 0 if "version" in document else None)
    if type(version) is int and 0 <= version <= FORMAT:
        return version
    if version is None:
        message = f'is missing; a workflow begins with "format": {FORMAT}'
    elif type(version) is int and version > FORMAT:
        message = f"{version} is newer than this version of nodegraph, which reads up to {FORMAT}"
    else:
        message = f"{version!r} is no format; it should be {FORMAT}"
    raise WorkflowError([Problem("format", message)])


def _from_0(document: Document) -> Document:
    """Move positions to ``view``; make addresses of pairs, and objects of params."""
    rest = {name: part for name, part in document.items() if name not in {"version", "format"}}
    nodes = _objects(document, "nodes")
    return {
        "format": 1,
        **rest,
        "nodes": {name: _call_from_0(call) for name, call in nodes.items()},
        "params": {name: {"to": to} for name, to in _object(document, "params").items()},
        "view": {name: call["at"] for name, call in nodes.items() if "at" in call},
    }


def _objects(document: Mapping[str, Any], part: str) -> Mapping[str, Mapping[str, Any]]:
    parts = _object(document, part)
    for name, inner in parts.items():
        if not isinstance(inner, dict):
            raise TypeError(f"{name} should be an object")
    return parts


def _object(document: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    inner = document.get(part, {})
    if not isinstance(inner, dict):
        raise TypeError(f"{part} should be an object")
    return inner


def _call_from_0(call: Mapping[str, Any]) -> Document:
    links = {name: _link_from_0(link) for name, link in _object(call, "links").items()}
    return {**{name: part for name, part in call.items() if name != "at"}, "links": links}


def _link_from_0(link: Any) -> Any:
    """``["photo", "image"]`` becomes ``"photo.image"``, also inside a list of such pairs."""
    if isinstance(link, str):
        return link
    if all(isinstance(part, str) for part in link):
        node, output = link
        return f"{node}.{output}"
    return [_link_from_0(part) for part in link]


MIGRATIONS: tuple[Callable[[Document], Document], ...] = (_from_0,)
"""``MIGRATIONS[n]`` turns format n into format n + 1."""
