"""Explanations of a plan: which items are cached or would run, and why, without running any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from ..base.budget import Budget
from ..base.gc_pause import pause_gc
from ..cache import Cache
from ..errors import NotFetchedError, UserError, WorkflowError
from ..execution.context import RunContext
from ..execution.instances import stamp
from ..execution.reports import Broke, Lost
from ..graph.workflow import Workflow
from ..node import Node
from ..planning.types import Plan
from ..settings import Settings
from ..tasks.items import resolvable, resolve, upstream_tasks
from ..tasks.keys import key_of, parts_of
from ..tasks.task import CallState, Task, call_states

State: TypeAlias = Literal["cached", "runs", "waits", "fails"]


class Line(NamedTuple):
    """The fate of one item: ``waits`` means that it depends on one that runs."""

    name: str
    items: tuple[int, ...]
    state: State
    reason: str


@pause_gc()
def explain(
    plan: Plan, cache: Cache, settings: Settings | None = None, budget: Budget | None = None
) -> list[Line]:
    """List for every item of ``plan`` whether it is cached or would run, and what has changed.

    Raises:
        WorkflowError: there are more of them than the budget allows.
    """
    settings, budget = settings or Settings(), budget or Budget()
    calls = call_states(plan)
    judge = _Judge(calls, cache, settings, settings.signature(), plan.workflow, budget)
    lines: dict[Task, Line] = {}
    for call in calls:
        lines.update(judge.call(call))
    for task, line in reversed(lines.items()):
        if line.state == "runs":
            for needed in upstream_tasks(task, calls):
                budget.steps(1)
                if lines[needed].state == "cached" and not cache.has(needed.key or b""):
                    reason = f"its result is known but no longer held, and {task.address} needs it"
                    lines[needed] = lines[needed]._replace(state="runs", reason=reason)
    return list(lines.values())


@dataclass(frozen=True, slots=True)
class _Judge:
    calls: Sequence[CallState]
    cache: Cache
    settings: Settings
    signature: str
    workflow: Workflow
    budget: Budget
    recent: dict[type[Node], list[Mapping[str, str]]] = field(default_factory=dict)

    def call(self, call: CallState) -> Iterator[tuple[Task, Line]]:
        """Judge every item of ``call``; the calls before it have been judged."""
        name = call.planned.name
        if not resolvable(call, self.calls):
            yield self._unknown(
                call, "waits", "how many items it has is known only when what it needs has run"
            )
            return
        try:
            resolve(call, self.calls, self.settings.folders, self.budget)
        except UserError as error:
            yield self._unknown(call, "fails", str(error))
            return
        except WorkflowError:  # of the budget
            raise
        except Exception as error:  # a node's own code: the others are explained
            yield self._unknown(call, "fails", f"{type(error).__name__}: {error}")
            return
        self.budget.items(len(call.tasks), name)
        for task in call.tasks:
            state, reason = self._task(task)
            self.budget.letters(len(reason), name)
            if state == "cached":
                task.state = "done"
                call.left -= 1
            yield task, Line(name, task.items, state, reason)

    def _unknown(self, call: CallState, state: State, reason: str) -> tuple[Task, Line]:
        call.resolved, call.tasks, call.left = True, [Task(call, None)], 1
        return call.tasks[0], Line(call.planned.name, (), state, reason)

    def _task(self, task: Task) -> tuple[State, str]:
        kind = task.call.planned.kind
        unknown = self._unknown_of(task)
        if not kind.pure:
            return ("waits" if unknown else "runs"), "has a side effect, so it runs every time"
        if unknown:
            return "waits", f"depends on {unknown.address}"
        if kind.stamp is not Node.stamp and (ended := self._stamped(task)) is not None:
            return ended
        task.key = key_of(task, self.calls, self.signature, self.cache.keyring)
        record = self.cache.record(task.key)
        if record is not None and (self.settings.degrades or not record.degraded):
            task.digests = record.digests
            resumed = f", resumed {record.resumed}" if record.resumed else ""
            return "cached", f"took {record.seconds:.2g} s{resumed}"
        if record is not None:
            ways = ", ".join(record.degraded)
            return "runs", f"it was made with less memory ({ways}), which is forbidden now"
        return "runs", self._changes(kind, parts_of(task, self.calls, self.signature))

    def _unknown_of(self, task: Task) -> Task | None:
        for needed in upstream_tasks(task, self.calls):
            self.budget.steps(1)
            if needed.state != "done":
                return needed
        return None

    def _stamped(self, task: Task) -> tuple[State, str] | None:
        """Ask the node what else its result depends on; where it cannot tell, say why."""
        context = RunContext(self.settings, self.settings.devices[0], self.workflow, self.cache)
        report = stamp(task, self.calls, context)
        if isinstance(report, Broke):
            cause = report.error.cause
            return "runs" if isinstance(cause, NotFetchedError) else "fails", str(cause)
        if isinstance(report, Lost):
            return "waits", f"{report.missing.address} must run again first"
        task.stamp = report.stamp
        return None

    def _changes(self, kind: type[Node], parts: Mapping[str, str]) -> str:
        """Name what differs from the most similar earlier call of the same kind."""
        # Asked once a kind: the records of earlier runs lie on the disk.
        if kind not in self.recent:
            self.recent[kind] = [record.parts for record in self.cache.recent(kind)]
        earlier = self.recent[kind]
        self.budget.steps(len(earlier) * len(parts))
        if not earlier:
            return f"no {kind.__name__} has been run before"
        nearest = min(earlier, key=lambda past: len(_different(parts, past)))
        different = [name for name in _different(parts, nearest) if name != "(node)"]
        changes = [_change(name, nearest.get(name), parts.get(name)) for name in different]
        return "; ".join(changes) or "its result is no longer held"


def _different(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    return [name for name in {**now, **before} if now.get(name) != before.get(name)]


def _change(name: str, before: str | None, now: str | None) -> str:
    if name == "(file)":
        return "the file it reads has changed"
    if "@" in ((before or "")[:1], (now or "")[:1]):
        return f"{name} is another than before"
    return f"{name.strip('()')} was {before or 'not set'}, is {now or 'not set'}"
