"""Pins of a workflow's models: which revision, and which very files, it was made with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..cache import Cache
from ..errors import NodeError
from ..execution.context import RunContext
from ..graph.workflow import ModelLock, Workflow
from ..node import Node, Pin, Wire
from ..planning.types import Plan, Planned
from ..settings import Settings
from ..tasks.items import constants, resolvable, resolve
from ..tasks.task import CallState, Task, call_states


def pin_models(plan: Plan, cache: Cache, settings: Settings | None = None) -> Workflow:
    """Copy the plan's workflow with the models it uses pinned; models are read, nothing is run.

    Raises:
        NodeError: a model cannot be found.
    """
    return plan.workflow.model_copy(update={"models": _read_locks(plan, cache, settings, {})})


def find_drift(plan: Plan, cache: Cache, settings: Settings | None = None) -> dict[str, list[str]]:
    """List by model how the one here differs from the one that the workflow pins, if it does.

    Raises:
        NodeError: a model cannot be found.
    """
    pinned = plan.workflow.models
    # The pinned revision is what a run would take; its files are to be judged here.
    revisions = {name: ModelLock(revision=lock.revision) for name, lock in pinned.items()}
    present = _read_locks(plan, cache, settings, revisions)
    differences = {
        name: _compare_pins(pinned.get(name), present.get(name)) for name in {**pinned, **present}
    }
    return {name: problems for name, problems in differences.items() if problems}


def unpinnable(plan: Plan) -> list[str]:
    """The calls whose models only a run can tell, because other nodes name them."""
    return [
        call.name
        for call in plan.calls
        if call.kind.pins is not Node.pins and not _names_its_models(call)
    ]


def changed_files(pinned: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """The files of a model that differ from those pinned, in words; none if none were noted."""
    if not pinned:
        return []
    words = {
        name: "is missing" if name not in present else "is new" if name not in pinned else "differs"
        for name in {**pinned, **present}
        if pinned.get(name) != present.get(name)
    }
    return [f"{name} {state}" for name, state in words.items()]


def _compare_pins(pinned: ModelLock | None, present: ModelLock | None) -> list[str]:
    if pinned is None:
        return ["is not pinned"]
    if present is None:
        return ["is pinned, but not used"]
    if pinned.sha256 == present.sha256:
        return []
    differences = [f"sha256 {pinned.sha256[:12]}…, here {present.sha256[:12]}…"]
    if pinned.revision != present.revision:
        differences.append(
            f"revision {pinned.revision[:12]}, here {present.revision[:12] or 'none'}"
        )
    return differences + changed_files(pinned.files, present.files)


def _read_locks(
    plan: Plan, cache: Cache, settings: Settings | None, revisions: Mapping[str, ModelLock]
) -> dict[str, ModelLock]:
    """The pin of each model as it is here, of the revision in ``revisions`` if it has one."""
    settings = settings or Settings()
    free = plan.workflow.model_copy(update={"models": dict(revisions)})
    context = RunContext(settings, settings.devices[0], free, cache)
    calls = call_states(plan)
    locks = {
        name: ModelLock(revision=pin[0], sha256=pin[1], files=dict(pin[2]) if len(pin) > 2 else {})
        for task in _loaders(calls, settings)
        for name, pin in _pins(task, context)
    }
    return dict(sorted(locks.items()))


def _loaders(calls: Sequence[CallState], settings: Settings) -> Iterator[Task]:
    """Every item of the calls that name models, as far as constants alone say which."""
    for call in calls:
        kind = call.planned.kind
        if (
            kind.pins is not Node.pins
            and _names_its_models(call.planned)
            and resolvable(call, calls)
        ):
            resolve(call, calls, settings.folders)
            yield from call.tasks


def _names_its_models(call: Planned) -> bool:
    """Whether only wires are linked in: then constants name the models."""
    fields = call.kind.model_fields
    kinds = [fields[name].annotation for name in call.links]
    return all(isinstance(kind, type) and issubclass(kind, Wire) for kind in kinds)


def _pins(task: Task, context: RunContext) -> list[tuple[str, Pin]]:
    kind = task.call.planned.kind
    inputs: dict[str, Any] = dict(constants(task))
    try:
        # Checked when it was planned; without the wires, whose values only a run makes.
        return list(kind.model_construct(**inputs).pins(context).items())
    except Exception as error:
        raise NodeError(task.address, kind.__name__, inputs, error) from error
