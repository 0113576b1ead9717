"""Sizes of what was sent, counted before anything is made of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem, WorkflowError
from ...graph.workflow import Workflow
from ..limits import Limits


def check_document(document: Mapping[str, Any], limits: Limits) -> None:
    """Refuse a workflow that is too large to be looked at.

    Raises:
        WorkflowError: it has too many nodes, params, or values and links.
    """
    sizes: Counter[str] = Counter()
    for part in _with_templates(document):
        sizes += _sizes(part)
        for name, call in _entries(part, "nodes").items():
            inputs = len(_entries(call, "values")) + len(_entries(call, "links"))
            if inputs > limits.inputs:
                message = f"has {inputs} inputs; at most {limits.inputs} are taken"
                raise WorkflowError([Problem(name, message)])
    for name, most in (
        ("nodes", limits.nodes),
        ("params", limits.params),
        ("links", limits.links),
    ):
        if (count := sizes[name]) > most:
            problem = Problem(name, f"has {count} {name}; at most {most} are taken")
            raise WorkflowError([problem])


def check_whole(workflow: Workflow, limits: Limits) -> None:
    """Refuse a workflow that is too large with the templates it uses, which were not sent with it.

    Raises:
        WorkflowError: they have twice as many nodes or params as may be sent.
    """
    parts = [workflow, *workflow.templates.values()]
    for name, most, count in (
        ("nodes", 2 * limits.nodes, sum(len(part.nodes) for part in parts)),
        ("params", 2 * limits.params, sum(len(part.params) for part in parts)),
    ):
        if count > most:
            message = f"has {count} {name} with its templates; at most {most} are taken"
            raise WorkflowError([Problem(name, message)])


def check_params(workflow: Workflow, params: Mapping[str, Any], limits: Limits) -> None:
    """Refuse values that would make a workflow too large: each goes to all inputs its param sets.

    Raises:
        WorkflowError: they would.
    """
    letters = 0
    for name, value in params.items():
        targets = len(workflow.params[name].targets) if name in workflow.params else 0
        letters += targets * len(json.dumps(value)) if targets > 1 else 0
        if letters > limits.body:
            message = f"its value is too long for {targets} inputs; at most {limits.body:,} letters"
            raise WorkflowError([Problem(f"params.{name}", f"{message} are taken in all")])


def _with_templates(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """It and all that are inside it, at any depth, whatever their form."""
    waiting: list[Any] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += _entries(part, "templates").values()


def _sizes(document: Mapping[str, Any]) -> Counter[str]:
    """Calls, params, and values and links: each link of an array and each input a param sets."""
    nodes, params = _entries(document, "nodes"), _entries(document, "params")
    links = len(_entries(document, "results"))
    for call in nodes.values():
        linked = _entries(call, "links").values()
        links += len(_entries(call, "values")) + sum(map(_count, linked))
    for param in params.values():
        links += _count(param.get("to")) if isinstance(param, dict) else 1
    for model in _entries(document, "models").values():
        links += 1 + len(_entries(model, "files"))
    return Counter(nodes=len(nodes), params=len(params), links=links)


def _count(links: object) -> int:
    return len(links) if isinstance(links, list) else 1


def _entries(value: object, name: str) -> Mapping[str, Any]:
    """A part of an object that should be one itself; what is none is told when it is read."""
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}
