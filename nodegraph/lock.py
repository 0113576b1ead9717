"""Pin the models of a workflow: which revision, and which very files, it was made with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .cache import Cache
from .context import RunContext, Settings
from .errors import NodeError
from .items import constants, resolvable, resolve
from .node import Node, Wire
from .plan import Plan
from .tasks import CallState, Task, states
from .workflow import ModelLock, Workflow


def lock(plan: Plan, cache: Cache, settings: Settings | None = None) -> Workflow:
    """Copy the plan's workflow with the models it uses pinned; models are read, nothing is run.

    Raises:
        NodeError: a model cannot be found.
    """
    settings = settings or Settings()
    free = plan.workflow.model_copy(update={"models": {}})
    context = RunContext(settings, settings.devices[0], free, cache)
    calls = states(plan)
    pinned = {
        name: ModelLock(revision=revision, sha256=sha256)
        for task in _loaders(calls, settings)
        for name, (revision, sha256) in _pins(task, context)
    }
    return plan.workflow.model_copy(update={"models": dict(sorted(pinned.items()))})


def _loaders(calls: Sequence[CallState], settings: Settings) -> Iterator[Task]:
    """Every item of the calls that name models, as far as constants alone say which."""
    for call in calls:
        kind = call.planned.kind
        if kind.pins is not Node.pins and _told(call) and resolvable(call, calls):
            resolve(call, calls, settings.folders)
            yield from call.tasks


def _told(call: CallState) -> bool:
    """Whether only wires are linked in: then constants name the models."""
    fields = call.planned.kind.model_fields
    kinds = [fields[name].annotation for name in call.planned.links]
    return all(isinstance(kind, type) and issubclass(kind, Wire) for kind in kinds)


def _pins(task: Task, context: RunContext) -> list[tuple[str, tuple[str, str]]]:
    kind = task.call.planned.kind
    inputs: dict[str, Any] = dict(constants(task))
    try:
        # Checked when it was planned; without the wires, whose values only a run makes.
        return list(kind.model_construct(**inputs).pins(context).items())
    except Exception as error:
        raise NodeError(task.address, kind.__name__, inputs, error) from error
