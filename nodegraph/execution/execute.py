"""Run a plan: a generator of events that computes only what is not known already."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from typing import Literal, TypeAlias
from uuid import uuid4

from ..base.keys import Key, digest
from ..cache import Cache
from ..errors import RunError, Stopped, UserError
from ..events import Event, Interrupted, Outcome, Progressed, Started
from ..node import Node, Output
from ..planning.types import Plan, Source
from ..savings import Shortages
from ..settings import Settings
from ..tasks.frontier import Frontier
from ..tasks.items import elements, upstream_tasks
from ..tasks.keys import key_of
from ..tasks.task import Element, Task
from .instances import failure
from .local.dispatch import Dispatcher
from .reports import Broke, Crashed, Done, Idle, Lost, Report, Stamped

_BUFFER = 256
"""Events. Known items come in bursts; the driver hears of them at least this often."""
_SOON = 0.02
"""Seconds without a report after which weights are loaded ahead. What takes longer is recorded, so
what is running now was never made before, and neither was anything that waits for it."""


AtWork: TypeAlias = Callable[[Sequence[Started]], None]


def execute(  # noqa: PLR0913 (what drivers ask of a run)
    plan: Plan,
    cache: Cache,
    settings: Settings | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    at_work: AtWork | None = None,
    refused: Mapping[str, str] | None = None,
) -> Generator[Event, None, Outcome]:
    """Run ``plan``, yielding what happens; close the generator to cancel.

    Cancelling waits for the part of a denoising step that is running, and keeps every result made
    so far.

    Args:
        cancelled: Asked while nodes are at work and nothing happens that could be yielded: for who
            cannot close the generator meanwhile, as it waits in it.
        at_work: Told all that is at work just before each begins, whatever events still wait: for
            who has to know what ran even if a node ends the process.
        refused: Nodes that are not to run, with the reason for which they fail instead. What of
            them is known from before is used.

    Returns:
        The results that could be had, and the failures. Nothing is raised for a node that failed.

    Raises:
        Stopped: ``cancelled`` said so.
        Interrupted: a KeyboardInterrupt came, from within or thrown in; with what was finished.
    """
    run = _Run(plan, cache, settings or Settings(), cancelled, at_work, refused)
    try:
        yield from run.events()
        return run.outcome()
    except KeyboardInterrupt as stop:
        raise Interrupted(run.finished()) from stop
    finally:
        run.close()


def run(
    plan: Plan, cache: Cache | None = None, settings: Settings | None = None
) -> Mapping[str, object]:
    """Run ``plan`` to the end and return its results by name: a value each, or a list of items.

    Raises:
        RunError: a node failed; everything that did not depend on it is in the cache.
    """
    events = execute(plan, cache or Cache(), settings)
    while True:
        try:
            next(events)
        except StopIteration as end:
            outcome: Outcome = end.value
            if outcome.failures:
                raise RunError(outcome.failures) from outcome.failures[0]
            return outcome.results


_LOOK = 0.25
"""Seconds after which a run that waits asks whether it is still wanted."""


class _Run:
    """The state of one run. Only the thread that drives the generator touches it.

    Lanes post reports into ``reports``, and everything else happens in the driver's thread, so that
    frontier and queues need no lock. That is why a run is a generator: whoever drives it lends it
    that thread, decides how fast, and cancels by closing it; nothing is called back. ``_advance``
    never waits and ``_handle`` never yields: between two events the state is always whole, and a
    driver that stops there leaves only what ``close`` gives back.

    Attributes:
        reserved: Keys that this run computes, so that no other run does, each by one task.
        impure_keys: Keys made for this run alone: their values are dropped at its end.
        awaited_elsewhere: How many tasks wait for another run, which has reserved their keys.
        stopping: It was cancelled, and waits for the lanes alone.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (as execute)
        self,
        plan: Plan,
        cache: Cache,
        settings: Settings,
        cancelled: Callable[[], bool] | None = None,
        at_work: AtWork | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        self.refused = refused or {}
        self.plan, self.cache, self.settings = plan, cache, settings
        self.cancelled, self.stopping = cancelled, False
        self.signature = settings.signature()
        self.frontier = Frontier(plan, cache, settings.folders)
        self.calls = self.frontier.calls
        self.reports: SimpleQueue[object] = SimpleQueue()
        self.dispatcher = Dispatcher(
            plan, self.calls, cache, settings, self.reports.put, cancelled or bool, at_work
        )
        self.reserved: dict[Key, Task] = {}
        self.impure_keys: set[Key] = set()
        self.awaited_elsewhere = 0
        self.results: dict[str, object] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        self.shortages: dict[str, tuple[Shortages, ...]] = {}

    def events(self) -> Iterator[Event]:
        """Drive the run to its end."""
        while True:
            more = self._advance()
            yield from self._new_events()
            if more:
                continue
            # All that could be done at once has been, and the lanes are at work: now work here (the
            # CPU's lane), wait for a report, or end.
            reports = None if self.stopping else self.dispatcher.own()
            if reports is not None:
                yield from self._work(reports)
            elif self.dispatcher.busy or (self.awaited_elsewhere and not self.stopping):
                self._handle(self._next())
            elif self.stopping or (self.cancelled is not None and self.cancelled()):
                raise Stopped
            # Nothing is running and nothing is to come: whatever is not done has lost its waker.
            elif stuck := [call.planned.name for call in self.calls if not call.done]:
                raise AssertionError(f"the engine lost track of {', '.join(stuck[:5])}")
            elif self._collect():
                yield from self._new_events()
                return

    def _work(self, reports: Generator[Report, None, None]) -> Iterator[Event]:
        """Run the tasks whose reports these are in this thread, serving the lanes between them."""
        with closing(reports):
            for report in reports:
                self._handle(report)
                while not self.reports.empty():
                    self._handle(self.reports.get())
                self._advance()
                yield from self._new_events()

    def _next(self) -> object:
        """Wait for a report; where none comes soon, weights are loaded that will be needed."""
        with suppress(Empty):
            return self.reports.get(timeout=_SOON)
        self.dispatcher.load_ahead()
        while self.cancelled is not None and not self.stopping:
            with suppress(Empty):
                return self.reports.get(timeout=_LOOK)
            if self.cancelled():
                # What the lanes report until they have stopped is told as ever.
                self.stopping = True
                self.dispatcher.stop()
                if not self.dispatcher.busy:  # it waits for another run alone
                    raise Stopped
        return self.reports.get()

    def outcome(self) -> Outcome:
        frontier = self.frontier
        failures = tuple(frontier.failures)
        return Outcome(self.results, failures, self.keys, frontier.degraded, self.shortages)

    def finished(self) -> Outcome:
        """Stop what still runs; the outcome as far as it has come, wherever it was interrupted."""
        self.dispatcher.close()
        while not self.reports.empty():
            report = self.reports.get()
            # It may have struck amid a change of state: what cannot be taken in now is left out.
            with suppress(Exception):
                if isinstance(report, Done):
                    self._handle(report)
        for name, source in self.plan.results.items():
            if name not in self.results and self.calls[source.call].resolved:
                self._fetch_finished(name, source)
        return self.outcome()

    def close(self) -> None:
        """Stop what still runs, and let go of everything the run held in the cache."""
        self.dispatcher.close()
        for key in self.reserved:
            self.cache.release_key(key)
        self.frontier.close()
        for key in self.impure_keys:
            self.cache.drop(key)

    def _new_events(self) -> Iterator[Event]:
        events, self.frontier.events = self.frontier.events, []
        yield from events

    def _advance(self) -> bool:
        """Settle what can be settled at once and keep the lanes at work; True if there is more."""
        frontier = self.frontier
        while len(frontier.events) < _BUFFER:
            if frontier.settle():
                continue
            if frontier.ready:
                self._consider(frontier.ready.popleft())
            else:
                # Only when nothing is ready: the queues have then seen all there is, and choose
                # well between models. Quick calls run in here, and may make others ready.
                reports = list(self.dispatcher.give())
                for report in reports:
                    self._handle(report)
                if not reports:
                    return False
        return True

    def _handle(self, report: object) -> None:
        """Take in one report of a lane."""
        match report:
            case Idle():
                self.dispatcher.idle(report)
            case Progressed() | Started():
                self.frontier.events.append(report)
            case Done(task, record, seconds):
                self.dispatcher.ended(task)
                self.dispatcher.note_speed(task, seconds)
                self._release(task)
                self.frontier.complete(task, record, seconds, cached=False)
            case Broke(task, error):
                self.dispatcher.ended(task)
                self._release(task)
                self.frontier.fail(task, error)
            case Lost(task, missing):
                self.dispatcher.ended(task)
                # Dropped between _require and the lane's turn. The key stays reserved by this task.
                self.frontier.demand(task, [missing])
            case Stamped(task, stamp):
                self.dispatcher.ended(task)
                task.stamp, task.state = stamp, "waiting"
                task.key = key_of(task, self.calls, self.signature, self.cache.keyring)
                self.frontier.ready.append(task)
            case Task():
                # Another run let go of its key. It may have failed, so the task is looked at anew.
                self.awaited_elsewhere -= 1
                self.frontier.ready.append(report)
            case Crashed(error):
                raise error
            case _:
                raise AssertionError(report)

    def _consider(self, task: Task) -> None:
        """A task whose inputs are all known: find its result, or see to it that it runs."""
        if task.state != "waiting":
            return
        kind = task.call.planned.kind
        if task.key is None:
            if kind.stamp is not Node.stamp:
                self._require(task, "stamp")
                return
            task.key = key_of(task, self.calls, self.signature, self.cache.keyring)
        if not kind.pure:
            # What is run for its side effect gets a key of this run alone, once: nobody finds it.
            if task.key not in self.impure_keys:
                task.key = digest(task.key, uuid4().bytes)
                self.impure_keys.add(task.key)
        elif not task.must_run:
            record = self.cache.record(task.key)
            if record is not None and (
                (self.settings.degrades or not record.degraded)
                and (not self._is_result(task) or self.cache.has(task.key))
            ):
                self.frontier.complete(task, record, 0.0, cached=True)
                return
        self._require(task, "run")

    def _require(self, task: Task, aim: Literal["stamp", "run"]) -> None:
        """Queue ``task`` for its lane, once every value it reads can be had."""
        if (reason := self.refused.get(task.call.planned.name)) is not None:
            self._release(task)
            self.frontier.fail(task, failure(task, task.call.planned.values, UserError(reason)))
            return
        missing = [
            needed
            for needed in upstream_tasks(task, self.calls)
            if not self.cache.has(needed.key or b"")
        ]
        if missing:
            self.frontier.demand(task, missing)
            return
        if (
            aim == "run"
            and task.call.planned.kind.pure
            and self.reserved.get(task.key or b"") is not task
        ):
            assert task.key is not None
            # The waiter is called in the other run's thread: it may only post.
            if not self.cache.reserve_key(task.key, lambda: self.reports.put(task)):
                self.awaited_elsewhere += 1
                return
            self.reserved[task.key] = task
        if aim == "run":
            self.frontier.hold(task)  # before there is a value: a full tier would drop it at once
        task.state = aim
        self.dispatcher.push(task)

    def _is_result(self, task: Task) -> bool:
        # A call is held by its consumers and by the results that it is; those never let go.
        return task.call.holds > len(task.call.consumers)

    def _release(self, task: Task) -> None:
        """Let others who need the same result go on."""
        if task.key is not None and self.reserved.get(task.key) is task:
            del self.reserved[task.key]
            self.cache.release_key(task.key)

    def _collect(self) -> bool:
        """Fetch the results; False if one of them has to be computed again first."""
        for name, source in self.plan.results.items():
            if name not in self.results and not self.calls[source.call].broken:
                self._fetch(name, source)
        return not self.frontier.ready

    def _fetch(self, name: str, source: Source) -> None:
        values: list[object] = []
        keys: list[str] = []
        shortages: list[Shortages] = []
        fetched: dict[int, Output] = {}
        for element in elements(source, self.calls):
            task = element.task
            output = fetched.get(id(task)) or self.cache.get(
                task.key or b"", task.call.planned.kind
            )
            if output is None:
                self.frontier.again(task)
                return
            fetched[id(task)] = output
            values.append(element.value(output))
            keys.append(element.key())
            shortages.append(task.shortages)
        self._hold(name, source, values, keys, shortages)

    def _hold(
        self,
        name: str,
        source: Source,
        values: list[object],
        keys: Sequence[str],
        shortages: Sequence[Shortages],
    ) -> None:
        """Hold a result, one entry or several, for the outcome."""
        call = self.calls[source.call]
        many = call.count is not None or source.output in call.lists
        self.results[name] = values if many else values[0]
        self.keys[name] = tuple(keys)
        self.shortages[name] = tuple(shortages)

    def _fetch_finished(self, name: str, source: Source) -> None:
        """Fetch the items of a result that are there; None stands for each that is not."""
        call = self.calls[source.call]
        is_list = source.output in call.lists
        values, keys, shortages = list[object](), list[str](), list[Shortages]()
        for task in call.tasks:
            done = task.state == "done"
            output = self.cache.get(task.key or b"", task.call.planned.kind) if done else None
            if output is None and is_list:
                break  # how many entries it has, and so the number of the next one, is not known
            count = len(task.digests[source.output]) if is_list else 1
            for entry in range(count):
                element = Element(task, source.output, entry if is_list else None)
                values.append(None if output is None else element.value(output))
                keys.append(element.key())
                shortages.append(task.shortages)
        if any(value is not None for value in values):
            self._hold(name, source, values, keys, shortages)
