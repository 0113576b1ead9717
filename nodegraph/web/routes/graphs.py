"""Routes of nodes and models, and of workflows that are looked at without running them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from ...errors import Problem, WorkflowError
from ...graph.schema import describe
from ...jobs import types
from .. import schemas
from ..errors import problems_as_json, refused
from ..services import Services
from .common import BODY, may, router, written


def routes(services: Services) -> APIRouter:
    """The routes."""
    graphs, names = services.graphs, services.names
    api = router(services.limits)

    def redacted(problems: Sequence[Problem]) -> list[types.Problem]:
        return problems_as_json(map(names.problem, problems))

    @api.get(
        "/nodes",
        responses={
            200: {"model": schemas.NodeList, "description": "Every kind of node"},
            304: {"description": "Nothing has changed since"},
            **may(422),
        },
        response_model=None,
        tags=["graphs"],
    )
    def list_nodes(if_none_match: Annotated[str, Header(max_length=200)] = "") -> Response:
        """Every kind of node: ports as JSON Schema, docs, palette groups. It has an ETag."""
        text, tag = described()
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in (part.strip().removeprefix("W/") for part in if_none_match.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(text, headers=headers, media_type="application/json")

    cached: list[tuple[bytes, str]] = []

    def described() -> tuple[bytes, str]:
        if not cached:
            registry = graphs.registry
            whole = {
                "nodes": [describe(kind, registry) for kind in registry.values()],
                "refused": [
                    {"source": names.hide(problem.address), "reason": names.hide(problem.message)}
                    for problem in registry.refused
                ],
            }
            text = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
            cached.append((text, f'"{hashlib.sha256(text).hexdigest()}"'))
        return cached[0]

    @api.get("/models", responses=may(), tags=["graphs"])
    def list_models() -> dict[str, list[schemas.Model]]:
        """The models that are here already, by what they are: `base`, `controlnet`, `lora`, …"""
        with graphs.place():
            found = services.models()
        return {
            sort: [schemas.Model.model_validate(dict(model)) for model in models]
            for sort, models in found.items()
        }

    @api.post("/check", responses=may(*BODY), tags=["graphs"])
    def check(body: schemas.GraphBody) -> schemas.Check:
        """Find every mistake in a workflow without running it."""
        checked = graphs.check(graphs.read(body.workflow), body.only)
        return schemas.Check(
            ok=not checked.problems,
            problems=redacted(checked.problems),
            warnings=redacted(checked.warnings),
            ends=dict(checked.ends),
        )

    @api.post(
        "/explain",
        responses={
            200: {"model": schemas.Explained, "description": "What would run"},
            **may(*BODY),
        },
        response_model=None,
        tags=["graphs"],
    )
    def explain(body: schemas.ExplainBody) -> Response:
        """Tell what would run and what is cached, and why; a workflow with mistakes is refused."""
        try:
            lines = graphs.explain(graphs.read(body.workflow), body.only, body.on_oom)
        except WorkflowError as error:
            raise refused(error) from error
        explained = schemas.Explained(
            lines=[
                schemas.ExplainLine(
                    name=line.name,
                    items=[*line.items],
                    state=line.state,
                    why=names.hide(line.reason),
                )
                for line in lines
            ]
        )
        return written(explained)

    @api.post("/form", responses=may(*BODY), tags=["graphs"])
    def form(body: schemas.FormBody) -> schemas.Form:
        """The params of a workflow as JSON Schema: titles, defaults, limits."""
        workflow = graphs.read(body.workflow)
        schema = graphs.form(workflow)
        return schemas.Form(title=workflow.title, form=schema, results=[*workflow.results])

    return api
