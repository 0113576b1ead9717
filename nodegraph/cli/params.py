"""`--set name=value`: text from a shell, read as values of the inputs that it is meant for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from ..base.characters import broken_text, excerpt
from ..errors import Problem, UserError, WorkflowError, did_you_mean
from ..graph.registry import Kind, Registry
from ..graph.workflow import Workflow, split
from .kinds import takes


def fill(workflow: Workflow, assignments: Sequence[str], registry: Registry) -> Workflow:
    """Set params by name, and any other input by its address (``sample.steps=12``).

    A name that occurs several times makes a list, and so maps.

    Raises:
        UserError: something is not ``name=value``, or no text.
        WorkflowError: there is no such param, node or input, or one is set by two names; all of
            them are named.
    """
    texts_by_name = _by_name(assignments)
    problems = [p for name in texts_by_name if (p := _problem(workflow, name)) is not None]
    if problems:
        raise WorkflowError(problems)
    values: dict[str, object] = {}
    for name, texts in texts_by_name.items():
        node, field = next(iter(_targets(workflow, name)), ("", ""))
        kind = registry.get(workflow.nodes[node].type) if node in workflow.nodes else None
        fits = partial(_fits, kind, field, registry)
        read = [_read(name, text, fits) for text in texts]
        # One value for an input that takes a list is a list of one.
        alone = len(read) == 1 and (fits(read[0]) or not fits(read))
        values[name] = read[0] if alone else read
    if problems := _twice(workflow, values):
        raise WorkflowError(problems)
    params = {name: value for name, value in values.items() if "." not in name}
    return _set(workflow.fill(params), {n: v for n, v in values.items() if "." in n})


def folders_of(assignments: Sequence[str]) -> tuple[Path, ...]:
    """The folders of files that were typed: typing a path is allowing it."""
    paths = [
        Path(text) for texts in _by_name(assignments).values() for text in texts if "\0" not in text
    ]
    folders = [path.parent if not path.is_dir() else path for path in paths if _exists(path)]
    return tuple(dict.fromkeys(folder.resolve() for folder in folders))


def _exists(path: Path) -> bool:
    try:
        return bool(path.parts) and path.exists()
    except OSError:  # a prompt is longer than a file name can be
        return False


def _by_name(assignments: Iterable[str]) -> dict[str, list[str]]:
    texts_by_name: dict[str, list[str]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"--set {assignment!r}: write name=value")
        texts_by_name.setdefault(name.strip().replace("-", "_"), []).append(text)
    return texts_by_name


def _problem(workflow: Workflow, name: str) -> Problem | None:
    address = f"--set {name}"
    if "." not in name:
        if name in workflow.params:
            return None
        inputs = [f"{n}.{name}" for n, call in workflow.nodes.items() if name in call.values]
        near = f"; or write {inputs[0]!r}" if inputs else ""
        return Problem(address, did_you_mean(name, workflow.params) + near)
    node, _ = split(name)
    return None if node in workflow.nodes else Problem(address, did_you_mean(node, workflow.nodes))


def _twice(workflow: Workflow, values: Mapping[str, object]) -> list[Problem]:
    """Inputs that two names set to different values, of which one would be lost."""
    problems: list[Problem] = []
    names: dict[tuple[str, str], str] = {}
    for name, value in values.items():
        for target in _targets(workflow, name):
            first = names.setdefault(target, name)
            if values[first] != value:
                message = f"--set {first} sets {'.'.join(target)}, too; leave one out"
                problems.append(Problem(f"--set {name}", message))
    return problems


def _targets(workflow: Workflow, name: str) -> list[tuple[str, str]]:
    return workflow.params[name].targets if "." not in name else [split(name)]


def _fits(kind: Kind | None, field: str, registry: Registry, value: object) -> bool:
    return kind is None or takes(kind, field, value, registry)


def _read(name: str, text: str, fits: Callable[[object], bool]) -> object:
    """JSON where the input takes what the JSON says, alone or in a list, else the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if (broken := broken_text(value)) is not None:
        raise UserError(
            f"--set {name}: has half of a character (a lone surrogate) in {excerpt(broken)}"
        )
    return value if isinstance(value, str) or fits(value) or fits([value]) else text


def _set(workflow: Workflow, values: Mapping[str, object]) -> Workflow:
    nodes = dict(workflow.nodes)
    for address, value in values.items():
        node, field = split(address)
        call = nodes[node]
        links = {name: link for name, link in call.links.items() if name != field}
        nodes[node] = call.model_copy(
            update={"values": {**call.values, field: value}, "links": links}
        )
    return workflow.model_copy(update={"nodes": nodes})
