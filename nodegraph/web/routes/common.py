"""Parts of all routes: strict JSON, parameters by name, and the refusals they may answer."""

from __future__ import annotations

from asyncio import Semaphore, timeout
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Header, Query
from fastapi import Path as InPath
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ...base.gc_pause import pause_gc
from ...base.strict_json import StrictJsonError, parse_bounded
from ..errors import CODES, ApiError
from ..limits import Limits
from ..schemas import Refusal
from ..workflows.capacity import PATIENCE, busy

_FIELDS = 100
"""Fields of a body: those that are none of its own are told one by one."""
ALWAYS = (400, 401, 403, 422, 500, 503)
BODY = (408, 413, 415, 503)
WORDS: Mapping[int, str] = {
    400: "What was sent cannot be read",
    401: "The token is missing or wrong",
    403: "Not from here, or not this",
    404: "There is none",
    405: "This address takes other methods",
    408: "The body came too slowly",
    409: "It is not in a state for that",
    412: "It was changed meanwhile",
    413: "Too large",
    415: "Of another type than is taken",
    422: "Understood, but wrong; `problems` say where",
    428: "Say which version is meant",
    429: "The queue is full; try again later",
    500: "The server made a mistake",
    503: "Busy; try again later",
    507: "The disk is full; nothing was kept",
}

JobId: TypeAlias = Annotated[str, InPath(pattern=r"^[0-9a-f]{32}$", description="A job's id.")]
ResultId: TypeAlias = Annotated[
    int, InPath(ge=1, le=2**53, description="A picture's number, its `id` in a list.")
]
FileName: TypeAlias = Annotated[
    str, InPath(pattern=r"^[0-9a-f]{64}\.(png|jpg|webp)$", description="An asset's file name.")
]
WorkflowName: TypeAlias = Annotated[
    str, InPath(description="A workflow's name: any text without / and \\, at most 120 letters.")
]
Before: TypeAlias = Annotated[
    int | None, Query(ge=0, le=2**53, description="What `next` said: those that are older.")
]
IfMatch: TypeAlias = Annotated[
    str, Header(max_length=200, description='The version that is meant, as `"version"`.')
]
IfNoneMatch: TypeAlias = Annotated[
    str, Header(max_length=200, description="`*` where it must not be there yet.")
]


def router(limits: Limits) -> APIRouter:
    """A router of routes under ``/v1``, whose JSON bodies are read strictly."""

    class StrictRequest(Request):
        async def json(self) -> Any:
            body = await self.body()
            try:
                if len(body) <= limits.small:
                    return _read(body, limits)
                # Not in the thread of the event loop: others are answered meanwhile.
                return await run_in_threadpool(_read, body, limits)
            except StrictJsonError as error:
                raise ApiError(400, f"the body {error}") from error

    class StrictRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_strictly(request: Request) -> Response:
                strict = StrictRequest(request.scope, request.receive)
                if not await _is_large(strict, limits):
                    return await handle(strict)
                # What is made of a large body takes some hundred megabytes, so one is read, looked
                # at and answered after the other. Nearly all of it is no cycle, and nobody else is
                # answered while the collector looks through it.
                async with _turn(request.app.state.large):
                    with pause_gc():
                        answer = await handle(strict)
                        del strict  # with all that was read, before the collector is back
                        return answer

            return handle_strictly

    return APIRouter(prefix="/v1", route_class=StrictRoute, redirect_slashes=False)


def _read(body: bytes, limits: Limits) -> Any:
    value = parse_bounded(body, limits.depth, limits.values)
    if isinstance(value, dict) and len(value) > _FIELDS:
        raise ApiError(422, f"the body has {len(value)} fields; no body has more than {_FIELDS}")
    return value


async def _is_large(request: Request, limits: Limits) -> bool:
    """Whether it brings JSON that takes much memory; pictures have turns of their own."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return False
    return len(await request.body()) > limits.small


@asynccontextmanager
async def _turn(large: Semaphore) -> AsyncIterator[None]:
    """Wait for a turn, for as long as others wait for a place (see Capacity)."""
    try:
        async with timeout(PATIENCE):
            await large.acquire()
    except TimeoutError:
        raise busy() from None
    try:
        yield
    finally:
        large.release()


def page_size(limits: Limits, default: int = 50) -> Any:
    """The query parameter ``limit`` of a list, as the default value that FastAPI reads."""
    return Query(min(default, limits.page), ge=1, le=limits.page, description="At most so many.")


def may(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that a route may answer, as OpenAPI lists them."""
    refusals = sorted({*ALWAYS, *statuses})
    assert all(status in CODES for status in refusals)
    return {status: {"model": Refusal, "description": WORDS[status]} for status in refusals}


def written(
    answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A large answer as bytes, written in the thread that made it and not in the event loop."""
    return Response(answer.model_dump_json(), status, headers, media_type="application/json")


def version_in(header: str) -> str:
    """The version in an If-Match header, without its quotes; empty where there is none."""
    return header.strip().removeprefix("W/").strip('"')
