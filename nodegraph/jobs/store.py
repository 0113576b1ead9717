"""The durable state of all jobs: every method is one transaction, committed when it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from .types import Claim, Event, Job, Order, Result, Shown, State

Listener: TypeAlias = Callable[[Sequence[Event]], None]
Note: TypeAlias = tuple[str | None, str, Mapping[str, Any]]
"""An event to be: the job's id, the kind and the data."""

LIMIT = 1000
"""Jobs that may wait."""


class Store:
    """Jobs, their results and events in a database. Any thread may call any method.

    Args:
        url: ``sqlite:///…/jobs.sqlite`` or ``postgresql+psycopg://…``; migrated when opened.
        reserve: A file that takes up room, given back when the disk is full, so that what runs
            can still be recorded.
    """

    def __init__(self, url: str, *, reserve: Path | None = None) -> None:
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """``sqlite`` or ``postgresql``."""
        raise NotImplementedError

    @property
    def journal(self) -> str:
        """``wal`` or ``delete``; empty where the database is no SQLite file."""
        raise NotImplementedError

    def close(self) -> None: ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` called with new events, after their commit and in order.

        It is called in whichever thread wrote them, and should return at once.

        Returns:
            What ends the subscription.
        """
        raise NotImplementedError

    # Orders

    def submit(  # noqa: PLR0913 (all but one by name)
        self,
        workflow: Mapping[str, Any],
        *,
        title: str = "",
        only: Sequence[str] | None = None,
        priority: int = 0,
        settings: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        limit: int = LIMIT,
    ) -> tuple[Job, bool]:
        """Queue a job; False tells that the key's job was there already.

        Raises:
            QueueFullError: ``limit`` jobs wait.
            KeyReusedError: the key was used for something else.
            StorageFullError: the disk is full.
        """
        raise NotImplementedError

    def submit_many(self, orders: Sequence[Order], *, limit: int = LIMIT) -> list[Job]:
        """Queue several jobs, all or none."""
        raise NotImplementedError

    def get(self, id: str) -> Job:
        raise NotImplementedError

    def workflow_of(self, id: str) -> dict[str, Any]:
        raise NotImplementedError

    def list(
        self, state: State | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[list[Job], int | None]:
        """Newest first, older than ``before`` (a ``seq``); the other value asks for the next."""
        raise NotImplementedError

    def waiting(self, limit: int = LIMIT) -> list[Job]:
        """The jobs that wait, in the order they will run in."""
        raise NotImplementedError

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        raise NotImplementedError

    def cancel(self, id: str) -> Job:
        """End a job that waits, or ask the worker of one that runs to stop; else nothing."""
        raise NotImplementedError

    def retry(self, id: str, *, limit: int = LIMIT) -> Job:
        """Queue what a job was ordered to do once more, as a new job."""
        raise NotImplementedError

    def move(self, id: str, *, priority: int | None = None, after: str | None = None) -> Job:
        """Change the place of a job that waits: behind another one, or first for ``""``."""
        raise NotImplementedError

    def delete(self, id: str) -> None:
        """Forget a job that has ended, with its results and events."""
        raise NotImplementedError

    # Workers

    def claim(self, owner: str, device: str, lease_s: float) -> Claim | None:
        """Take the first job that waits."""
        raise NotImplementedError

    def heartbeat(
        self, id: str, token: int, lease_s: float, progress: tuple[int, int] | None = None
    ) -> bool:
        """Hold a job for ``lease_s`` seconds from now; True asks to stop it."""
        raise NotImplementedError

    def finish(
        self, id: str, token: int, results: Sequence[Result], counts: Mapping[str, int]
    ) -> Job:
        raise NotImplementedError

    def fail(
        self,
        id: str,
        token: int,
        problems: Sequence[Mapping[str, str]],
        results: Sequence[Result] = (),
        counts: Mapping[str, int] | None = None,
    ) -> Job:
        raise NotImplementedError

    def cancelled(self, id: str, token: int) -> Job:
        raise NotImplementedError

    def requeue(
        self, id: str, token: int, why: str, *, address: str = "", blame: bool = True
    ) -> Job:
        """Put a job back whose worker is gone; fail it when that happened too often.

        Args:
            address: The node that was running, where it is known.
            blame: Whether the job may be at fault.
        """
        raise NotImplementedError

    # Events

    def append(self, notes: Sequence[Note], lease: tuple[str, int] | None = None) -> list[Event]:
        """Log events; with a ``lease`` (id and token), only while it holds."""
        raise NotImplementedError

    def events_after(self, seq: int, job: str | None = None, limit: int = 1000) -> list[Event]:
        raise NotImplementedError

    def first_seq(self) -> int:
        """The number of the oldest event that is kept; 0 when there is none."""
        raise NotImplementedError

    def last_seq(self) -> int:
        raise NotImplementedError

    # Housekeeping

    def expire(self, now: float | None = None) -> int:
        """Take back jobs whose lease is over; returns how many."""
        raise NotImplementedError

    def recover(self, host: str, boot_id: str) -> int:
        """At start: take back jobs whose owner, a process of this host, is gone."""
        raise NotImplementedError

    def results(self, before: int | None = None, limit: int = 50) -> tuple[list[Shown], int | None]:
        """The pictures of all jobs, newest first."""
        raise NotImplementedError

    def prune(self, *, events: int = 100_000) -> int:
        """Forget the oldest events beyond so many."""
        raise NotImplementedError
