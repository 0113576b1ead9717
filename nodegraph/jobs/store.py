"""The durable state of all jobs: every method is one transaction, committed when it returns."""

from __future__ import annotations

import builtins
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import RLock
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa

from . import gallery, leases, log, queue
from .database import Database
from .events import Note
from .rows import job_of, row_of
from .tables import documents, jobs
from .types import (
    STATES,
    Blame,
    Claim,
    Counts,
    Event,
    GalleryResult,
    Job,
    JobResult,
    Order,
    Problem,
    Shelf,
    State,
    StorageFullError,
)

Listener: TypeAlias = Callable[[Sequence[Event]], None]
Publish: TypeAlias = Callable[[str, Sequence[JobResult]], None]
T = TypeVar("T")

LIMIT = 1000
"""Jobs that may wait."""

_log = logging.getLogger("nodegraph.jobs")


class Store:
    """Jobs, their results and events in a database. Any thread may call any method.

    Args:
        url: ``sqlite:///…/jobs.sqlite`` or ``postgresql+psycopg://…``; migrated when opened.
        reserve: A file that takes up room, given back when the disk is full, so that what runs
            can still be recorded.

    Attributes:
        kind: ``sqlite`` or ``postgresql``.
        journal: ``wal`` or ``delete``; empty where the database is no SQLite file.
        database: What the assets keep their table in, too.
        publish: Gives the files of a job's results their names, when these are recorded.
    """

    def __init__(self, url: str, *, reserve: Path | None = None) -> None:
        self.database = Database(url, reserve)
        self.kind = "sqlite" if self.database.sqlite else "postgresql"
        self.journal = self.database.journal
        self.publish: Publish = lambda _job, _results: None
        self._listeners: builtins.list[Listener] = []
        self._lock = RLock()

    def close(self) -> None:
        """Give back the connections."""
        self.database.close()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` called with new events, after their commit and in order.

        It is called in whichever thread wrote them, and should return at once. What other processes
        write is not told: ask ``last_seq`` now and then where there are some.

        Returns:
            What ends the subscription.
        """
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def _write(self, work: Callable[[sa.Connection, builtins.list[Note]], T], urgent: bool) -> T:
        """Do ``work`` in a transaction, log what it notes, and tell the listeners.

        Args:
            urgent: It may use the reserve: it frees room, or records what has happened already.
        """
        with self.database.turn():
            try:
                value, events = self._try(work)
            except StorageFullError:
                if not (urgent and self.database.give_room()):
                    raise
                value, events = self._try(work)
            # Still within the turn: another writer's events, though later, could come first else.
            self._tell(events)
        return value

    def _try(
        self, work: Callable[[sa.Connection, builtins.list[Note]], T]
    ) -> tuple[T, builtins.list[Event]]:
        notes: builtins.list[Note] = []
        with self.database.writing() as connection:
            value = work(connection, notes)
            # In the same transaction: there is no change without its event, nor the other way.
            events = log.append(connection, notes)
        return value, events

    def _tell(self, events: Sequence[Event]) -> None:
        with self._lock:
            listeners = tuple(self._listeners) if events else ()
        for listener in listeners:
            try:
                listener(events)
            except Exception:  # its trouble is not the queue's: all is committed by now
                _log.exception("a listener of the queue failed")

    # Orders

    def submit(self, order: Order, *, limit: int = LIMIT) -> tuple[Job, bool]:
        """Queue a job; False tells that the order's key made it before.

        Raises:
            QueueFullError: ``limit`` jobs wait.
            KeyReusedError: the key was used for something else.
            StorageFullError: the disk is full.
        """
        return self._write(lambda c, notes: queue.submit(c, notes, order, limit), urgent=False)

    def get(self, id: str) -> Job:
        """Read a job.

        Raises:
            NoSuchJobError: there is none.
        """
        with self.database.reading() as connection:
            return job_of(connection, id)

    def workflow_of(self, id: str) -> dict[str, Any]:
        """Read the workflow that a job was ordered with."""
        workflow: dict[str, Any] = json.loads(self.workflow_text(id))
        return workflow

    def workflow_text(self, id: str) -> str:
        """The same as the JSON text that it is kept as."""
        with self.database.reading() as connection:
            row_of(connection, id)
            query = sa.select(documents.c.workflow).where(documents.c.job == id)
            return connection.scalar(query) or "{}"

    def list(
        self, state: State | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[builtins.list[Job], int | None]:
        """Newest first, older than ``before`` (a ``seq``); the other value asks for the next."""
        with self.database.reading() as connection:
            return queue.page(connection, state, before, limit)

    def waiting(self, limit: int = LIMIT) -> builtins.list[Job]:
        """The jobs that wait, in the order they will run in."""
        with self.database.reading() as connection:
            return queue.waiting(connection, limit)

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        counted = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        by_state: dict[State, int] = dict.fromkeys(STATES, 0)
        with self.database.reading() as connection:
            for state, count in connection.execute(counted):
                by_state[state] = count
        return by_state

    def cancel(self, id: str) -> Job:
        """End a job that waits, or ask the worker of one that runs to stop; else nothing."""
        return self._write(lambda c, notes: queue.cancel(c, notes, id), urgent=True)

    def retry(self, id: str, *, limit: int = LIMIT) -> Job:
        """Queue what a job was ordered to do once more, as a new job."""
        return self._write(lambda c, notes: queue.retry(c, notes, id, limit), urgent=False)

    def move(self, id: str, *, priority: int | None = None, after: str | None = None) -> Job:
        """Change the place of a job that waits: behind another one, or first for ``""``."""
        return self._write(lambda c, notes: queue.move(c, notes, id, priority, after), urgent=False)

    def delete(self, id: str) -> None:
        """Forget a job that has ended, with its values and events; its pictures stay."""
        self._write(lambda c, notes: queue.delete(c, notes, id), urgent=True)

    # Pictures

    def results(
        self, before: int | None = None, limit: int = 50, shelf: Shelf = "results"
    ) -> tuple[builtins.list[GalleryResult], int | None]:
        """The pictures of all jobs, newest first; the other value asks for the next."""
        with self.database.reading() as connection:
            return gallery.page(connection, shelf, before, limit)

    def delete_result(self, id: int) -> None:
        """Put a picture into the bin, from which it can be put back for a week.

        Raises:
            NoSuchPictureError: there is none.
        """
        self._write(lambda c, notes: gallery.delete(c, notes, id), urgent=True)

    def restore_result(self, id: int) -> GalleryResult:
        """Put a picture back to where it was before it was deleted.

        Raises:
            NoSuchPictureError: there is none, or it is gone for good.
        """
        return self._write(lambda c, notes: gallery.restore(c, notes, id), urgent=True)

    def forget_result(self, id: int) -> None:
        """Delete a picture for good; its file goes later, if nothing else shows it.

        Raises:
            NoSuchPictureError: there is none.
        """
        self._write(lambda c, notes: gallery.forget(c, notes, id), urgent=True)

    def forget_asset(self, asset: str, also: Callable[[sa.Connection], None]) -> None:
        """Delete every picture that a file shows, for good, and do ``also`` in one transaction."""

        def work(connection: sa.Connection, notes: builtins.list[Note]) -> None:
            gallery.forget_asset(connection, notes, asset)
            also(connection)

        self._write(work, urgent=True)

    def empty_bin(self, older: float = gallery.BIN) -> int:
        """Delete for good what is in the bin for so many seconds; returns how many."""
        return self._write(lambda c, notes: gallery.empty_bin(c, notes, older), urgent=True)

    # Workers

    def claim(self, owner: str, device: str, lease_s: float) -> Claim | None:
        """Take the first job that waits."""
        with self.database.reading() as connection:  # asked every second: spare the disk
            if not connection.scalar(
                sa.select(jobs.c.seq).where(jobs.c.state == "queued").limit(1)
            ):
                return None
        return self._write(
            lambda c, notes: leases.claim(c, notes, owner, device, lease_s), urgent=False
        )

    def heartbeat(
        self, id: str, token: int, lease_s: float, progress: tuple[int, int] | None = None
    ) -> bool:
        """Hold a job for ``lease_s`` seconds from now; True asks to stop it."""
        return self._write(
            lambda c, _: leases.heartbeat(c, id, token, lease_s, progress), urgent=True
        )

    def finish(  # noqa: PLR0913 (what an ending consists of)
        self,
        id: str,
        token: int,
        results: Sequence[JobResult],
        counts: Counts,
        log: Sequence[Note] = (),
        *,
        degraded: Sequence[str] = (),
    ) -> Job:
        """Record that a job is done, and what it made; ``log`` is what happened just before."""
        end = leases.End("done", results, counts, degraded=degraded)
        return self._end(id, token, end, log)

    def fail(  # noqa: PLR0913 (what an ending consists of)
        self,
        id: str,
        token: int,
        problems: Sequence[Problem],
        results: Sequence[JobResult] = (),
        counts: Counts | None = None,
        *,
        log: Sequence[Note] = (),
        degraded: Sequence[str] = (),
    ) -> Job:
        """Record why a job failed, and what it made nevertheless."""
        end = leases.End("failed", results, counts or {}, problems, degraded)
        return self._end(id, token, end, log)

    def cancelled(self, id: str, token: int, log: Sequence[Note] = ()) -> Job:
        """Record that a job was stopped as it was asked to."""
        return self._end(id, token, leases.End("cancelled"), log)

    def _end(self, id: str, token: int, end: leases.End, log: Sequence[Note]) -> Job:
        def work(connection: sa.Connection, notes: builtins.list[Note]) -> Job:
            notes += log
            job = leases.end(connection, notes, id, token, end)
            # While nobody else writes, and before anybody can read of them.
            self.publish(id, end.results)
            return job

        return self._write(work, urgent=True)

    def requeue(
        self,
        id: str,
        token: int,
        reason: str,
        *,
        nodes: Sequence[str] = (),
        blame: Blame = "perhaps",
    ) -> Job:
        """Put a job back whose worker is gone; fail it when that happened too often.

        A job that is given up is run once more without the nodes that were at work, so that what
        does not need them is among its results.

        Args:
            nodes: Those that were at work, where they are known.
            blame: Whether the job is at fault: what surely is is not tried three times.
        """

        def work(connection: sa.Connection, notes: builtins.list[Note]) -> Job:
            row = leases.hold(connection, id, token, {"lease_until": time.time()})
            return leases.put_back(connection, notes, row, reason, nodes, blame)

        return self._write(work, urgent=True)

    # Events

    def append(
        self, notes: Sequence[Note], lease: tuple[str, int] | None = None
    ) -> builtins.list[Event]:
        """Log events; with a ``lease`` (id and token), only while it holds."""
        events: builtins.list[Event] = []

        def work(connection: sa.Connection, _: object) -> None:
            if lease is not None:
                leases.check(connection, *lease, notes)
            events[:] = log.append(connection, notes)

        with self.database.turn():
            self._write(work, urgent=False)
            self._tell(events)
        return events

    def events_after(
        self, seq: int, job: str | None = None, limit: int = 1000
    ) -> builtins.list[Event]:
        """List events with a higher number, in order."""
        with self.database.reading() as connection:
            return log.after(connection, seq, job, limit)

    def first_seq(self) -> int:
        """The number of the oldest event that is kept; 0 when there is none."""
        with self.database.reading() as connection:
            return log.edge(connection, last=False)

    def last_seq(self) -> int:
        """The number of the newest event; 0 when there is none."""
        with self.database.reading() as connection:
            return log.edge(connection, last=True)

    # Housekeeping

    def expire(self, now: float | None = None) -> int:
        """Take back jobs whose lease is over; returns how many."""
        now = time.time() if now is None else now
        over = sa.select(jobs.c.seq).where(jobs.c.state == "running", jobs.c.lease_until < now)
        with self.database.reading() as connection:  # asked every second: spare the disk
            if connection.scalar(over.limit(1)) is None:
                return 0
        return self._write(lambda c, notes: leases.expire(c, notes, now), urgent=True)

    def recover(self, host: str, boot_id: str) -> int:
        """At start: take back jobs whose owner, a process of this host, is gone."""
        return self._write(lambda c, notes: leases.recover(c, notes, host, boot_id), urgent=True)

    def prune(self, *, events: int = 100_000) -> int:
        """Forget the oldest events beyond so many."""
        return self._write(lambda c, _: log.prune(c, events), urgent=True)

    def restock(self) -> None:
        """Fill the reserve again, if there is room by now."""
        self.database.restock()
