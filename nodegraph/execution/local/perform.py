"""Do one piece of work: fetch the inputs, run the node, check it, store what it made."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from inspect import signature
from threading import Event as Flag
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from pydantic import ValidationError

from ...cache import Cache, Record
from ...errors import Brief, DoesNotFitError, NodeError, UserError, brief
from ...events import Progressed, Started
from ...graph.ports import mistakes, output_of
from ...node import Node, Output, Progress
from ...savings import Savings
from ...tasks.items import behind, bound, constants, shortages
from ...tasks.keys import parts_of
from ...tasks.task import CallState, Element, Task, runs_together
from ...values.leaves import Watch
from ..context import RunContext
from .admission import Admission
from .ladder import Attempt, lower


@dataclass(frozen=True, slots=True)
class Done:
    """A task has been computed and its outputs are in the cache."""

    task: Task
    record: Record
    seconds: float


@dataclass(frozen=True, slots=True)
class Broke:
    """A task raised."""

    task: Task
    error: NodeError


@dataclass(frozen=True, slots=True)
class Lost:
    """A task could not start: the value of ``missing`` is no longer held by any tier."""

    task: Task
    missing: Task


@dataclass(frozen=True, slots=True)
class Stamped:
    """A task's stamp is known, so its key can be made."""

    task: Task
    stamp: object


Report: TypeAlias = Started | Progressed | Done | Broke | Lost | Stamped


class Stopped(BaseException):
    """The run was cancelled while a node was at work."""


class _LostError(Exception):
    def __init__(self, missing: Task) -> None:
        self.missing = missing


class _Ready(NamedTuple):
    """A node about to run, and the task that it is for."""

    task: Task
    node: Node
    inputs: Mapping[str, object]


class _Failed(NamedTuple):
    """An attempt that raised: whether memory was ``short``, and the inputs, only as they look."""

    attempt: Attempt[Task]
    error: Exception
    short: bool
    inputs: Sequence[Mapping[str, object]]
    admission: Admission | None


@dataclass(frozen=True, slots=True)
class Worker:
    """All that working on tasks needs, whichever lane it happens on."""

    calls: Sequence[CallState]
    cache: Cache
    stop: Flag

    def stamp(self, task: Task, context: RunContext) -> Iterator[Report]:
        """Ask a node what else its result depends on (a file's content), reporting Stamped."""
        inputs: Mapping[str, object] = constants(task)
        try:
            inputs = self._inputs(task, context)
            node = _node(task, inputs, self.calls)
            yield Stamped(task, _call(node.stamp, context))
        except _LostError as lost:
            yield Lost(task, lost.missing)
        except Exception as error:
            yield Broke(task, _failure(task, inputs, error))

    def run(self, tasks: Sequence[Task], context: RunContext) -> Iterator[Report]:
        """Compute ``tasks`` (items of one call) together, reporting progress and each one's end.

        Where memory runs out, the ladder is taken down. A batch that fails otherwise
        is halved until the item at fault stands alone: it does not take the others with it.
        """
        attempts = [Attempt(tuple(tasks))]
        while attempts:
            attempt = attempts.pop()
            failed = yield from self._try(attempt, attempts, context)
            if failed is not None:
                # No frame and no traceback of the attempt is left that keeps its tensors alive.
                attempts = yield from self._lowered(failed, attempts, context)

    def _try(
        self, attempt: Attempt[Task], waiting: list[Attempt[Task]], context: RunContext
    ) -> Generator[Report, None, _Failed | None]:
        """Compute an attempt; what cannot run together with its first item is left waiting."""
        ready: list[_Ready] = []
        for task in attempt.items:
            inputs: Mapping[str, object] = constants(task)
            try:
                inputs = self._inputs(task, context)
                ready.append(_Ready(task, _node(task, inputs, self.calls), inputs))
            except _LostError as lost:
                yield Lost(task, lost.missing)
            except Exception as error:
                yield Broke(task, _failure(task, inputs, error))
        if not ready:
            return None
        ready, others = _together(ready)
        if others:
            waiting.append(replace(attempt, items=tuple(one.task for one in others)))
        if len(ready) < len(attempt.items):
            attempt = replace(attempt, items=tuple(one.task for one in ready))
        admission = self._admission(ready, attempt.savings, context)
        if admission is not None and context.settings.degrades:
            attempt, *more = attempt.cut(admission.most(len(ready)))
            waiting += reversed(more)
            ready = ready[: len(attempt.items)]
        try:
            with admission.admitted(len(ready)) if admission else nullcontext():
                yield from self._compute(ready, attempt, context)
        except Exception as error:
            short = self.cache.is_oom(error)
            if short:
                _forget(error)
            shown = [_shown(one.inputs) for one in ready]
            return _Failed(attempt, error, short, shown, admission)
        return None

    def _admission(
        self, ready: Sequence[_Ready], savings: Savings, context: RunContext
    ) -> Admission | None:
        node = ready[0].node
        if node.lane != "device":
            return None
        inputs: set[Hashable] = {
            element.task.key
            for one in ready
            for _, value in bound(one.task, self.calls)
            for element in (value if isinstance(value, list) else [value])
        }
        return Admission.of(node, savings, inputs, context)

    def _lowered(
        self, failed: _Failed, waiting: list[Attempt[Task]], context: RunContext
    ) -> Generator[Report, None, list[Attempt[Task]]]:
        """What to try instead; without anything left to try, the items are reported broken."""
        attempt, error = failed.attempt, failed.error
        if failed.short:
            freed = self.cache.shrink() > 0
            supported = attempt.items[0].call.planned.kind.savings
            again = freed and not attempt.retried
            if again or context.settings.degrades:
                left = lower(attempt, waiting, supported, freed=freed)
                if left is not None:
                    return left
            advice = failed.admission.advice(len(attempt.items)) if failed.admission else ""
            error = DoesNotFitError(context.device, attempt.all_tried, advice)
        elif len(attempt.items) > 1:
            middle = (len(attempt.items) + 1) // 2
            halves = (attempt.items[middle:], attempt.items[:middle])
            return [*waiting, *(replace(attempt, items=items) for items in halves)]
        for task, inputs in zip(attempt.items, failed.inputs, strict=True):
            yield Broke(task, _failure(task, inputs, error))
        return waiting

    def _inputs(self, task: Task, context: RunContext) -> Mapping[str, object]:
        if not task.call.planned.links:
            return constants(task)
        device = context.device if task.call.planned.kind.lane == "device" else None
        fetched: dict[int, Output] = {}

        def fetch(element: Element) -> object:
            needed = element.task
            output = fetched.get(id(needed))
            if output is None:
                assert needed.key is not None
                output = self.cache.get(needed.key, needed.call.planned.kind, device)
                if output is None:
                    raise _LostError(needed)
                fetched[id(needed)] = output
            return element.value(output)

        inputs = dict(constants(task))
        for name, value in bound(task, self.calls):
            inputs[name] = [fetch(e) for e in value] if isinstance(value, list) else fetch(value)
        return inputs

    def _compute(
        self, ready: Sequence[_Ready], attempt: Attempt[Task], context: RunContext
    ) -> Iterator[Report]:
        watches = [Watch(one.inputs) for one in ready]
        start = perf_counter()
        nodes = [one.node for one in ready]
        context = context.anew(attempt.savings)
        result, resumed = yield from self._drive([one.task for one in ready], nodes, context)
        seconds = (perf_counter() - start) / len(ready)
        for (task, node, inputs), output, watch in zip(ready, result, watches, strict=True):
            kind = type(node)
            try:
                self._check(task, node, output, watch)
                assert task.key is not None
                record = self.cache.put(
                    task.key,
                    output,
                    kind=kind,
                    seconds=seconds,
                    behind=behind(task, self.calls),
                    leased=bool(context.leased),
                    parts=partial(parts_of, task, self.calls, context.settings.signature()),
                    degraded=attempt.degraded,
                    resumed=resumed,
                )
            except Exception as error:
                yield Broke(task, _failure(task, inputs, error))
            else:
                yield Done(task, record, seconds)

    def _drive(
        self, tasks: list[Task], nodes: list[Node], context: RunContext
    ) -> Generator[Report, None, tuple[Any, str]]:
        """Run the nodes to their outputs; a generator's progress is passed on as it comes.

        Returns:
            The outputs, and where they went on from what an earlier run had done.
        """
        if not nodes[0].pure:
            linked, short = self._keys(tasks[0]), shortages(tasks[0], self.calls)
            context = replace(context, linked=linked, shortages=short)
        node: Any = nodes[0]
        together = runs_together(type(nodes[0]))
        running = _call(node.run_batch, context, nodes) if together else _call(node.run, context)
        resumed = ""
        if isinstance(running, Generator):
            items = tuple(task.item for task in tasks if task.item is not None)
            name = tasks[0].call.planned.name
            running, resumed = yield from self._follow(running, name, items)
        return running if together else [running], resumed

    def _keys(self, task: Task) -> Mapping[str, str]:
        """The keys of all that ``task`` is given, in words."""
        given = {
            name: value if isinstance(value, list) else [value]
            for name, value in bound(task, self.calls)
        }
        return {name: " ".join(element.key() for element in each) for name, each in given.items()}

    def _follow(
        self, running: Any, name: str, items: tuple[int, ...]
    ) -> Generator[Report, None, tuple[Any, str]]:
        resumed = ""
        try:
            while True:
                step: Progress = next(running)
                if step.resumed:
                    resumed = _resumed(step)
                yield Progressed(name, items, step.done, step.total, step.preview, step.resumed)
                if self.stop.is_set():
                    raise Stopped
        except StopIteration as end:
            return end.value, resumed
        finally:
            running.close()

    def _check(self, task: Task, node: Node, output: object, watch: Watch) -> None:
        expected = output_of(type(node))
        if not isinstance(output, expected):
            raise TypeError(
                f"returned {type(output).__name__}, but its annotation says {expected.__name__}"
            )
        if changed := watch.changed():
            for needed in {
                element.task
                for _, value in bound(task, self.calls)
                for element in (value if isinstance(value, list) else [value])
            }:
                self.cache.drop(needed.key or b"")
            names = " and ".join(repr(name) for name in changed)
            raise UserError(f"wrote into its input {names}; inputs are shared: change a copy")


def _together(ready: list[_Ready]) -> tuple[list[_Ready], list[_Ready]]:
    """Part those that may run in one batch with the first from the others."""
    if len(ready) == 1:
        return ready, []
    group = ready[0].node.group()
    groups: dict[bool, list[_Ready]] = {True: [], False: []}
    for one in ready:
        groups[one.node.group() == group].append(one)
    return groups[True], groups[False]


def _node(task: Task, inputs: Mapping[str, object], calls: Sequence[CallState]) -> Node:
    try:
        return task.call.planned.kind(**inputs)
    except ValidationError as error:
        given = dict(bound(task, calls))
        said = [f"{where}: {what}{_origin(where, given)}" for where, what in mistakes(error)]
        raise UserError("; ".join(said)) from error


def _origin(where: str, given: Mapping[str, Element | list[Element]]) -> str:
    """Which result the wrong value is; empty where it was stored with the call."""
    input, _, entry = where.rstrip("]").partition("[")
    found = given.get(input)
    if isinstance(found, list):
        found = found[int(entry)] if entry else None
    return f" (it is {found.address})" if found else ""


def _call(method: Callable[..., Any], context: RunContext, *given: object) -> Any:
    """Call a bound ``method`` with what is ``given``, and with the context if it asks for one."""
    takes = _takes(method.__func__)  # type: ignore[attr-defined]
    return method(*given, context) if takes > 1 + len(given) else method(*given)


@cache
def _takes(function: Callable[..., Any]) -> int:
    return len(signature(function).parameters)


def _failure(task: Task, inputs: Mapping[str, object], error: Exception) -> NodeError:
    kind = task.call.planned.kind
    ordered = {name: inputs[name] for name in kind.model_fields if name in inputs}
    return NodeError(task.address, kind.__name__, ordered, error)


def _resumed(step: Progress) -> str:
    """Where a node goes on, in words."""
    if step.done >= step.total:
        return f"after all {step.total} steps"
    return f"at step {step.done + 1} of {step.total}"


def _shown(inputs: Mapping[str, object]) -> Mapping[str, object]:
    return {name: Brief(brief(value)) for name, value in inputs.items()}


def _forget(error: BaseException | None) -> None:
    """Let go of the frames in which an error was raised, and with them of their tensors."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
