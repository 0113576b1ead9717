"""The log of events: numbered by the database within each commit, so that nobody misses any."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import sqlalchemy as sa

from .events import Kind, Note, QueueChanged
from .rows import dump
from .tables import events, jobs
from .types import Event

_CHANGING: frozenset[Kind] = frozenset(
    ("job.queued", "job.started", "job.done", "job.failed", "job.cancelled", "job.requeued",
     "job.moved")
)  # fmt: skip


def append(connection: sa.Connection, notes: Sequence[Note]) -> list[Event]:
    """Write events down, and what they change about the queue."""
    if any(kind in _CHANGING for _, kind, _ in notes):
        notes = [*notes, (None, "queue.changed", waiting_and_running(connection))]
    if not notes:
        return []
    now = time.time()
    rows = [
        {"job": job, "time": now, "kind": kind, "data": dump(data, f"event {kind}")}
        for job, kind, data in notes
    ]
    numbers = connection.scalars(
        sa.insert(events).returning(events.c.seq, sort_by_parameter_order=True), rows
    )
    return [
        Event(seq, job, now, kind, data)
        for seq, (job, kind, data) in zip(numbers, notes, strict=True)
    ]


def waiting_and_running(connection: sa.Connection) -> QueueChanged:
    """How many jobs wait, and how many run."""
    by_state = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
    rows = connection.execute(by_state.where(jobs.c.state.in_(("queued", "running"))))
    counts = QueueChanged(queued=0, running=0)
    for state, count in rows:
        counts["queued" if state == "queued" else "running"] = count
    return counts


def after(connection: sa.Connection, seq: int, job: str | None, limit: int) -> list[Event]:
    """List events with a higher number, in order."""
    later = sa.select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
    if job is not None:
        later = later.where(events.c.job == job)
    return [
        Event(row.seq, row.job, row.time, row.kind, json.loads(row.data))
        for row in connection.execute(later)
    ]


def edge(connection: sa.Connection, last: bool) -> int:
    """The number of the newest or the oldest event; 0 where there is none."""
    which = sa.func.max if last else sa.func.min
    return connection.scalar(sa.select(which(events.c.seq))) or 0


def prune(connection: sa.Connection, keep: int) -> int:
    """Forget all but the newest ``keep``."""
    newest = sa.select(events.c.seq).order_by(events.c.seq.desc()).offset(keep).limit(1)
    upto = connection.scalar(newest)
    if upto is None:
        return 0
    return connection.execute(sa.delete(events).where(events.c.seq <= upto)).rowcount
