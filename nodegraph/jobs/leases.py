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
from .rows import as_job, as_json, blamed, claim_of, dump
from .short import kept_problems, short_problems, short_results
from .tables import jobs, results
from .types import Blame, Claim, Counts, Job, JobResult, LeaseLostError, Problem

STARTS = 3
"""Starts after which a job whose workers die is taken to kill them."""
MOST_STARTS = 10
"""Starts after which it is given up, even if every time something else seemed to be at fault."""
MOST_BLAMED = 10
"""Nodes that a job which was given up is run without, to keep what the others make."""


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
            token=jobs.c.token + 1, done=0, total=0,
            # What was given up is not tried again, but run without what ended its process.
            attempts=jobs.c.attempts + sa.case((jobs.c.error.is_(None), 1), else_=0),
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
    values["error"] = None
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
    nodes: Sequence[str] = (),
    blame: Blame = "perhaps",
) -> Job:
    """Let a job wait again whose worker is gone, unless it has been started often enough.

    Then it waits a last time, to be run without the nodes that were at work: what does not need
    them is made, or found in the cache, and is kept as of any job that fails.

    Args:
        nodes: Those that were at work when it ended.
        blame: Whether the job may be what ended it; a server that ends is none of its doing.
    """
    if row.cancel_requested:
        return end(connection, notes, row.id, row.token, End("cancelled"))
    excused = row.excused + (blame == "no")
    values = {"state": "queued", "owner": None, "lease_until": None, "excused": excused}
    before = blamed(row)
    often = row.attempts - excused >= STARTS or row.attempts >= MOST_STARTS
    if blame == "surely" or (before and blame != "no") or (often and not before):
        known = {problem["address"] for problem in before}
        new = [node for node in nodes if node not in known]
        message = _given_up(reason, row.attempts, new)
        problems = [*before, *(Problem(address=node, message=message) for node in new)]
        if not new or len(problems) > MOST_BLAMED:
            problems = [*problems, *([] if new else [Problem(address="", message=message)])]
            return end(connection, notes, row.id, row.token, End("failed", problems=problems))
        values["error"] = dump({"problems": kept_problems(problems)}, "problems")
    waiting = hold(connection, row.id, row.token, values)
    requeued = JobRequeued(why=reason)
    if nodes:
        requeued["nodes"] = list(nodes)
    notes.append((row.id, "job.requeued", requeued))
    return as_job(waiting)


def _given_up(reason: str, starts: int, nodes: Sequence[str]) -> str:
    among = f" while {' and '.join(nodes)} were at work" if len(nodes) > 1 else ""
    times = f"it was started {starts} times and" if starts > 1 else "it"
    return f"{reason}{among}; {times} is not tried again"


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
        put_back(connection, notes, row, "the server ended while it ran", blame="no")
    return len(dead)
