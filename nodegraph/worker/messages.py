"""Messages about a run: the engine's events as notes and previews, thinned out in time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any, TypeAlias

from ..cache import Cache
from ..errors import NodeError, UserError
from ..events import Event, Failed, Finished, Items, Progressed, Skipped, Started
from ..jobs.events import (
    JobProgress,
    Kind,
    NodeCached,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeResult,
    NodeSkipped,
    NodeStarted,
)
from ..jobs.types import Counts
from ..planning.types import Plan
from . import previews
from .frames import Message
from .setup import Setup

Sent: TypeAlias = tuple[Message, bytes]
"""A message and the bytes that go with it: those of a preview."""

PROGRESS = 0.1
"""Seconds between two reports of one node's progress."""
PREVIEWS = 0.2
"""Seconds between two previews of a job."""
_LONGEST = 4000

log = logging.getLogger("nodegraph.worker")


class Reporter:
    """Turns events into messages: ``{"note": [kind, data]}``, or ``{"preview": …}`` with a JPEG.

    Attributes:
        ran: Items that were computed.
        cached: Items that were known before.
        resumed: How many of those that were computed went on from what an earlier run had done.
        running: The nodes that are at work.
    """

    def __init__(self, plan: Plan, setup: Setup, totals: Mapping[str, int | None]) -> None:
        self._setup = setup
        self._kinds = {call.name: call.kind for call in plan.calls}
        self._totals = {name: 1 if count is None else count for name, count in totals.items()}
        self._counts = dict.fromkeys(self._totals, 0)
        self._sent_at: dict[object, float] = {}
        # Of each running call the newest progress that came too soon after the last one.
        self._delayed: dict[tuple[str, Items], Sent] = {}
        self.ran = self.cached = self.resumed = 0
        # What became of each item: a known one whose value is gone by now ends a second time.
        self._ends: dict[tuple[str, Items], bool] = {}
        self._total = sum(self._totals.values())
        self.running: dict[tuple[str, Items], None] = {}

    def report(self, event: Event) -> Iterator[Sent]:
        """Yield the messages that an event is worth; not every progress is worth one."""
        name, items = event.name, list(event.items)
        if not isinstance(event, Progressed):
            yield from self._take_delayed(event.name, event.items)
        match event:
            case Started():
                self.running[event.name, event.items] = None
                yield _note("node.started", NodeStarted(node=name, items=items))
            case Progressed():
                yield from self._progress(event)
            case Finished():
                yield from self._finished(event)
            case Failed():
                message = message_of(event.error)
                failed = NodeFailed(node=name, items=items, message=message)
                yield _note("node.failed", failed)
                yield from self._count(event.name, event.items)
            case Skipped():
                skipped = NodeSkipped(node=name, items=items, because=event.because)
                yield _note("node.skipped", skipped)
                yield from self._count(event.name, event.items)

    def rest(self) -> Iterator[Sent]:
        """Yield what was delayed while more was to come: now nothing does."""
        yield from self._delayed.values()
        self._delayed.clear()

    def _progress(self, event: Progressed) -> Iterator[Sent]:
        call = event.name, event.items
        progress = NodeProgress(
            node=event.name, items=list(event.items), done=event.done, total=event.total
        )
        if event.resumed:
            progress["resumed"] = True
        message = _note("node.progress", progress)
        if event.done >= event.total or self._is_due(call, PROGRESS):
            self._delayed.pop(call, None)
            yield message
        else:
            self._delayed[call] = message
        if event.preview is not None and self._setup.previews and self._is_due("preview", PREVIEWS):
            try:
                for jpeg in previews.jpegs(event.preview, event.items):
                    header = previews.header(jpeg, event.name, event.done, event.total)
                    yield {"preview": header}, jpeg.data
            except Exception:  # a preview that cannot be drawn is no reason to stop
                log.warning("no preview of %s", event.name, exc_info=True)

    def _finished(self, event: Finished) -> Iterator[Sent]:
        name, items = event.name, list(event.items)
        before = self._ends.get((event.name, event.items))
        self.cached += event.cached - (before is True)
        self.ran += (not event.cached) - (before is False)
        if event.cached:
            cached = NodeCached(node=name, items=items)
            if event.degraded:
                cached["degraded"] = list(event.degraded)
            yield _note("node.cached", cached)
        else:
            self.resumed += bool(event.resumed)
            finished = NodeFinished(node=name, items=items, seconds=round(event.seconds, 4))
            if event.degraded:
                finished["degraded"] = list(event.degraded)
            if event.resumed:
                finished["resumed"] = event.resumed
            yield _note("node.finished", finished)
        yield from self._results(event)
        yield from self._count(event.name, event.items, cached=event.cached)

    @property
    def counts(self) -> Counts:
        """How many items were computed and known; of the former, how many were not begun anew."""
        counts = Counts(ran=self.ran, cached=self.cached)
        if self.resumed:
            counts["resumed"] = self.resumed
        return counts

    def _results(self, event: Finished) -> Iterator[Sent]:
        kind = self._kinds[event.name]
        for output in previews.pictured(kind):
            fetch = _fetch(self._setup.cache, event, kind)
            try:
                files = previews.thumbnails(self._setup.thumbnails, output, event.key, fetch)
            except Exception:
                log.warning("no thumbnail of %s", event.name, exc_info=True)
                continue
            if files:
                result = NodeResult(
                    node=event.name, items=list(event.items), output=output, assets=files
                )
                yield _note("node.result", result)

    def _count(self, name: str, items: Items, *, cached: bool = False) -> Iterator[Sent]:
        is_new = (name, items) not in self._ends
        self._ends[name, items] = cached
        self._counts[name] = self._counts.get(name, 0) + is_new
        for call in [at for at in self.running if at[0] == name and _overlap(at[1], items)]:
            left = tuple(item for item in call[1] if item not in items)
            del self.running[call]
            if left:
                self.running[name, left] = None
        if self._counts[name] > self._totals.get(name, 0):  # more items than could be foreseen
            self._total += self._counts[name] - self._totals.get(name, 0)
            self._totals[name] = self._counts[name]
        # Every one is sent: the server keeps only the last, and has that even if we die now.
        done = len(self._ends)
        progress = JobProgress(done=done, total=max(self._total, done))
        yield _note("job.progress", progress)

    def _take_delayed(self, name: str, items: Items) -> Iterator[Sent]:
        """The delayed progress of a node, which comes before the message of how it ended."""
        for call in [
            call for call in self._delayed if call[0] == name and _overlap(call[1], items)
        ]:
            yield self._delayed.pop(call)

    def _is_due(self, subject: object, interval: float) -> bool:
        """Whether ``interval`` seconds are over since the last message about ``subject``."""
        now = monotonic()
        if now - self._sent_at.get(subject, float("-inf")) < interval:
            return False
        self._sent_at[subject] = now
        return True


def _overlap(running: Items, items: Items) -> bool:
    return running == items or any(item in running for item in items)


def _fetch(cache: Cache, event: Finished, kind: Any) -> Callable[[], Any]:
    return lambda: cache.get(event.key, kind)


def _note(kind: Kind, data: Mapping[str, Any]) -> Sent:
    return {"note": [kind, data]}, b""


def message_of(error: NodeError) -> str:
    """The reason for which a node failed; with its inputs, unless it was meant for the user."""
    cause = error.cause
    if isinstance(cause, UserError):
        return str(cause)[:_LONGEST]
    inputs = "".join(f"\n  {name} = {value}" for name, value in error.inputs.items())
    return f"{type(cause).__name__}: {cause}{inputs}"[:_LONGEST]
