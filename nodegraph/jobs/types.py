"""Orders, jobs, results, events, claims and assets as the queue has them, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NotRequired, TypeAlias

from pydantic import ConfigDict, JsonValue
from typing_extensions import TypedDict

from ..errors import UserError
from ..savings import OnOom

Shelf: TypeAlias = Literal["results", "tries", "bin"]
"""Where a picture is kept: what runs were to make, what tries made, and what was deleted."""
Blame: TypeAlias = Literal["no", "perhaps", "surely"]
"""Whether a job is at fault where its worker ended."""
State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled")
FINISHED: tuple[State, ...] = ("done", "failed", "cancelled")


class Fix(TypedDict):
    """A change that would end a problem: new values for inputs of the node at its address."""

    label: str
    inputs: dict[str, JsonValue]


class Problem(TypedDict):
    """One mistake: where it is (`node`, `node.input`, a field of the body), and what it is.

    A `warning` does not keep the workflow from running. A `fix` may be offered.
    """

    address: str
    message: str
    severity: NotRequired[Literal["error", "warning"]]
    fix: NotRequired[Fix]


class JobError(TypedDict):
    """Why a job failed."""

    problems: list[Problem]


class Counts(TypedDict, total=False):
    """How many items were computed, and how many were known.

    Of those that ran, `resumed` went on from what an earlier run had done.
    """

    ran: int
    cached: int
    resumed: int


@dataclass(frozen=True, slots=True)
class Order:
    """A job as it is asked for.

    Attributes:
        workflow: The document, as JSON values.
        only: The results to make; None for all.
        key: What the client calls this order, so that sending it twice makes one job.
        on_oom: Whether what does not fit into memory may be degraded; None leaves it to the server.
        time_limit: Seconds it may take, where that is less than the server allows.
        trial: Whether it is a try, whose pictures are kept apart from results.
    """

    workflow: Mapping[str, Any]
    title: str = ""
    only: Sequence[str] | None = None
    priority: int = 0
    key: str | None = None
    on_oom: OnOom | None = None
    time_limit: float | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class JobResult:
    """One thing a job made: a picture (an asset's file name) or a value (as JSON text).

    Attributes:
        item: Which item, of a result that is a list.
    """

    __pydantic_config__: ClassVar = ConfigDict(json_schema_serialization_defaults_required=True)

    result: str
    item: int | None = None
    asset: str | None = None
    width: int = 0
    height: int = 0
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One queued run of a workflow, as it stands.

    Attributes:
        priority: Higher goes first.
        created: Unix time, as all times.
        done: Items that are known, of ``total``.
        on_oom: What was asked for where memory does not suffice; None: what the server does.
        degraded: How it was made to fit into memory, in words; empty where it is as asked for.
        trial: Whether it is a try, whose pictures are kept apart from results.
        short: Whether this leaves out results, or the ends of texts; `GET /v1/jobs/{id}` has all.
    """

    id: str
    seq: int
    title: str
    state: State
    priority: int
    attempts: int
    created: float
    started: float | None
    finished: float | None
    error: JobError | None
    results: tuple[JobResult, ...]
    counts: Counts
    done: int
    total: int
    only: tuple[str, ...] | None
    cancel_requested: bool
    on_oom: OnOom | None
    degraded: tuple[str, ...]
    trial: bool
    short: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; ``seq`` grows strictly, over all jobs and for ever."""

    seq: int
    job: str | None
    time: float
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is a worker's until its lease ends; ``token`` is asked for with every report.

    Attributes:
        refused: Nodes that ended the processes of earlier starts, and how: they are not run again.
    """

    job: Job
    token: int
    workflow: Mapping[str, Any]
    time_limit: float | None = None
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GalleryResult:
    """A picture in the gallery, among the tries or in the bin.

    Attributes:
        id: Its number, by which it is deleted and put back.
        job: What made it. Where that was deleted, the picture itself still carries the workflow.
        title: Of the job.
        trial: Whether a try made it.
        deleted: When it was put into the bin; None where it was not.
    """

    id: int
    asset: str
    job: str
    result: str
    item: int | None
    width: int
    height: int
    created: float
    title: str
    trial: bool
    deleted: float | None


@dataclass(frozen=True, slots=True)
class Asset:
    """A stored picture, named by its content: ``file`` is ``<sha256>.png``, ``.jpg`` or ``.webp``.

    Attributes:
        name: What the uploader called it.
        made: Whether a job made it, rather than someone uploaded it.
    """

    file: str
    name: str
    width: int
    height: int
    bytes: int
    created: float
    made: bool = False


class QueueFullError(UserError):
    """As many jobs wait as may; one of them has to end first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"queue: {limit} jobs are waiting already; try again when some are done")


class KeyReusedError(UserError):
    """The idempotency key belongs to a job that was ordered otherwise."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(
            f"Idempotency-Key: job {job} was ordered with it, for something else; use a new key"
        )


class StorageFullError(UserError):
    """The disk is full: nothing of what was asked for has been kept."""

    def __init__(self, message: str = "the disk is full; nothing was saved") -> None:
        super().__init__(message)


class DatabaseAwayError(UserError):
    """The database cannot be asked now; it may be in a moment."""

    def __init__(self) -> None:
        super().__init__("the database does not answer; try again")


class NoSuchPictureError(UserError):
    """There is no picture of this number."""

    def __init__(self, id: int) -> None:
        super().__init__(f"there is no picture {id}")


class NoSuchJobError(UserError):
    """There is no job with this id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"there is no job {id!r}")


class NotFinishedError(UserError):
    """Only a job that has ended can be deleted."""

    def __init__(self, id: str) -> None:
        super().__init__(f"job {id} has not ended; cancel it first")


class NotQueuedError(UserError):
    """Only a job that waits can be moved."""

    def __init__(self, id: str) -> None:
        super().__init__(f"job {id} no longer waits, so it has no place in the queue")


class LeaseLostError(Exception):
    """The job is no longer this worker's: its lease ended, or it was given to another one."""


class NoSuchAssetError(UserError):
    """There is no asset of this name."""

    def __init__(self) -> None:
        super().__init__("there is no such asset")


class AssetRefusedError(UserError):
    """These bytes cannot become an asset.

    Attributes:
        reason: ``kind`` (no PNG, JPEG or WebP), ``size`` (too large) or ``damaged``.
    """

    def __init__(self, reason: Literal["kind", "size", "damaged"], message: str) -> None:
        self.reason = reason
        super().__init__(message)
