"""Bodies and answers as models, which OpenAPI and the editor's types are made from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SkipValidation,
    StringConstraints,
)

from ..graph.schema import NodeKind
from ..jobs.events import AnyEvent
from ..jobs.types import GalleryResult, Job, Problem
from ..savings import OnOom

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Title = Annotated[str, StringConstraints(max_length=200)]
ResultName = Annotated[str, StringConstraints(max_length=200)]
Only = Annotated[
    list[ResultName],
    Field(min_length=1, max_length=1000, description="Results to make, at least one; null: all."),
]
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
OnOomChoice = Annotated[
    OnOom | None,
    Field(description="Where memory does not suffice; without it, what the server does."),
]
Json = Annotated[JsonValue, SkipValidation()]
"""What strict JSON was read to: it is not looked through once more."""
Document = Annotated[
    dict[str, Json],
    Field(
        description="A workflow: `format`, `title`, `nodes`, `params`, `results`, …",
        json_schema_extra={"example": {"format": 1, "nodes": {}}},
    ),
]


class Body(BaseModel):
    """Something that is sent: a name that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Failure(Answer):
    """Why not: a code for programs, a sentence for people, and every mistake at its address."""

    code: str
    message: str
    problems: list[Problem]


class Refusal(Answer):
    """What every answer from 400 on holds."""

    error: Failure


# Looking at graphs


class GraphBody(Body):
    """A workflow to look at, or only what some of its results need."""

    workflow: Document
    only: Only | None = None


class ExplainBody(GraphBody):
    """A workflow whose run is foreseen, under what its job would ask for."""

    on_oom: OnOomChoice = None


class FormBody(Body):
    """A workflow whose params are asked for."""

    workflow: Document


class Check(Answer):
    """Everything that is wrong with a workflow, and what will probably not do as meant.

    Where it names no results, what its `ends` give are its results: their addresses, by name.
    """

    ok: bool
    problems: list[Problem]
    warnings: list[Problem]
    ends: dict[str, str]


class ExplainLine(Answer):
    """What would become of a node's items, and why."""

    name: str
    items: list[int]
    state: Literal["cached", "runs", "waits", "fails"]
    why: str


class Explained(Answer):
    """What a run would do, node by node."""

    lines: list[ExplainLine]


class Form(Answer):
    """A workflow's params, as the JSON Schema of an object, and the names of its results."""

    title: str
    form: dict[str, Any] = Field(serialization_alias="schema")
    results: list[str]


class NodeList(Answer):
    """Every kind of node with its ports, and what could not be loaded."""

    nodes: list[NodeKind]
    refused: list[Refused]


class Refused(Answer):
    """A node or template that cannot be used, and why."""

    source: str
    reason: str


class Model(Answer):
    """A model that is here already, by the name that a node takes.

    `source`: it came with the package, from the hub (as a whole or partly), or lies in a model
    folder. `unfit` says why it cannot be used; it is empty where nothing is known against it.
    """

    name: str
    family: str | None
    built_in: bool
    source: Literal["package", "hub", "partly", "folder"]
    unfit: str


# Workflows that are kept


class WorkflowEntry(Answer):
    """A workflow in the list; of its params and results the first fifty names."""

    name: str
    title: str
    shipped: bool
    version: str
    modified: float
    params: list[str]
    results: list[str]


class WorkflowList(Answer):
    """Every workflow there is: those that were saved, and those that came with packages."""

    workflows: list[WorkflowEntry]


class StoredWorkflow(Answer):
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
    params: Annotated[dict[str, Json], Field(max_length=1000)] = {}
    only: Only | None = None
    priority: Priority = 0
    title: Title = ""
    on_oom: OnOomChoice = None
    time_limit: TimeLimit | None = None
    trial: Annotated[
        bool, Field(description="A try: what it makes is kept apart from the gallery's results.")
    ] = False


class MoveBody(Body):
    """Where a waiting job goes: another priority, or behind another job (null: first)."""

    priority: Priority | None = None
    after: Id | None = None


class JobList(Answer):
    """Jobs, newest first; `next` asks for older ones, as `before`."""

    jobs: list[Job]
    next: int | None


class JobWorkflow(Answer):
    """The workflow that a job runs."""

    workflow: dict[str, Any]


class EventList(Answer):
    """Events in their order; `next` asks for later ones, as `after`."""

    events: list[AnyEvent]
    next: int | None


class GalleryResultList(Answer):
    """Pictures, newest first; `next` asks for older ones, as `before`."""

    results: list[GalleryResult]
    next: int | None


class Asset(Answer):
    """A stored picture; `asset` is its file name, and the path that LoadImage takes."""

    asset: str
    name: str
    width: int
    height: int


class Stored(Asset):
    """A stored picture in the list."""

    bytes: int
    created: float


class AssetList(Answer):
    """What was uploaded, newest first; `next` asks for older ones, as `before`."""

    assets: list[Stored]
    next: int | None


# The server


class Health(Answer):
    """The server answers."""

    status: Literal["ok"]
    version: str


class Editor(Answer):
    """Whether the page was built, and whether its sources have changed since."""

    built: bool
    stale: bool


class Database(Answer):
    """Where jobs are kept; `journal` is SQLite's."""

    kind: str
    journal: str


class Device(Answer):
    """A device and the process that works on it; `starts` counts its processes."""

    name: str
    state: Literal["starting", "idle", "busy", "down"]
    job: str | None
    starts: int


class Queue(Answer):
    """How many jobs wait and run, and how many may wait."""

    queued: int
    running: int
    limit: int


class Tier(Answer):
    """How full a tier of the cache is."""

    tier: str
    bytes: int
    limit: int
    entries: int


class System(Answer):
    """What this server is made of, and how busy it is."""

    version: str
    python: str
    editor: Editor
    database: Database
    devices: list[Device]
    queue: Queue
    cache: list[Tier]
    budgets: dict[str, int | None]


NodeList.model_rebuild()
