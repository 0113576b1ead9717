"""Workflows that are kept, by name."""

from __future__ import annotations

from fastapi import APIRouter, Response

from .. import schemas
from ..errors import ApiError
from ..services import Services
from ..workflows.library import Entry
from .common import BODY, IfMatch, IfNoneMatch, WorkflowName, may, router, version_in


def routes(services: Services) -> APIRouter:
    """The routes."""
    graphs = services.graphs
    library = graphs.library
    api = router(services.limits)

    def document(entry: Entry, response: Response) -> schemas.StoredWorkflow:
        response.headers["ETag"] = f'"{entry.version}"'
        workflow = entry.workflow()
        return schemas.StoredWorkflow(
            name=entry.name,
            shipped=entry.shipped,
            version=entry.version,
            workflow=workflow.document(),
        )

    @api.get("/workflows", responses=may(), tags=["workflows"])
    def list_workflows() -> schemas.WorkflowList:
        """Every workflow that was saved, and every one that came with a package."""
        return schemas.WorkflowList(workflows=[_summary(entry) for entry in library.entries()])

    @api.get("/workflows/{name}", responses=may(404, 422), tags=["workflows"])
    def get_workflow(name: WorkflowName, response: Response) -> schemas.StoredWorkflow:
        """A workflow; its ETag is its version."""
        return document(library.get(name), response)

    @api.put(
        "/workflows/{name}",
        responses={
            201: {"model": schemas.StoredWorkflow, "description": "It is new"},
            **may(404, 412, 428, 507, *BODY),
        },
        tags=["workflows"],
    )
    def put_workflow(
        name: WorkflowName,
        body: dict[str, schemas.Json],
        response: Response,
        if_match: IfMatch = "",
        if_none_match: IfNoneMatch = "",
    ) -> schemas.StoredWorkflow:
        """Save a workflow, sound or not: as a new one (`If-None-Match: *`), or in the place of the
        version that it was made from (`If-Match`)."""
        workflow = graphs.read(body)
        entry, new = library.put(
            name, workflow, version_in(if_match), new=if_none_match.strip() == "*"
        )
        response.status_code = 201 if new else 200
        return document(entry, response)

    @api.delete(
        "/workflows/{name}",
        status_code=204,
        responses=may(404, 412, 422, 428, 507),
        tags=["workflows"],
    )
    def delete_workflow(name: WorkflowName, if_match: IfMatch = "") -> None:
        """Delete a saved workflow; the ones that came with a package stay."""
        library.delete(name, version_in(if_match))

    @api.get("/workflows/{name}/form", responses=may(404, 422, 503), tags=["workflows"])
    def get_form(name: WorkflowName) -> schemas.Form:
        """The params of a workflow as JSON Schema: titles, defaults, limits."""
        entry = library.get(name)
        workflow = entry.workflow()
        schema = graphs.form(workflow, entry.path)
        return schemas.Form(title=workflow.title or name, form=schema, results=[*workflow.results])

    return api


def _summary(entry: Entry) -> schemas.WorkflowEntry:
    """A line of the list; a file that is no workflow any more is in it, to be seen and deleted."""
    title, params, results = entry.name, list[str](), list[str]()
    try:
        workflow = entry.workflow()
    except ApiError:
        pass
    else:
        title, params = workflow.title or entry.name, [*workflow.params]
        results = [*workflow.results]
    return schemas.WorkflowEntry(
        name=entry.name,
        title=title,
        shipped=entry.shipped,
        version=entry.version,
        modified=entry.modified,
        params=params,
        results=results,
    )
