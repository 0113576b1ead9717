"""Claims on jobs: each ends by itself unless renewed, and a token tells its latest holder.

A worker that was held up (a sleeping laptop, a debugger) may report after its job was given to
another one. Each claim raises the job's token, and whatever is written names the token it was
claimed with: the late report finds no row and changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from . import owners
from .events import JobCancelled, JobDone, JobFailed, JobRequeued, JobStarted, Note
from .rows import as_job, as_json, claim_of, dump
from .short import kept_problems, short_problems, short_results
from .tables import jobs, results
from .types import Claim, Counts, Job, JobResult, LeaseLostError, Problem

STARTS = 3
"""Starts after which a job whose workers die is taken to kill them."""
MOST_STARTS = 10
"""Starts after which it is given up, even if every time something else seemed to be at fault."""


def claim(
    connection: sa.Connection, notes: list[Note], owner: str, device: str, lease_s: float
) -> Claim | None:
    """Take the first job that waits."""
    waits = jobs.c.state == "queued"
    highest = sa.select(sa.func.max(jobs.c.priority)).where(waits).scalar_subquery()
    first = (
        sa.select(jobs.c.seq)
        .where(waits, jobs.c.priority == highest)
        .order_by(jobs.c.place, jobs.c.seq)
        .limit(1)
    )
    # No row is locked: writers come one after another (see Database), so that nobody else can
    # claim the job between this look and the update.
    seq, now = connection.scalar(first), time.time()
    if seq is None:
        return None
    row = connection.execute(
        sa.update(jobs)
        .where(jobs.c.seq == seq)
        .values(
            state="running", owner=owner, device=device, lease_until=now + lease_s, started=now,
            token=jobs.c.token + 1, attempts=jobs.c.attempts + 1, done=0, total=0,
        )
        .returning(jobs)
    ).one()  # fmt: skip
    notes.append((row.id, "job.started", JobStarted(device=device, attempt=row.attempts)))
    return claim_of(connection, row)


def hold(connection: sa.Connection, id: str, token: int, values: Mapping[str, Any]) -> sa.Row[Any]:
    """Change the row of a job that is still held with ``token``.

    Raises:
        LeaseLostError: it no longer is.
    """
    mine = (jobs.c.id == id, jobs.c.token == token, jobs.c.state == "running")
    row = connection.execute(
        sa.update(jobs).where(*mine).values(**values).returning(jobs)
    ).one_or_none()
    if row is None:
        raise LeaseLostError(id)
    return row


def check(connection: sa.Connection, id: str, token: int, notes: Sequence[Note]) -> None:
    """Make sure that a job is still held with ``token``; how far it is, its notes tell."""
    hold(connection, id, token, {"token": token, **_how_far(id, notes)})


def _how_far(id: str, notes: Sequence[Note]) -> Mapping[str, int]:
    for job, kind, data in reversed(notes):
        if (job, kind) == (id, "job.progress"):
            return {"done": data["done"], "total": data["total"]}
    return {}


def heartbeat(
    connection: sa.Connection, id: str, token: int, lease_s: float, progress: tuple[int, int] | None
) -> bool:
    """Hold on to a job; whether it is to be stopped."""
    values: dict[str, Any] = {"lease_until": time.time() + lease_s}
    if progress is not None:
        values["done"], values["total"] = progress
    return bool(hold(connection, id, token, values).cancel_requested)


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended: what it made, how many items ran or were cached, and why it failed.

    Attributes:
        degraded: How it was made to fit into memory, in words.
    """

    state: Literal["done", "failed", "cancelled"]
    results: Sequence[JobResult] = ()
    counts: Counts = field(default_factory=Counts)
    problems: Sequence[Problem] = ()
    degraded: Sequence[str] = ()


def end(connection: sa.Connection, notes: list[Note], id: str, token: int, ending: End) -> Job:
    """Record how a job ended, if it is still held with ``token``."""
    now = time.time()
    values: dict[str, Any] = {
        "state": ending.state, "finished": now, "owner": None, "lease_until": None,
        "counts": dump(ending.counts, "counts"),
        "degraded": dump(list(ending.degraded), "degraded"), **_how_far(id, notes),
    }  # fmt: skip
    if ending.state == "failed":
        values["error"] = dump({"problems": kept_problems(ending.problems)}, "problems")
    if ending.counts:
        values["done"] = ending.counts.get("ran", 0) + ending.counts.get("cached", 0)
    if ending.state == "done":
        values["total"] = values.get("done", 0)
    row = hold(connection, id, token, values)
    entries = as_json(ending.results)
    if entries:
        about = {"job": id, "created": now, "title": row.title, "trial": row.trial}
        rows = [{**about, **value} for value in entries]
        connection.execute(sa.insert(results), rows)
    notes.append(_end_note(id, ending, now - row.started))
    return as_job(row, ending.results)


def _end_note(id: str, ending: End, seconds: float) -> Note:
    if ending.state == "cancelled":
        return id, "job.cancelled", JobCancelled()
    results, left_out = short_results(ending.results)
    entries = as_json(results)
    if ending.state == "done":
        done = JobDone(results=entries, counts=ending.counts, seconds=round(seconds, 3))
        if ending.degraded:
            done["degraded"] = list(ending.degraded)
        if left_out:
            done["short"] = True
        return id, "job.done", done
    problems, cut = short_problems(ending.problems)
    failed = JobFailed(problems=problems, results=entries)
    if left_out or cut:
        failed["short"] = True
    if ending.degraded:
        failed["degraded"] = list(ending.degraded)
    return id, "job.failed", failed


def put_back(  # noqa: PLR0913, PLR0917 (what is known of a worker's end)
    connection: sa.Connection,
    notes: list[Note],
    row: sa.Row[Any],
    reason: str,
    address: str = "",
    blame: bool = True,
) -> Job:
    """Let a job wait again whose worker is gone, unless it has been started often enough.

    Args:
        blame: Whether the job may be what ended it.
    """
    if row.cancel_requested:
        return end(connection, notes, row.id, row.token, End("cancelled"))
    excused = row.excused + (not blame)
    if row.attempts - excused >= STARTS or row.attempts >= MOST_STARTS:
        message = f"{reason}; it was started {row.attempts} times and is not tried again"
        problems = [Problem(address=address, message=message)]
        return end(connection, notes, row.id, row.token, End("failed", problems=problems))
    values = {"state": "queued", "owner": None, "lease_until": None, "excused": excused}
    waiting = hold(connection, row.id, row.token, values)
    notes.append((row.id, "job.requeued", JobRequeued(why=reason)))
    return as_job(waiting)


def expire(connection: sa.Connection, notes: list[Note], now: float) -> int:
    """Take back every job that nobody has held on to."""
    over = sa.select(jobs).where(jobs.c.state == "running", jobs.c.lease_until < now)
    rows = connection.execute(over).all()
    for row in rows:
        put_back(connection, notes, row, "its worker was not heard of any more")
    return len(rows)


def recover(connection: sa.Connection, notes: list[Note], host: str, boot_id: str) -> int:
    """Take back the jobs of processes of this host that are gone."""
    running = sa.select(jobs).where(jobs.c.state == "running")
    dead = [
        row
        for row in connection.execute(running).all()
        if row.owner and owners.is_dead(row.owner, host, boot_id)
    ]
    for row in dead:
        put_back(connection, notes, row, "the server ended while it ran", blame=False)
    return len(dead)
