"""Headers that every answer carries, and the answer when the server itself fails."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import refuse

log = logging.getLogger("nodegraph.web")

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""The policy of answers that are no page: a browser that shows one runs and loads nothing."""
PAGE = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline';"
    " object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The policy of the editor: only from here, only what was built."""
CONTENT = f"sandbox; {NOTHING}"
"""The policy of what people uploaded or made."""


class Headers:
    """Put the headers on every answer; log a mistake of ours, but keep its insides."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        began = False

        async def send_complete(message: Message) -> None:
            nonlocal began
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                began = True
                _complete(message)
            elif message["type"] in ("websocket.accept", "websocket.close"):
                began = True
            await send(message)

        try:
            await self.app(scope, receive, send_complete)
        except Exception:
            log.exception("a request could not be answered")
            if not began:
                await refuse(
                    scope, send_complete, 500, "the server made a mistake; its log says which"
                )


def _complete(message: Message) -> None:
    headers = MutableHeaders(raw=list(message["headers"]))
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", NOTHING)
    headers.setdefault("Cache-Control", "no-store")
    message["headers"] = headers.raw
