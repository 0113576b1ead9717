"""Jobs: submit, list, watch, cancel, move; and the pictures that they made."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response

from ...errors import WorkflowError
from ...jobs.types import GalleryResult, Job, Order, Shelf
from .. import schemas
from ..errors import ApiError, refused
from ..services import Services
from ..workflows.size import check_params
from .common import BODY, Before, JobId, ResultId, may, page_size, router

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A name of your own for this order: sent twice, it makes one job.",
    ),
]


def routes(services: Services) -> APIRouter:
    """The routes."""
    store, names, most = services.store, services.names, services.limits.queue
    api = router(services.limits)
    size_of_page, size_of_long_page = page_size(services.limits), page_size(services.limits, 200)

    def redacted(job: Job) -> Job:
        return job if job.error is None else replace(job, error=names.inside(job.error))

    @api.post(
        "/jobs",
        status_code=201,
        responses={
            200: {"model": Job, "description": "The job that the key made before"},
            **may(404, 409, 429, 507, *BODY),
        },
        tags=["jobs"],
    )
    def submit_job(
        body: schemas.SubmitBody, response: Response, idempotency_key: IdempotencyKey = None
    ) -> Job:
        """Queue a run of a workflow. It is on the disk when this answers."""
        job, created = store.submit(order_of(services, body, idempotency_key), limit=most)
        response.status_code = 201 if created else 200
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return redacted(job)

    @api.get("/jobs", responses=may(422), tags=["jobs"])
    def list_jobs(
        state: schemas.State | None = None, before: Before = None, limit: int = size_of_page
    ) -> schemas.JobList:
        """Jobs, newest first."""
        jobs, following = store.list(state, before, limit)
        return schemas.JobList(jobs=[redacted(job) for job in jobs], next=following)

    @api.get("/queue", responses=may(422), tags=["jobs"])
    def list_waiting(limit: int = size_of_long_page) -> schemas.JobList:
        """The jobs that wait, in the order they will run in."""
        return schemas.JobList(jobs=[redacted(job) for job in store.waiting(limit)], next=None)

    @api.get("/jobs/{id}", responses=may(404), tags=["jobs"])
    def get_job(id: JobId) -> Job:
        """A job as it stands."""
        return redacted(store.get(id))

    @api.get(
        "/jobs/{id}/workflow",
        responses={
            200: {"model": schemas.JobWorkflow, "description": "The workflow"},
            **may(404),
        },
        response_model=None,
        tags=["jobs"],
    )
    def get_job_workflow(id: JobId) -> Response:
        """The workflow that a job runs, params set and templates inside."""
        # As it is kept, and not made anything of: it may be large.
        text = f'{{"workflow":{store.workflow_text(id)}}}'
        return Response(text, media_type="application/json")

    @api.get(
        "/jobs/{id}/events",
        responses={
            200: {"model": schemas.EventList, "description": "Events"},
            **may(404, 422),
        },
        response_model=None,
        tags=["jobs"],
    )
    def list_events(
        id: JobId,
        after: Annotated[int, Query(ge=0, le=2**53, description="What `next` said.")] = 0,
        limit: int = size_of_long_page,
    ) -> Response:
        """What happened to a job, in order."""
        store.get(id)
        events = store.events_after(after, id, limit)
        values = [{**asdict(event), "data": names.inside(event.data)} for event in events]
        following = events[-1].seq if len(events) == limit else None
        # As they were logged, be it by an earlier version: nothing is checked or left out.
        text = json.dumps({"events": values, "next": following})
        return Response(text, media_type="application/json")

    @api.post("/jobs/{id}/cancel", responses=may(404, 408, 413, 415, 503), tags=["jobs"])
    def cancel_job(id: JobId) -> Job:
        """End a job that waits, or stop one that runs within a step. What has ended stays so."""
        return redacted(store.cancel(id))

    @api.post(
        "/jobs/{id}/retry",
        status_code=201,
        responses=may(404, 408, 413, 415, 429, 503, 507),
        tags=["jobs"],
    )
    def retry_job(id: JobId) -> Job:
        """Queue the same once more, as a new job; what is known is not computed again."""
        return redacted(store.retry(id, limit=most))

    @api.patch("/jobs/{id}", responses=may(404, 409, 507, *BODY), tags=["jobs"])
    def move_job(id: JobId, body: schemas.MoveBody) -> Job:
        """Change the place of a job that waits."""
        after = (body.after or "") if "after" in body.model_fields_set else None
        return redacted(store.move(id, priority=body.priority, after=after))

    @api.delete("/jobs/{id}", status_code=204, responses=may(404, 409, 507), tags=["jobs"])
    def delete_job(id: JobId) -> None:
        """Forget a job that has ended; the pictures that it made stay in the gallery."""
        store.delete(id)

    @api.get("/results", responses=may(422), tags=["results"])
    def list_results(
        before: Before = None,
        limit: int = size_of_page,
        shelf: Annotated[
            Shelf, Query(description="Those of whole runs, those of tries, or those deleted.")
        ] = "results",
    ) -> schemas.GalleryResultList:
        """The pictures of all jobs, also of deleted ones, newest first."""
        results, following = store.results(before, limit, shelf)
        return schemas.GalleryResultList(results=results, next=following)

    @api.delete("/results/{id}", status_code=204, responses=may(404, 422, 507), tags=["results"])
    def delete_result(
        id: ResultId,
        forever: Annotated[
            Literal["0", "1"], Query(description="1: for good, without the bin.")
        ] = "0",
    ) -> None:
        """Put a picture into the bin: for seven days it can be put back, then it is gone."""
        if forever == "1":
            store.forget_result(id)
        else:
            store.delete_result(id)

    @api.post(
        "/results/{id}/restore", responses=may(404, 408, 413, 415, 422, 503, 507), tags=["results"]
    )
    def restore_result(id: ResultId) -> GalleryResult:
        """Put a deleted picture back to where it was."""
        return store.restore_result(id)

    return api


def order_of(services: Services, body: schemas.SubmitBody, key: str | None) -> Order:
    """The order in a body: the workflow made whole, its params set, and planned once to be sure.

    Raises:
        ApiError: there is no such workflow, or it cannot run; every mistake is named.
    """
    graphs = services.graphs
    if (body.workflow is None) == (body.name is None):
        raise ApiError(422, "send either a workflow, or the name of a kept one")
    if body.name is not None:
        entry = graphs.library.get(body.name)
        with graphs.place():
            workflow, path = entry.workflow(), entry.path
    else:
        workflow, path = graphs.read(body.workflow or {}), None
    try:
        check_params(workflow, body.params, services.limits)
        with graphs.place():
            ready = graphs.ready(workflow.fill(body.params), path)
            graphs.plan(ready, body.only)
    except WorkflowError as error:
        raise refused(error) from error
    return Order(
        workflow=ready.workflow.document(),
        title=body.title or workflow.title or body.name or "",
        only=body.only,
        priority=body.priority,
        key=key,
        on_oom=body.on_oom,
        time_limit=body.time_limit,
        trial=body.trial,
    )
