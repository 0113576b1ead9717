"""Refusals: a code for programs, a sentence for people, and every problem at its address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope, Send

from ..errors import Problem, WorkflowError
from ..jobs import types

CODES: Mapping[int, str] = {
    400: "malformed",
    401: "needs_token",
    403: "not_allowed",
    404: "not_found",
    405: "wrong_method",
    408: "too_slow",
    409: "conflict",
    412: "changed_meanwhile",
    413: "too_large",
    415: "wrong_type",
    422: "refused",
    428: "needs_version",
    429: "queue_full",
    500: "broken",
    503: "busy",
    507: "disk_full",
}


class ApiError(HTTPException):
    """An answer that is a refusal; ``problems`` name what is wrong where."""

    def __init__(
        self,
        status: int,
        message: str,
        problems: Iterable[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.problems = tuple(problems)


def refused(error: WorkflowError) -> ApiError:
    """A workflow that cannot run."""
    return ApiError(422, str(error).partition("\n")[0], error.problems)


def body_of(status: int, message: str, problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """The JSON of a refusal."""
    code, listed = CODES.get(status, "refused"), problems_as_json(problems)
    message = cut(message, 1000)
    return {"error": {"code": code, "message": message, "problems": listed}}


def problems_as_json(problems: Iterable[Problem]) -> list[types.Problem]:
    """Problems as JSON objects, long ones cut: they quote what was sent."""
    return list(map(_as_json, problems))


def _as_json(problem: Problem) -> types.Problem:
    address, message = cut(problem.address, 300), cut(problem.message, 1000)
    entry = types.Problem(address=address, message=message)
    if problem.severity != "error":
        entry["severity"] = problem.severity
    if problem.fix:
        entry["fix"] = types.Fix(label=problem.fix.label, inputs=dict(problem.fix.inputs))
    return entry


def cut(text: str, most: int) -> str:
    """The text, or its beginning where it has more letters than ``most``."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def response_of(
    status: int,
    message: str,
    problems: Iterable[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer of a refusal."""
    # A lone surrogate, repeated from what was sent, cannot be written in UTF-8.
    text = json.dumps(body_of(status, message, problems), ensure_ascii=False)
    data = text.encode("utf-8", "replace")
    return Response(data, status, headers, media_type="application/json")


async def refuse(
    scope: Scope, send: Send, status: int, message: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer without asking the application; a websocket is refused before it is accepted."""
    response = response_of(status, message, headers=headers)
    kind = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        kind = "websocket.http.response"
    await send({"type": f"{kind}.start", "status": status, "headers": response.raw_headers})
    await send({"type": f"{kind}.body", "body": response.body})
