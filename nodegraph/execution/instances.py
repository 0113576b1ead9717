"""Nodes built from tasks: inputs fetched from the cache, wrong ones named with their origin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any

from pydantic import ValidationError

from ..errors import NodeError, UserError
from ..graph.ports import mistakes
from ..node import Node, Output
from ..tasks.items import bound, constants
from ..tasks.task import CallState, Element, Task
from .context import RunContext
from .reports import Broke, Lost, Stamped, Stamping


class LostError(Exception):
    """The value of ``missing`` was to be read, but no tier holds it any more."""

    def __init__(self, missing: Task) -> None:
        self.missing = missing


def stamp(task: Task, calls: Sequence[CallState], context: RunContext) -> Stamping:
    """Ask a node what else its result depends on: the content of a file, say."""
    inputs: Mapping[str, object] = constants(task)
    try:
        kind = task.call.planned.kind
        if names := kind.stamp_inputs:
            inputs = fetch_inputs(task, calls, context, names)
            return Stamped(task, kind.stamp_by(_only(kind, inputs, names), context))
        inputs = fetch_inputs(task, calls, context)
        node = build_node(task, inputs, calls)
        return Stamped(task, call_method(node.stamp, context))
    except LostError as lost:
        return Lost(task, lost.missing)
    except Exception as error:
        return Broke(task, failure(task, inputs, error))


def _only(
    kind: type[Node], inputs: Mapping[str, object], names: Iterable[str]
) -> Mapping[str, object]:
    """Some of the inputs, by their defaults where nothing was given."""
    defaults = {name: kind.model_fields[name].get_default() for name in names}
    return {name: inputs.get(name, default) for name, default in defaults.items()}


def fetch_inputs(
    task: Task,
    calls: Sequence[CallState],
    context: RunContext,
    names: Collection[str] | None = None,
) -> Mapping[str, object]:
    """The values of all inputs of ``task``; for a device's lane, brought to that device.

    Args:
        names: Those that are wanted, if not all.

    Raises:
        LostError: one of them has gone since the task was queued.
    """
    if not task.call.planned.links:
        return constants(task)
    device = context.device if task.call.planned.kind.lane == "device" else None
    fetched: dict[int, Output] = {}

    def fetch(element: Element) -> object:
        needed = element.task
        output = fetched.get(id(needed))
        if output is None:
            assert needed.key is not None
            output = context.cache.get(needed.key, needed.call.planned.kind, device)
            if output is None:
                raise LostError(needed)
            fetched[id(needed)] = output
        return element.value(output)

    inputs = dict(constants(task))
    for name, value in bound(task, calls):
        if names is not None and name not in names:
            continue
        inputs[name] = [fetch(e) for e in value] if isinstance(value, list) else fetch(value)
    return inputs


def build_node(task: Task, inputs: Mapping[str, object], calls: Sequence[CallState]) -> Node:
    """Make the node of ``task``.

    Raises:
        UserError: an input does not hold what its annotation says.
    """
    try:
        return task.call.planned.kind(**inputs)
    except ValidationError as error:
        linked = dict(bound(task, calls))
        problems = [f"{path}: {text}{_origin(path, linked)}" for path, text in mistakes(error)]
        raise UserError("; ".join(problems)) from error


def _origin(path: str, linked: Mapping[str, Element | list[Element]]) -> str:
    """Which result the wrong value is; empty where it was stored with the call."""
    name, _, entry = path.rstrip("]").partition("[")
    element = linked.get(name)
    if isinstance(element, list):
        element = element[int(entry)] if entry else None
    return f" (it is {element.address})" if element else ""


def call_method(method: Callable[..., Any], context: RunContext, *arguments: object) -> Any:
    """Call a bound ``method`` with these arguments, and with the context if it takes one more."""
    takes = _parameters(method.__func__)  # type: ignore[attr-defined]
    return method(*arguments, context) if takes > 1 + len(arguments) else method(*arguments)


@cache
def _parameters(function: Callable[..., Any]) -> int:
    return len(signature(function).parameters)


def failure(task: Task, inputs: Mapping[str, object], error: Exception) -> NodeError:
    """The error as a person sees it: where it was raised, and on which inputs."""
    kind = task.call.planned.kind
    ordered = {name: inputs[name] for name in kind.model_fields if name in inputs}
    return NodeError(task.address, kind.__name__, ordered, error)
