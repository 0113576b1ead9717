"""The application: routes, refusals, and the layers that every request passes first."""

from __future__ import annotations

import errno
from asyncio import Semaphore
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from fastapi import FastAPI, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import Problem, UserError, WorkflowError
from ..jobs import types
from .errors import ApiError, response_of
from .middleware.bodies import Bodies
from .middleware.guard import Guard
from .middleware.headers import Headers, log
from .middleware.metrics import Counting, Counts
from .page import Page
from .redact import Names
from .routes import assets as routes_assets
from .routes import graphs as routes_graphs
from .routes import jobs as routes_jobs
from .routes import system as routes_system
from .routes import workflows as routes_workflows
from .routes.system import VERSION
from .services import Services
from .socket.protocol import serve
from .workflows.check import MOST_PROBLEMS

STATUSES: Mapping[type[Exception], int] = {
    types.QueueFullError: 429,
    types.KeyReusedError: 409,
    types.StorageFullError: 507,
    types.DatabaseAwayError: 503,
    types.NoSuchJobError: 404,
    types.NoSuchPictureError: 404,
    types.NotFinishedError: 409,
    types.NotQueuedError: 409,
    types.NoSuchAssetError: 404,
}
Handler: TypeAlias = Callable[[Request, Any], Coroutine[Any, Any, Response]]
_ASSETS = {"kind": 415, "size": 413, "damaged": 422}
_ABOUT = "Queue, watch and look at node-graph workflows for image generation."


def create_app(services: Services) -> FastAPI:
    """Put the application together. Nothing is started before its lifespan begins."""
    counts, pages = Counts(), Page(services.page)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.hub.start()
        yield
        await services.hub.stop()

    app = FastAPI(
        title="nodegraph",
        version=VERSION,
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # The first is the outermost.
        middleware=[
            Middleware(Headers),
            Middleware(Counting, counts=counts),
            Middleware(Guard, access=services.access, is_page=pages.has),
            Middleware(Bodies, limits=services.limits),
        ],
        exception_handlers=_handlers(services.names),
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.large = Semaphore(1)
    for part in (routes_graphs, routes_workflows, routes_jobs, routes_assets):
        app.include_router(part.routes(services))
    app.include_router(routes_system.routes(services, counts))

    @app.websocket("/v1/ws")
    async def events(websocket: WebSocket) -> None:
        await serve(websocket, services.hub)

    def page(request: Request) -> Response:
        return pages(request)

    # Last: whatever is not under /v1 is a file of the page, or nothing.
    app.router.routes.append(Route("/{path:path}", page, methods=["GET"]))
    return app


def _handlers(names: Names) -> dict[int | type[Exception], Handler]:
    """Handlers that turn exceptions into refusals, which name no folder of this machine."""

    def answer(
        status: int,
        message: str,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        redacted = [names.problem(problem) for problem in problems[:MOST_PROBLEMS]]
        return response_of(status, names.hide(message), redacted, headers)

    async def http(_: Request, error: HTTPException) -> Response:
        problems = error.problems if isinstance(error, ApiError) else ()
        return answer(error.status_code, error.detail, problems, error.headers)

    async def invalid(_: Request, error: RequestValidationError) -> Response:
        problems = [_problem(detail) for detail in error.errors()]
        if all(problem.address.startswith("path.") for problem in problems):
            return answer(404, "there is nothing of this name")
        return answer(422, "what was sent is not what this takes", problems)

    async def user(_: Request, error: UserError) -> Response:
        if isinstance(error, types.AssetRefusedError):
            return answer(_ASSETS[error.reason], str(error))
        status = STATUSES.get(type(error), 422)
        return answer(
            status, str(error), headers={"Retry-After": "5"} if status in (429, 503) else {}
        )

    async def workflow(_: Request, error: WorkflowError) -> Response:
        return answer(422, str(error).partition("\n")[0], error.problems)

    async def disk(_: Request, error: OSError) -> Response:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return answer(507, "the disk is full; nothing was kept")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            log.error("a request could not be answered", exc_info=error)
            return answer(500, "nothing was kept: the server may not write into its folder")
        log.error("a request could not be answered", exc_info=error)
        return answer(500, "the server made a mistake; its log says which")

    return {
        HTTPException: http,
        RequestValidationError: invalid,
        WorkflowError: workflow,
        UserError: user,
        OSError: disk,
    }


def _problem(error: Mapping[str, object]) -> Problem:
    """A mistake that pydantic found, at the address of the field."""
    loc = error["loc"]
    assert isinstance(loc, tuple)
    parts = loc[1:] if loc[:1] == ("body",) and len(loc) > 1 else loc
    return Problem(".".join(str(part) for part in parts)[:300], str(error["msg"])[:300])
