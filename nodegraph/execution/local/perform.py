"""A performer of tasks: attempts computed down the ladder, their outputs checked and stored."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from threading import Event as Flag
from time import perf_counter
from typing import Any, NamedTuple

from ...base.imports import import_large
from ...cache import Cache
from ...errors import Brief, DoesNotFitError, Stopped, UserError, brief
from ...events import Progressed
from ...graph.ports import output_of
from ...node import Node, Progress
from ...savings import Savings
from ...tasks.items import bound, constants, shortages, upstream_seconds
from ...tasks.keys import parts_of
from ...tasks.task import CallState, Task, runs_together
from ...values.leaves import Watch
from ..context import RunContext
from ..instances import LostError, build_node, call_method, failure, fetch_inputs
from ..reports import Broke, Done, Lost, Report
from .admission import Admission
from .ladder import Attempt, lower


class _Ready(NamedTuple):
    """A node about to run, its inputs, and the task that it is for."""

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
class Performer:
    """Computes the tasks of one run, on whichever lane; a generator of reports at each call."""

    calls: Sequence[CallState]
    cache: Cache
    stop: Flag

    def run(self, tasks: Sequence[Task], context: RunContext) -> Iterator[Report]:
        """Compute ``tasks`` (items of one call) together, reporting progress and each one's end.

        Where memory runs out, the ladder is taken down. A batch that fails otherwise is halved
        until the item at fault stands alone: it does not take the others with it.
        """
        import_large(tasks[0].call.planned.kind.packages)
        # A stack: what was cut from an attempt comes right after it, in the order of the items.
        attempts = [Attempt(tuple(tasks))]
        while attempts:
            attempt = attempts.pop()
            failed = yield from self._try(attempt, attempts, context)
            if failed is not None:
                # Here, and not where the error was caught: no frame and no traceback of the attempt
                # is left that keeps its tensors alive, so that they can be freed.
                attempts = yield from self._lowered(failed, attempts, context)

    def _try(
        self, attempt: Attempt[Task], waiting: list[Attempt[Task]], context: RunContext
    ) -> Generator[Report, None, _Failed | None]:
        """Compute an attempt; what cannot run together with its first item is left waiting."""
        ready: list[_Ready] = []
        for task in attempt.items:
            inputs: Mapping[str, object] = constants(task)
            try:
                inputs = fetch_inputs(task, self.calls, context)
                ready.append(_Ready(task, build_node(task, inputs, self.calls), inputs))
            except LostError as lost:
                yield Lost(task, lost.missing)
            except Exception as error:
                yield Broke(task, failure(task, inputs, error))
        if not ready:
            return None
        # What an item is batched with hangs on values of its inputs (the size of a picture), so it
        # is known only now. The others are an attempt of their own.
        ready, rest = _batch(ready)
        if rest:
            waiting.append(replace(attempt, items=tuple(item.task for item in rest)))
        if len(ready) < len(attempt.items):
            attempt = replace(attempt, items=tuple(item.task for item in ready))
        admission = self._admission(ready, attempt.savings, context)
        # Who forbids smaller batches tries the whole one, and is told by the error what would fit.
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
            # The inputs as they look: what they hold on the device must not outlive the attempt.
            briefs = [_brief(item.inputs) for item in ready]
            return _Failed(attempt, error, short, briefs, admission)
        return None

    def _admission(
        self, ready: Sequence[_Ready], savings: Savings, context: RunContext
    ) -> Admission | None:
        node = ready[0].node
        if node.lane != "device":
            return None
        inputs: set[Hashable] = {
            element.task.key
            for item in ready
            for _, value in bound(item.task, self.calls)
            for element in (value if isinstance(value, list) else [value])
        }
        return Admission.of(node, savings, inputs, context)

    def _lowered(
        self, failed: _Failed, waiting: list[Attempt[Task]], context: RunContext
    ) -> Generator[Report, None, list[Attempt[Task]]]:
        """What to try instead; without anything left to try, the items are reported broken."""
        attempt, error = failed.attempt, failed.error
        if failed.short:
            # Everything that can go goes: nobody can tell how much was missing.
            freed = self.cache.shrink() > 0
            supported = attempt.items[0].call.planned.kind.savings
            retries = freed and not attempt.retried
            if retries or context.settings.degrades:
                attempts = lower(attempt, waiting, supported, freed=freed)
                if attempts is not None:
                    return attempts
            advice = failed.admission.advice(len(attempt.items)) if failed.admission else ""
            error = DoesNotFitError(context.device, attempt.all_tried, advice)
        elif len(attempt.items) > 1:
            middle = (len(attempt.items) + 1) // 2
            # The first half last, as it is popped first.
            halves = (attempt.items[middle:], attempt.items[:middle])
            return [*waiting, *(replace(attempt, items=items) for items in halves)]
        for task, inputs in zip(attempt.items, failed.inputs, strict=True):
            yield Broke(task, failure(task, inputs, error))
        return waiting

    def _compute(
        self, ready: Sequence[_Ready], attempt: Attempt[Task], context: RunContext
    ) -> Iterator[Report]:
        # Inputs are shared by all who read them: a node that writes into one is found out below.
        watches = [Watch(item.inputs) for item in ready]
        start = perf_counter()
        nodes = [item.node for item in ready]
        context = context.for_attempt(attempt.savings)
        result, resumed = yield from self._drive([item.task for item in ready], nodes, context)
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
                    upstream_seconds=upstream_seconds(task, self.calls),
                    leased=bool(context.leased),
                    parts=partial(parts_of, task, self.calls, context.settings.signature()),
                    degraded=attempt.degraded,
                    resumed=resumed,
                )
            except Exception as error:
                yield Broke(task, failure(task, inputs, error))
            else:
                yield Done(task, record, seconds)

    def _drive(
        self, tasks: list[Task], nodes: list[Node], context: RunContext
    ) -> Generator[Report, None, tuple[Any, str]]:
        """Run the nodes to their outputs; a generator's progress is passed on as it comes.

        Returns:
            The outputs, and where they went on from what an earlier run had done.
        """
        # Only a side effect (a picture saved) tells where its inputs come from; for the others the
        # keys in words would be made in vain.
        if not nodes[0].pure:
            linked, short = self._keys(tasks[0]), shortages(tasks[0], self.calls)
            context = replace(context, linked=linked, shortages=short)
        node: Any = nodes[0]
        batched = runs_together(type(nodes[0]))
        running = (
            call_method(node.run_batch, context, nodes)
            if batched
            else call_method(node.run, context)
        )
        resumed = ""
        if isinstance(running, Generator):
            items = tuple(task.item for task in tasks if task.item is not None)
            name = tasks[0].call.planned.name
            running, resumed = yield from self._follow(running, name, items)
        return running if batched else [running], resumed

    def _keys(self, task: Task) -> Mapping[str, str]:
        """The keys of all that is linked into ``task``, in words."""
        linked = {
            name: value if isinstance(value, list) else [value]
            for name, value in bound(task, self.calls)
        }
        return {name: " ".join(element.key() for element in row) for name, row in linked.items()}

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
                # Between two steps, never within one: no state of a library is left half changed.
                if self.stop.is_set():
                    raise Stopped
        except StopIteration as end:
            return end.value, resumed
        finally:
            running.close()  # the node gives its leases back now, not when it is collected

    def _check(self, task: Task, node: Node, output: object, watch: Watch) -> None:
        expected = output_of(type(node))
        if not isinstance(output, expected):
            raise TypeError(
                f"returned {type(output).__name__}, but its annotation says {expected.__name__}"
            )
        if changed := watch.changed_inputs():
            # All of them, not just the changed one: they may share memory with it.
            for needed in {
                element.task
                for _, value in bound(task, self.calls)
                for element in (value if isinstance(value, list) else [value])
            }:
                self.cache.drop(needed.key or b"")
            names = " and ".join(repr(name) for name in changed)
            raise UserError(f"wrote into its input {names}; inputs are shared: change a copy")


def _batch(ready: list[_Ready]) -> tuple[list[_Ready], list[_Ready]]:
    """Part those that may run in one batch with the first from the others."""
    if len(ready) == 1:
        return ready, []
    group = ready[0].node.group()
    groups: dict[bool, list[_Ready]] = {True: [], False: []}
    for item in ready:
        groups[item.node.group() == group].append(item)
    return groups[True], groups[False]


def _resumed(step: Progress) -> str:
    """Where a node goes on, in words."""
    if step.done >= step.total:
        return f"after all {step.total} steps"
    return f"at step {step.done + 1} of {step.total}"


def _brief(inputs: Mapping[str, object]) -> Mapping[str, object]:
    return {name: Brief(brief(value)) for name, value in inputs.items()}


def _forget(error: BaseException | None) -> None:
    """Let go of the frames in which an error was raised, and with them of their tensors."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
