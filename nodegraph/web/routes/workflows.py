"""Workflows that are kept, by name."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ...base.gc_pause import pause_gc
from .. import schemas
from ..services import Services
from ..workflows.library import Entry
from .common import BODY, IfMatch, IfNoneMatch, WorkflowName, may, router, version_in, written


def routes(services: Services) -> APIRouter:
    """The routes."""
    graphs = services.graphs
    library = graphs.library
    api = router(services.limits)

    @pause_gc()
    def document(entry: Entry, status: int = 200) -> Response:
        # Read and written here, a few at once: it may be large, and in the event loop everybody
        # else would wait for it.
        with graphs.place():
            stored = schemas.StoredWorkflow(
                name=entry.name,
                shipped=entry.shipped,
                version=entry.version,
                workflow=entry.workflow().document(),
            )
            return written(stored, status, {"ETag": f'"{entry.version}"'})

    @api.get("/workflows", responses=may(), tags=["workflows"])
    def list_workflows() -> schemas.WorkflowList:
        """Every workflow that was saved, and every one that came with a package."""
        with graphs.place():
            listed = map(schemas.WorkflowEntry.model_validate, library.summaries())
            return schemas.WorkflowList(workflows=[*listed])

    @api.get(
        "/workflows/{name}",
        responses={
            200: {"model": schemas.StoredWorkflow, "description": "The workflow"},
            **may(404, 422),
        },
        response_model=None,
        tags=["workflows"],
    )
    def get_workflow(name: WorkflowName) -> Response:
        """A workflow; its ETag is its version."""
        return document(library.get(name))

    @api.put(
        "/workflows/{name}",
        responses={
            200: {"model": schemas.StoredWorkflow, "description": "It replaces the version meant"},
            201: {"model": schemas.StoredWorkflow, "description": "It is new"},
            **may(404, 412, 428, 507, *BODY),
        },
        response_model=None,
        tags=["workflows"],
    )
    def put_workflow(
        name: WorkflowName,
        body: dict[str, schemas.Json],
        if_match: IfMatch = "",
        if_none_match: IfNoneMatch = "",
    ) -> Response:
        """Save a workflow, sound or not: as a new one (`If-None-Match: *`), or in the place of the
        version that it was made from (`If-Match`)."""
        workflow = graphs.read(body)
        entry, new = library.put(
            name, workflow, version_in(if_match), new=if_none_match.strip() == "*"
        )
        return document(entry, 201 if new else 200)

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
        with graphs.place():
            workflow = entry.workflow()
        schema = graphs.form(workflow, entry.path)
        return schemas.Form(title=workflow.title or name, form=schema, results=[*workflow.results])

    return api
