"""Bodies of requests: of the right type, not too large or slow, read before anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import refuse
from ..limits import Limits
from .guard import SAFE, headers_of

JSON = ("application/json",)
PICTURES: Mapping[str, str] = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
UPLOADS = "/v1/assets"
"""The only path that takes pictures; all others take JSON."""


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Bodies:
    """Read the whole body within its limits, then let the application have it.

    A body of the wrong type is not read at all. There is no parser of forms here: what a page of
    another origin can send without being asked, a form or plain text, is never understood.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits, self.held = app, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = bytearray()
        try:
            try:
                await self._read(scope, receive, body)
            except _RefusedError as error:
                # What is still on its way is not read, so the connection is of no further use.
                close = {"Connection": "close", "Retry-After": "5"}
                if error.status != 503:
                    del close["Retry-After"]
                await refuse(scope, send, error.status, error.message, close)
                return
            await self.app(scope, _Replay(bytes(body), receive), send)
        finally:
            self.held -= len(body)

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> None:
        length = _length(scope)
        if length == 0:
            return
        if scope["method"] in SAFE:
            raise _RefusedError(400, f"{scope['method']} takes no body")
        upload = scope["path"] == UPLOADS and scope["method"] == "PUT"
        _check_type(scope, tuple(PICTURES) if upload else JSON)
        most = self.limits.asset if upload else self.limits.body
        if length is not None and length > most:
            raise _RefusedError(413, _too_large(most))
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            due = began + self.limits.patience + len(body) / self.limits.rate
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError:
                raise _RefusedError(408, "the body came too slowly") from None
            if message["type"] == "http.disconnect":
                raise _RefusedError(400, "the connection was closed amid the body")
            part = message.get("body", b"")
            self.held += len(part)
            body += part
            if len(body) > most:
                raise _RefusedError(413, _too_large(most))
            if self.held > self.limits.bodies:
                raise _RefusedError(503, "too much is being uploaded at once; try again")
            if not message.get("more_body", False):
                return


class _Replay:
    """Give a body once, then only what the connection says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body: bytes | None = body
        self.receive = receive

    async def __call__(self) -> Message:
        if self.body is None:
            return await self.receive()
        body, self.body = self.body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _length(scope: Scope) -> int | None:
    """The bytes that a body is said to have; None where that is not said, 0 where there is none."""
    if headers_of(scope, b"transfer-encoding"):
        return None
    lengths = headers_of(scope, b"content-length")
    if not lengths:
        return 0
    length = lengths[0]
    if len(lengths) > 1 or not (length.isascii() and length.isdecimal()) or len(length) > 15:
        raise _RefusedError(400, "Content-Length should be one number")
    return int(length)


def _check_type(scope: Scope, allowed: tuple[str, ...]) -> None:
    types = headers_of(scope, b"content-type")
    kind, _, parameters = (types[0] if len(types) == 1 else "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    fits = kind.strip().lower() in allowed and charset in ("", "charset=utf-8")
    if not fits or headers_of(scope, b"content-encoding"):
        raise _RefusedError(415, f"this takes {' or '.join(allowed)}, as Content-Type says it")


def _too_large(most: int) -> str:
    return f"the body is too large; at most {most // 2**20} MiB are taken"
