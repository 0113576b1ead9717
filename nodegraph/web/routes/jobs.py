"""Jobs: submit, list, watch, cancel, move; and the pictures that they made."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from ...errors import WorkflowError
from ...jobs.types import Job, Order
from .. import schemas as models
from ..errors import ApiError, refused
from ..services import Services
from .common import BODY, Before, JobId, may, page_size, router

Key = Annotated[
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

    def told(job: Job) -> models.Job:
        shown = models.Job.model_validate(job)
        if job.error is None:
            return shown
        error = models.JobError.model_validate(names.inside(job.error))
        return shown.model_copy(update={"error": error})

    @api.post(
        "/jobs",
        status_code=201,
        responses={
            200: {"model": models.Job, "description": "The job that the key made before"},
            **may(404, 409, 429, 507, *BODY),
        },
        tags=["jobs"],
    )
    def submit_job(
        body: models.SubmitBody, response: Response, idempotency_key: Key = None
    ) -> models.Job:
        """Queue a run of a workflow. It is on the disk when this answers."""
        job, created = store.submit(ordered(services, body, idempotency_key), limit=most)
        response.status_code = 201 if created else 200
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return told(job)

    @api.get("/jobs", responses=may(422), tags=["jobs"])
    def list_jobs(
        state: models.State | None = None, before: Before = None, limit: int = size_of_page
    ) -> models.JobList:
        """Jobs, newest first."""
        jobs, following = store.list(state, before, limit)
        return models.JobList(jobs=[told(job) for job in jobs], next=following)

    @api.get("/queue", responses=may(422), tags=["jobs"])
    def list_waiting(limit: int = size_of_long_page) -> models.JobList:
        """The jobs that wait, in the order they will run in."""
        return models.JobList(jobs=[told(job) for job in store.waiting(limit)], next=None)

    @api.get("/jobs/{id}", responses=may(404), tags=["jobs"])
    def get_job(id: JobId) -> models.Job:
        """A job as it stands."""
        return told(store.get(id))

    @api.get("/jobs/{id}/workflow", responses=may(404), tags=["jobs"])
    def get_job_workflow(id: JobId) -> models.JobWorkflow:
        """The workflow that a job runs, params set and templates inside."""
        return models.JobWorkflow(workflow=store.workflow_of(id))

    @api.get("/jobs/{id}/events", responses=may(404, 422), tags=["jobs"])
    def list_events(
        id: JobId,
        after: Annotated[int, Query(ge=0, le=2**53, description="What `next` said.")] = 0,
        limit: int = size_of_long_page,
    ) -> models.EventList:
        """What happened to a job, in order."""
        store.get(id)
        events = store.events_after(after, id, limit)
        shown = [
            models.Event.model_validate(one).model_copy(update={"data": names.inside(one.data)})
            for one in events
        ]
        return models.EventList(events=shown, next=events[-1].seq if len(events) == limit else None)

    @api.post("/jobs/{id}/cancel", responses=may(404, 408, 413, 415, 503), tags=["jobs"])
    def cancel_job(id: JobId) -> models.Job:
        """End a job that waits, or stop one that runs within a step. What has ended stays so."""
        return told(store.cancel(id))

    @api.post(
        "/jobs/{id}/retry",
        status_code=201,
        responses=may(404, 408, 413, 415, 429, 503, 507),
        tags=["jobs"],
    )
    def retry_job(id: JobId) -> models.Job:
        """Queue the same once more, as a new job; what is known is not computed again."""
        return told(store.retry(id, limit=most))

    @api.patch("/jobs/{id}", responses=may(404, 409, 507, *BODY), tags=["jobs"])
    def move_job(id: JobId, body: models.MoveBody) -> models.Job:
        """Change the place of a job that waits."""
        after = (body.after or "") if "after" in body.model_fields_set else None
        return told(store.move(id, priority=body.priority, after=after))

    @api.delete("/jobs/{id}", status_code=204, responses=may(404, 409, 507), tags=["jobs"])
    def delete_job(id: JobId) -> None:
        """Forget a job that has ended; its pictures stay as long as something else shows them."""
        store.delete(id)

    @api.get("/results", responses=may(422), tags=["results"])
    def list_results(before: Before = None, limit: int = size_of_page) -> models.ShownList:
        """The pictures of all jobs, newest first."""
        found, following = store.results(before, limit)
        return models.ShownList(results=found, next=following)

    return api


def ordered(services: Services, body: models.SubmitBody, key: str | None) -> Order:
    """What is to be queued: the whole workflow, its params set, known to be sound.

    Raises:
        ApiError: there is no such workflow, or it cannot run; every mistake is named.
    """
    graphs = services.graphs
    if (body.workflow is None) == (body.name is None):
        raise ApiError(422, "send either a workflow, or the name of a kept one")
    if body.name is not None:
        entry = graphs.library.get(body.name)
        workflow, path = entry.workflow(), entry.path
    else:
        workflow, path = graphs.read(body.workflow or {}), None
    try:
        with graphs.turn():
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
    )
