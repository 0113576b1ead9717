"""The queue: orders become jobs, waiting jobs are moved by fractions of a place, ended ones go."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from ..errors import UserError
from .events import JobCancelled, JobCancelling, JobDeleted, JobMoved, JobQueued, Note
from .rows import (
    as_job,
    document,
    dump,
    job_of,
    jobs_of,
    listed,
    plain,
    row_of,
    settings_of,
    time_limit_of,
)
from .tables import documents, events, jobs, results
from .types import (
    FINISHED,
    Job,
    KeyReusedError,
    NotFinishedError,
    NotQueuedError,
    Order,
    QueueFullError,
    State,
)

FIRST = ""
"""Stands for no job at all: what is moved behind it goes first."""
_MOST_PRIORITY = 1_000_000

_waiting = jobs.c.state == "queued"
_order = (jobs.c.priority.desc(), jobs.c.place, jobs.c.seq)


def submit(
    connection: sa.Connection, notes: list[Note], order: Order, limit: int
) -> tuple[Job, bool]:
    """Queue a job; False tells that it is the one which the order's key made before."""
    earlier = _made_by_key(connection, order)
    if earlier is not None:
        return earlier, False
    waiting = connection.scalar(sa.select(sa.func.count()).select_from(jobs).where(_waiting)) or 0
    if waiting >= limit:
        raise QueueFullError(limit)
    return _add(connection, notes, order), True


def _made_by_key(connection: sa.Connection, order: Order) -> Job | None:
    if order.key is None:
        return None
    _check_key(order.key)
    row = connection.execute(sa.select(jobs).where(jobs.c.key == order.key)).one_or_none()
    if row is None:
        return None
    if row.digest != _digest(order):
        raise KeyReusedError(row.id)
    return jobs_of(connection, [row])[0]


def _check_key(key: str) -> None:
    if not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):
        raise UserError("Idempotency-Key: write 1 to 200 printable ASCII characters")


def _digest(order: Order) -> str:
    parts = [order.workflow, order.title, order.only, order.priority, settings_of(order)]
    # Only where it is asked for: keys of jobs from before there was on_oom stay valid.
    parts += [] if order.on_oom is None else [order.on_oom]
    parts += ["trial"] if order.trial else []
    listed = [list(part) if isinstance(part, tuple) else part for part in parts]
    return hashlib.sha256(dump(listed, "workflow").encode()).hexdigest()


def _add(connection: sa.Connection, notes: list[Note], order: Order) -> Job:
    # Behind all: whoever waits has a place below the highest number, or its own.
    last = connection.scalar(sa.select(sa.func.max(jobs.c.seq))) or 0
    row = {
        "id": uuid4().hex, "title": plain(order.title, 200), "state": "queued",
        "priority": _bounded(order.priority), "place": float(last + 1), "key": order.key,
        "digest": _digest(order), "created": time.time(), "counts": "{}", "on_oom": order.on_oom,
        "only": None if order.only is None else dump(list(order.only), "only"),
        "trial": int(order.trial),
    }  # fmt: skip
    ordered = {
        "job": row["id"],
        "workflow": document(order.workflow, "workflow"),
        "settings": dump(settings_of(order), "settings"),
    }
    job = as_job(connection.execute(sa.insert(jobs).values(row).returning(jobs)).one())
    connection.execute(sa.insert(documents).values(ordered))
    notes.append((job.id, "job.queued", JobQueued(title=job.title, priority=job.priority)))
    return job


def _bounded(priority: int) -> int:
    return max(-_MOST_PRIORITY, min(priority, _MOST_PRIORITY))


def retry(connection: sa.Connection, notes: list[Note], id: str, limit: int) -> Job:
    """Order once more what a job was ordered to do."""
    row = row_of(connection, id)
    ordered = connection.execute(sa.select(documents).where(documents.c.job == id)).one()
    order = Order(
        workflow=json.loads(ordered.workflow),
        title=row.title,
        only=json.loads(row.only) if row.only else None,
        priority=row.priority,
        on_oom=row.on_oom,
        time_limit=time_limit_of(ordered.settings),
        trial=bool(row.trial),
    )
    return submit(connection, notes, order, limit)[0]


def cancel(connection: sa.Connection, notes: list[Note], id: str) -> Job:
    """End a waiting job; ask for a running one to be stopped, once."""
    row = row_of(connection, id)
    this = sa.update(jobs).where(jobs.c.id == id)
    if row.state == "queued":
        connection.execute(this.values(state="cancelled", finished=time.time()))
        notes.append((id, "job.cancelled", JobCancelled()))
    elif row.state == "running" and not row.cancel_requested:
        connection.execute(this.values(cancel_requested=1))
        notes.append((id, "job.cancelling", JobCancelling()))
    return job_of(connection, id)


def delete(connection: sa.Connection, notes: list[Note], id: str) -> None:
    """Forget a job that has ended, with its document and its values; its pictures stay."""
    if row_of(connection, id).state not in FINISHED:
        raise NotFinishedError(id)
    connection.execute(sa.delete(events).where(events.c.job == id))
    connection.execute(sa.delete(results).where(results.c.job == id, results.c.asset.is_(None)))
    connection.execute(sa.delete(jobs).where(jobs.c.id == id))
    notes.append((None, "job.deleted", JobDeleted(id=id)))


def move(
    connection: sa.Connection, notes: list[Note], id: str, priority: int | None, after: str | None
) -> Job:
    """Give a waiting job another priority, or the place behind another one (or FIRST)."""
    row = row_of(connection, id)
    if row.state != "queued":
        raise NotQueuedError(id)
    place = row.place
    if after == FIRST:
        priority, place = _before_all(connection, row, priority)
    elif after is not None and after != id:
        ahead = row_of(connection, after)
        if ahead.state != "queued":
            raise NotQueuedError(after)
        priority, place = ahead.priority, _behind(connection, row, ahead)
    priority = row.priority if priority is None else priority
    moved = JobMoved(priority=_bounded(priority), place=place)
    connection.execute(sa.update(jobs).where(jobs.c.id == id).values(**moved))
    notes.append((id, "job.moved", moved))
    return job_of(connection, id)


def _before_all(
    connection: sa.Connection, row: sa.Row[Any], priority: int | None
) -> tuple[int, float]:
    rest = sa.select(jobs).where(_waiting, jobs.c.seq != row.seq).order_by(*_order).limit(1)
    if priority is not None:
        rest = rest.where(jobs.c.priority == priority)
    first = connection.execute(rest).one_or_none()
    if first is None:
        return row.priority if priority is None else priority, row.place
    return first.priority, first.place - 1


def _behind(connection: sa.Connection, row: sa.Row[Any], ahead: sa.Row[Any]) -> float:
    """A place between ``ahead`` and whoever comes next; all are spread out if there is none."""
    # Some fifty moves into the same gap use up the digits of a float: then there is no number
    # between its ends, all are spread out, and the second try fits.
    for _ in range(2):
        start = connection.scalar(sa.select(jobs.c.place).where(jobs.c.seq == ahead.seq)) or 0.0
        beside = (_waiting, jobs.c.priority == ahead.priority, jobs.c.seq != row.seq)
        end = connection.scalar(
            sa.select(sa.func.min(jobs.c.place)).where(*beside, jobs.c.place > start)
        )
        if end is None:
            end = float((connection.scalar(sa.select(sa.func.max(jobs.c.seq))) or 0) + 1)
        middle: float = (start + end) / 2
        if start < middle < end:
            return middle
        _spread(connection, ahead.priority)
    return start


def _spread(connection: sa.Connection, priority: int) -> None:
    """Give waiting jobs whole numbers for places: their own ``seq``, in the order they stand."""
    standing = sa.select(jobs.c.seq).where(_waiting, jobs.c.priority == priority)
    seqs = list(connection.scalars(standing.order_by(*_order)))
    for seq, place in zip(seqs, sorted(seqs), strict=True):
        update = sa.update(jobs).where(jobs.c.seq == seq)
        connection.execute(update.values(place=float(place)))


def waiting(connection: sa.Connection, limit: int) -> list[Job]:
    """List who waits, in order."""
    rows = connection.execute(sa.select(jobs).where(_waiting).order_by(*_order).limit(limit))
    return listed(connection, rows.all())


def page(
    connection: sa.Connection, state: State | None, before: int | None, limit: int
) -> tuple[list[Job], int | None]:
    """List jobs newest first, and where the next page begins."""
    query = sa.select(jobs).order_by(jobs.c.seq.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(jobs.c.state == state)
    if before is not None:
        query = query.where(jobs.c.seq < before)
    rows = connection.execute(query).all()
    return listed(connection, rows[:limit]), rows[limit - 1].seq if len(rows) > limit else None
