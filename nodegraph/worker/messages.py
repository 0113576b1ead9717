"""What a run does, as the messages that a server passes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any, TypeAlias

from ..cache import Cache
from ..errors import NodeError, UserError
from ..events import Event, Failed, Finished, Items, Progressed, Skipped, Started
from ..planning.plan import Plan
from . import previews
from .frames import Message
from .setup import Kit

Told: TypeAlias = tuple[Message, bytes]

PROGRESS = 0.1
"""Seconds between two reports of one node's progress."""
PREVIEWS = 0.2
"""Seconds between two previews of a job."""
_LONGEST = 4000

log = logging.getLogger("nodegraph.worker")


class Teller:
    """Turns events into messages: ``{"note": [kind, data]}``, or ``{"preview": …}`` with a JPEG.

    Attributes:
        ran: Items that were computed.
        cached: Items that were known before.
        resumed: How many of those that were computed went on from what an earlier run had done.
        running: The nodes that are at work.
    """

    def __init__(self, plan: Plan, kit: Kit, totals: Mapping[str, int | None]) -> None:
        self._kit = kit
        self._kinds = {call.name: call.kind for call in plan.calls}
        self._totals = {name: 1 if count is None else count for name, count in totals.items()}
        self._known = dict.fromkeys(self._totals, 0)
        self._said: dict[object, float] = {}
        self._held: dict[tuple[str, Items], Told] = {}
        self.ran = self.cached = self.resumed = self._done = 0
        self._total = sum(self._totals.values())
        self.running: dict[tuple[str, Items], None] = {}

    def tell(self, event: Event) -> Iterator[Told]:
        """Yield what there is to say of an event; not every progress is worth saying."""
        here = {"node": event.name, "items": list(event.items)}
        if not isinstance(event, Progressed):
            yield from self._held_of(event.name, event.items)
        match event:
            case Started():
                self.running[event.name, event.items] = None
                yield _note("node.started", here)
            case Progressed():
                yield from self._progress(event, here)
            case Finished():
                yield from self._finished(event, here)
            case Failed():
                yield _note("node.failed", here | {"message": message_of(event.error)})
                yield from self._count(event.name, event.items)
            case Skipped():
                yield _note("node.skipped", here | {"because": event.because})
                yield from self._count(event.name, event.items)

    def rest(self) -> Iterator[Told]:
        """Yield what was not worth saying while more was to come: now nothing does."""
        yield from self._held.values()
        self._held.clear()

    def _progress(self, event: Progressed, here: Mapping[str, Any]) -> Iterator[Told]:
        at = event.name, event.items
        resumed = {"resumed": True} if event.resumed else {}
        far = {"done": event.done, "total": event.total, **resumed}
        told = _note("node.progress", {**here, **far})
        if event.done >= event.total or self._due(at, PROGRESS):
            self._held.pop(at, None)
            yield told
        else:
            self._held[at] = told
        if event.preview is not None and self._kit.previews and self._due("preview", PREVIEWS):
            try:
                for jpeg in previews.jpegs(event.preview, event.items):
                    said = previews.header(jpeg, event.name, event.done, event.total)
                    yield {"preview": said}, jpeg.data
            except Exception:  # a preview that cannot be drawn is no reason to stop
                log.warning("no preview of %s", event.name, exc_info=True)

    def _finished(self, event: Finished, here: Mapping[str, Any]) -> Iterator[Told]:
        how: Mapping[str, Any] = {"degraded": list(event.degraded)} if event.degraded else {}
        if event.cached:
            self.cached += 1
            yield _note("node.cached", {**here, **how})
        else:
            self.ran += 1
            self.resumed += bool(event.resumed)
            resumed = {"resumed": event.resumed} if event.resumed else {}
            said = {**here, "seconds": round(event.seconds, 4), **how, **resumed}
            yield _note("node.finished", said)
        yield from self._results(event, here)
        yield from self._count(event.name, event.items)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many items were computed and known; of the former, how many were not begun anew."""
        resumed = {"resumed": self.resumed} if self.resumed else {}
        return {"ran": self.ran, "cached": self.cached, **resumed}

    def _results(self, event: Finished, here: Mapping[str, Any]) -> Iterator[Told]:
        kind = self._kinds[event.name]
        for output in previews.pictured(kind):
            fetch = _fetch(self._kit.cache, event, kind)
            try:
                files = previews.thumbnails(self._kit.thumbnails, output, event.key, fetch)
            except Exception:
                log.warning("no thumbnail of %s", event.name, exc_info=True)
                continue
            if files:
                yield _note("node.result", {**here, "output": output, "assets": files})

    def _count(self, name: str, items: Items) -> Iterator[Told]:
        self._done += 1
        self._known[name] = self._known.get(name, 0) + 1
        for at in [key for key in self.running if key[0] == name and _covers(key[1], items)]:
            left = tuple(item for item in at[1] if item not in items)
            del self.running[at]
            if left:
                self.running[name, left] = None
        if self._known[name] > self._totals.get(name, 0):  # more items than could be foreseen
            self._total += self._known[name] - self._totals.get(name, 0)
            self._totals[name] = self._known[name]
        # Each is told: who hears it keeps only the last, and has that even if this process dies.
        yield _note("job.progress", {"done": self._done, "total": max(self._total, self._done)})

    def _held_of(self, name: str, items: Items) -> Iterator[Told]:
        """The last progress of a node that was not told, before it is told what became of it."""
        for at in [key for key in self._held if key[0] == name and _covers(key[1], items)]:
            yield self._held.pop(at)

    def _due(self, what: object, every: float) -> bool:
        now = monotonic()
        if now - self._said.get(what, float("-inf")) < every:
            return False
        self._said[what] = now
        return True


def _covers(running: Items, items: Items) -> bool:
    return running == items or any(item in running for item in items)


def _fetch(cache: Cache, event: Finished, kind: Any) -> Callable[[], Any]:
    return lambda: cache.get(event.key, kind)


def _note(kind: str, data: Mapping[str, Any]) -> Told:
    return {"note": [kind, data]}, b""


def message_of(error: NodeError) -> str:
    """What went wrong in a node, without its address, and with what unless the user is told why."""
    cause = error.cause
    if isinstance(cause, UserError):
        return str(cause)[:_LONGEST]
    inputs = "".join(f"\n  {name} = {value}" for name, value in error.inputs.items())
    return f"{type(cause).__name__}: {cause}{inputs}"[:_LONGEST]
