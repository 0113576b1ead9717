"""The events of jobs: a shape for the data of each kind, and the union that clients are promised.

This is the only description there is. Whoever logs an event builds its data by one of these
TypedDicts, plain dictionaries at run time, so that mypy checks the fields and nothing is slower;
OpenAPI, the editor's types and the table in docs/http.md are made from the union at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, create_model
from typing_extensions import TypedDict

from .types import Counts, JobResult, Problem

Kind: TypeAlias = Literal[
    "job.queued", "job.moved", "job.started", "job.progress", "job.cancelling", "job.cancelled",
    "job.requeued", "job.done", "job.failed", "node.started", "node.progress", "node.cached",
    "node.finished", "node.failed", "node.skipped", "node.result", "job.deleted", "result.deleted",
    "result.restored", "queue.changed",
]  # fmt: skip
Note: TypeAlias = tuple[str | None, Kind, Mapping[str, Any]]
"""An event to be: the job's id, the kind and the data."""


class JobQueued(TypedDict):
    """A job waits."""

    title: str
    priority: int


class JobMoved(TypedDict):
    """It has another place in the queue."""

    priority: int
    place: float


class JobStarted(TypedDict):
    """A worker began."""

    device: str
    attempt: int


class JobProgress(TypedDict):
    """So many of its items are known."""

    done: int
    total: int


class JobCancelling(TypedDict):
    """It was asked to stop."""


class JobCancelled(TypedDict):
    """It has stopped."""


class JobRequeued(TypedDict):
    """Its worker is gone while `nodes` were at work; it waits again."""

    why: str
    nodes: NotRequired[list[str]]


class JobDone(TypedDict):
    """It made all it was to make; `degraded` as below, of all its nodes. With `short`, results or
    the ends of texts are left out here; `GET /v1/jobs/{id}` has all."""

    results: list[JobResult]
    counts: Counts
    seconds: float
    degraded: NotRequired[list[str]]
    short: NotRequired[Literal[True]]


class JobFailed(TypedDict):
    """It did not; what it made nevertheless is kept. `short` as above."""

    problems: list[Problem]
    results: list[JobResult]
    degraded: NotRequired[list[str]]
    short: NotRequired[Literal[True]]


class NodeStarted(TypedDict):
    """Items of a node are being computed."""

    node: str
    items: list[int]


class NodeProgress(TypedDict):
    """So many steps are done; with `resumed`, by an earlier run that began alike."""

    node: str
    items: list[int]
    done: int
    total: int
    resumed: NotRequired[Literal[True]]


class NodeCached(TypedDict):
    """Items were known already; `degraded` as below."""

    node: str
    items: list[int]
    degraded: NotRequired[list[str]]


class NodeFinished(TypedDict):
    """Items have been computed; `degraded`, where memory was short, says how: `batch 2 of 4`,
    `tiled`, `models offloaded`, `layers offloaded`. `resumed` says where it went on from what an
    earlier run had done: `at step 16 of 20`."""

    node: str
    items: list[int]
    seconds: float
    degraded: NotRequired[list[str]]
    resumed: NotRequired[str]


class NodeFailed(TypedDict):
    """Why a node could not compute them."""

    node: str
    items: list[int]
    message: str


class NodeSkipped(TypedDict):
    """They need what failed."""

    node: str
    items: list[int]
    because: str


class NodeResult(TypedDict):
    """What an output looks like, as small pictures."""

    node: str
    items: list[int]
    output: str
    assets: list[str]


class JobDeleted(TypedDict):
    """A job was forgotten; its pictures stay."""

    id: str


class ResultDeleted(TypedDict):
    """A picture was put into the bin, or is gone for good."""

    id: int
    forever: bool


class ResultRestored(TypedDict):
    """A picture is where it was before it was deleted."""

    id: int


class QueueChanged(TypedDict):
    """So many jobs wait and run."""

    queued: int
    running: int


SHAPES: Mapping[Kind, type[Any]] = {
    "job.queued": JobQueued,
    "job.moved": JobMoved,
    "job.started": JobStarted,
    "job.progress": JobProgress,
    "job.cancelling": JobCancelling,
    "job.cancelled": JobCancelled,
    "job.requeued": JobRequeued,
    "job.done": JobDone,
    "job.failed": JobFailed,
    "node.started": NodeStarted,
    "node.progress": NodeProgress,
    "node.cached": NodeCached,
    "node.finished": NodeFinished,
    "node.failed": NodeFailed,
    "node.skipped": NodeSkipped,
    "node.result": NodeResult,
    "job.deleted": JobDeleted,
    "result.deleted": ResultDeleted,
    "result.restored": ResultRestored,
    "queue.changed": QueueChanged,
}
"""The shape of the data of every kind, in the order of a job's life."""


class Envelope(BaseModel):
    """What every event has beside its kind and data.

    No job where it is about the whole queue; `seq` grows strictly, over all jobs and for ever.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True, defer_build=True)

    seq: int
    job: str | None
    time: float


def _model(kind: Kind, shape: type[Any]) -> type[Envelope]:
    """The model of one kind, ``JobQueuedEvent`` in OpenAPI."""
    fields: dict[str, Any] = {"kind": (Literal[kind], ...), "data": (shape, ...)}
    name = f"{shape.__name__}Event"
    return create_model(name, __base__=Envelope, __doc__=shape.__doc__, **fields)


if TYPE_CHECKING:
    AnyEvent: TypeAlias = Envelope
else:
    _union = reduce(or_, [_model(kind, shape) for kind, shape in SHAPES.items()])
    AnyEvent = Annotated[_union, Field(discriminator="kind")]
    """Whatever the log may hold."""
