"""Rows of the database, and what they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from ..errors import UserError
from .short import RESULTS, TEXT, short_problems, short_results
from .tables import documents, jobs, results
from .types import FINISHED, Claim, Job, JobError, JobResult, NoSuchJobError, Order, Problem

_ID = re.compile(r"[0-9a-f]{32}")
_FIRST = (
    sa.select(
        results.c.result,
        results.c.item,
        results.c.asset,
        results.c.width,
        results.c.height,
        sa.func.substr(results.c.text, 1, TEXT + 1),
    )
    .where(results.c.job == sa.bindparam("id"), results.c.deleted.is_(None))
    .order_by(results.c.seq)
    .limit(RESULTS + 1)
)
DEEPEST = 100
"""Lists and objects within one another."""


def document(value: Mapping[str, Any], name: str) -> str:
    """Write JSON from outside, so that every reader can be sure to get through it."""
    layer: list[object] = [value]
    for _ in range(DEEPEST):
        layer = [inner for outer in layer for inner in _inside(outer)]
        if not layer:
            return dump(value, name)
    raise UserError(f"{name}: is nested too deeply; {DEEPEST} levels are allowed")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def dump(value: object, name: str) -> str:
    """Write JSON, in ASCII: no database minds that, whatever characters it holds.

    Raises:
        UserError: it holds something that JSON cannot spell; ``name`` is what it is called.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: is not JSON; {error}") from error
    except RecursionError as error:
        raise UserError(f"{name}: is nested too deeply") from error


def plain(text: str, most: int) -> str:
    """Text that every database takes: one line, no control characters, no half characters."""
    clean = "".join(c if c.isprintable() else " " for c in text[: 4 * most])
    return " ".join(clean.split())[:most]


def row_of(connection: sa.Connection, id: str) -> sa.Row[Any]:
    """Find a job's row.

    Raises:
        NoSuchJobError: there is none.
    """
    row = None
    if _ID.fullmatch(id):  # no other text is shown to the database
        row = connection.execute(sa.select(jobs).where(jobs.c.id == id)).one_or_none()
    if row is None:
        raise NoSuchJobError(plain(id, 40))
    return row


def job_of(connection: sa.Connection, id: str) -> Job:
    """Read one job, with its results."""
    return jobs_of(connection, [row_of(connection, id)])[0]


def jobs_of(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[Job]:
    """Make jobs of their rows, with all of their results."""
    by_job: dict[str, list[JobResult]] = {row.id: [] for row in rows}
    # What is in the bin is no result of its job, until it is put back.
    here = results.c.job.in_(by_job), results.c.deleted.is_(None)
    of_these = sa.select(results).where(*here).order_by(results.c.seq)
    for r in connection.execute(of_these) if by_job else ():
        by_job[r.job].append(JobResult(r.result, r.item, r.asset, r.width, r.height, r.text))
    return [as_job(row, by_job[row.id]) for row in rows]


def listed(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[Job]:
    """Make jobs of their rows as a list shows them: no more is read of their results."""
    return [_listed(connection, row) for row in rows]


def _listed(connection: sa.Connection, row: sa.Row[Any]) -> Job:
    read = connection.execute(_FIRST, {"id": row.id}).all() if row.state in FINISHED else ()
    results, left_out = short_results([JobResult(*entry) for entry in read])
    job = as_job(row, results)
    if job.error is not None:
        problems, cut = short_problems(job.error["problems"])
        job = replace(job, error=JobError(problems=problems))
        left_out = left_out or cut
    if job.only is not None and len(job.only) > RESULTS:
        job, left_out = replace(job, only=job.only[:RESULTS]), True
    return replace(job, short=True) if left_out else job


def as_job(row: sa.Row[Any], entries: Sequence[JobResult] = ()) -> Job:
    """The job of a row, with the results that are known to be its."""
    return Job(
        id=row.id,
        seq=row.seq,
        title=row.title,
        state=row.state,
        priority=row.priority,
        attempts=row.attempts,
        created=row.created,
        started=row.started,
        finished=row.finished,
        # That of a job which waits is what it is run without the next time.
        error=json.loads(row.error) if row.error and row.state == "failed" else None,
        results=tuple(entries),
        counts={"ran": 0, "cached": 0, "resumed": 0, **json.loads(row.counts)},
        done=row.done,
        total=row.total,
        only=tuple(json.loads(row.only)) if row.only else None,
        cancel_requested=bool(row.cancel_requested),
        on_oom=row.on_oom,
        degraded=tuple(json.loads(row.degraded)),
        trial=bool(row.trial),
    )


def claim_of(connection: sa.Connection, row: sa.Row[Any]) -> Claim:
    """A job with all that a worker needs to run it; it has no results yet."""
    ordered = connection.execute(sa.select(documents).where(documents.c.job == row.id)).one()
    limit = time_limit_of(ordered.settings)
    refused = {problem["address"]: problem["message"] for problem in blamed(row)}
    return Claim(as_job(row), row.token, json.loads(ordered.workflow), limit, refused)


def blamed(row: sa.Row[Any]) -> list[Problem]:
    """The nodes that ended the processes of a job that was given up, but has not ended yet."""
    problems: list[Problem] = json.loads(row.error)["problems"] if row.error else []
    return problems


def settings_of(order: Order) -> dict[str, float]:
    """What an order sets beside its workflow, as the column ``settings`` has it."""
    return {} if order.time_limit is None else {"time_limit": order.time_limit}


def time_limit_of(settings: str) -> float | None:
    """The seconds that a job may take, of the column ``settings``."""
    limit: float | None = json.loads(settings).get("time_limit")
    return limit


def as_json(entries: Sequence[JobResult]) -> list[Any]:
    """Results as JSON values, which an event has of them."""
    return [asdict(result) for result in entries]
