"""What `--set name=value` means: text from a shell becomes values of a workflow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import Problem, UserError, WorkflowError, did_you_mean
from ..registry import Registry
from ..workflow import Workflow, split
from .kinds import takes


def fill(workflow: Workflow, settings: Sequence[str], registry: Registry) -> Workflow:
    """Set params by name, and any other input by its address (``sample.steps=12``).

    A name that is given several times makes a list, and so maps.

    Raises:
        UserError: something is not ``name=value``.
        WorkflowError: there is no such param, node or input; all of them are named.
    """
    given = _by_name(settings)
    problems = [p for name in given if (p := _problem(workflow, name)) is not None]
    if problems:
        raise WorkflowError(problems)
    values: dict[str, object] = {}
    for name, texts in given.items():
        node, field = _targets(workflow, name)[0]
        kind = workflow.nodes[node].type if node in workflow.nodes else ""
        read = [_read(text, kind, field, registry) for text in texts]
        values[name] = read[0] if len(read) == 1 else read
    params = {name: value for name, value in values.items() if "." not in name}
    return _set(workflow.fill(params), {n: v for n, v in values.items() if "." in n})


def folders_of(settings: Sequence[str]) -> tuple[Path, ...]:
    """The folders of files that were typed: typing a path is allowing it."""
    paths = [
        Path(text) for texts in _by_name(settings).values() for text in texts if "\0" not in text
    ]
    found = [path.parent if not path.is_dir() else path for path in paths if _exists(path)]
    return tuple(dict.fromkeys(folder.resolve() for folder in found))


def _exists(path: Path) -> bool:
    try:
        return bool(path.parts) and path.exists()
    except OSError:  # a prompt is longer than a file name can be
        return False


def _by_name(settings: Iterable[str]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--set {setting!r}: write name=value")
        given.setdefault(name.strip().replace("-", "_"), []).append(text)
    return given


def _problem(workflow: Workflow, name: str) -> Problem | None:
    where = f"--set {name}"
    if "." not in name:
        return (
            None if name in workflow.params else Problem(where, did_you_mean(name, workflow.params))
        )
    node, _ = split(name)
    return None if node in workflow.nodes else Problem(where, did_you_mean(node, workflow.nodes))


def _targets(workflow: Workflow, name: str) -> list[tuple[str, str]]:
    return workflow.params[name].targets if "." not in name else [split(name)]


def _read(text: str, kind: str, field: str, registry: Registry) -> object:
    """JSON where the input takes what the JSON says, else the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, str) or kind not in registry:
        return value
    return value if takes(registry[kind], field, value, registry) else text


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
