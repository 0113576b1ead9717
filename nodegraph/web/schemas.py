"""What is sent and answered, as OpenAPI describes it; the editor's types are made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from ..jobs.types import Shown
from ..savings import OnOom

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Title = Annotated[str, StringConstraints(max_length=200)]
ResultName = Annotated[str, StringConstraints(max_length=200)]
Only = Annotated[list[ResultName], Field(max_length=1000)]
Priority = Annotated[int, Field(ge=-1000, le=1000)]
TimeLimit = Annotated[
    float,
    Field(
        gt=0,
        le=7 * 24 * 3600,
        description="Seconds the job may take, from its start; the server may allow less.",
    ),
]
State = Literal["queued", "running", "done", "failed", "cancelled"]
Asked = Annotated[
    OnOom | None,
    Field(description="Where memory does not suffice; without it, what the server does."),
]
Document = Annotated[
    dict[str, JsonValue],
    Field(
        description="A workflow: `format`, `title`, `nodes`, `params`, `results`, …",
        json_schema_extra={"example": {"format": 1, "nodes": {}}},
    ),
]


class Body(BaseModel):
    """Something that is sent: a name that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Problem(Told):
    """One mistake: where it is (`node`, `node.input`, a field of the body), and what it is."""

    address: str
    message: str


class Failure(Told):
    """Why not: a code for programs, a sentence for people, and every mistake at its address."""

    code: str
    message: str
    problems: list[Problem]


class Refusal(Told):
    """What every answer from 400 on holds."""

    error: Failure


# Looking at graphs


class GraphBody(Body):
    """A workflow to look at, or only what some of its results need."""

    workflow: Document
    only: Only | None = None


class ExplainBody(GraphBody):
    """A workflow whose run is foreseen, under what its job would ask for."""

    on_oom: Asked = None


class FormBody(Body):
    """A workflow whose params are asked for."""

    workflow: Document


class Checked(Told):
    """Everything that is wrong with a workflow, and what will probably not do as meant."""

    ok: bool
    problems: list[Problem]
    warnings: list[Problem]


class Fate(Told):
    """What would become of a node's items, and why."""

    name: str
    items: list[int]
    state: Literal["cached", "runs", "waits", "fails"]
    why: str


class Explained(Told):
    """What a run would do, node by node."""

    lines: list[Fate]


class Form(Told):
    """A workflow's params, as the JSON Schema of an object, and the names of its results."""

    title: str
    form: dict[str, Any] = Field(serialization_alias="schema")
    results: list[str]


class Nodes(Told):
    """Every kind of node with its ports, and what could not be loaded."""

    nodes: list[dict[str, Any]]
    refused: list[Refused]


class Refused(Told):
    """A node or template that cannot be used, and why."""

    source: str
    reason: str


class Model(Told):
    """A model that is here already, by the name that a node takes."""

    name: str
    family: str | None
    built_in: bool


# Workflows that are kept


class Kept(Told):
    """A workflow in the list."""

    name: str
    title: str
    shipped: bool
    version: str
    modified: float
    params: list[str]
    results: list[str]


class KeptList(Told):
    """Every workflow there is: those that were saved, and those that came with packages."""

    workflows: list[Kept]


class KeptWorkflow(Told):
    """A workflow with its document; `version` is what a change to it is sent with."""

    name: str
    shipped: bool
    version: str
    workflow: dict[str, Any]


# Jobs


class SubmitBody(Body):
    """A job: a workflow, or the name of a kept one, with its params set."""

    workflow: Document | None = None
    name: Annotated[str, StringConstraints(max_length=120)] | None = None
    params: Annotated[dict[str, JsonValue], Field(max_length=1000)] = {}
    only: Only | None = None
    priority: Priority = 0
    title: Title = ""
    on_oom: Asked = None
    time_limit: TimeLimit | None = None


class MoveBody(Body):
    """Where a waiting job goes: another priority, or behind another job (null: first)."""

    priority: Priority | None = None
    after: Id | None = None


class JobResult(Told):
    """What a job made: a picture, by its asset, or a value as JSON text."""

    result: str
    item: int | None
    asset: str | None
    width: int
    height: int
    text: str | None


class JobError(Told):
    """Why a job failed."""

    problems: list[Problem]


class Counts(Told):
    """How many items were computed, and how many were known.

    Of those that ran, `resumed` went on from what an earlier run had done.
    """

    ran: int = 0
    cached: int = 0
    resumed: int = 0


class Job(Told):
    """One queued run of a workflow, as it stands. `done` of `total` items are known.

    `degraded` says how it was made to fit into memory; it is empty where all is as asked for.
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
    results: list[JobResult]
    counts: Counts
    done: int
    total: int
    only: list[str] | None
    cancel_requested: bool
    on_oom: OnOom | None
    degraded: list[str]


class JobList(Told):
    """Jobs, newest first; `next` asks for older ones, as `before`."""

    jobs: list[Job]
    next: int | None


class JobWorkflow(Told):
    """The workflow that a job runs."""

    workflow: dict[str, Any]


class Event(Told):
    """Something that happened; the websocket tells the same."""

    seq: int
    job: str | None
    time: float
    kind: str
    data: dict[str, Any]


class EventList(Told):
    """Events in their order; `next` asks for later ones, as `after`."""

    events: list[Event]
    next: int | None


class ShownList(Told):
    """The pictures of all jobs, newest first; `next` asks for older ones, as `before`."""

    results: list[Shown]
    next: int | None


class Asset(Told):
    """A stored picture; `asset` is its file name, and the path that LoadImage takes."""

    asset: str
    name: str
    width: int
    height: int


class Stored(Asset):
    """A stored picture in the list."""

    bytes: int
    created: float


class AssetList(Told):
    """What was uploaded, newest first; `next` asks for older ones, as `before`."""

    assets: list[Stored]
    next: int | None


# The server


class Health(Told):
    """The server answers."""

    status: Literal["ok"]
    version: str


class Editor(Told):
    """Whether the page was built, and whether its sources have changed since."""

    built: bool
    stale: bool


class Database(Told):
    """Where jobs are kept; `journal` is SQLite's."""

    kind: str
    journal: str


class Device(Told):
    """A device and the process that works on it; `starts` counts its processes."""

    name: str
    state: Literal["starting", "idle", "busy", "down"]
    job: str | None
    starts: int


class Queue(Told):
    """How many jobs wait and run, and how many may wait."""

    queued: int
    running: int
    limit: int


class Tier(Told):
    """How full a tier of the cache is."""

    tier: str
    bytes: int
    limit: int
    entries: int


class System(Told):
    """What this server is made of, and how busy it is."""

    version: str
    python: str
    editor: Editor
    database: Database
    devices: list[Device]
    queue: Queue
    cache: list[Tier]
    budgets: dict[str, int | None]


Nodes.model_rebuild()
