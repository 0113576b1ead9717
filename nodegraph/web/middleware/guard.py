"""The door: no request gets further without a Host, an Origin and a token that are right."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import refuse
from .access import Access, bearer, offered

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({"/v1/health"})
"""What answers without the token, besides the page: everything else needs it."""


class Guard:
    """Refuse what a browser sends for somebody else's page, and what has no token.

    It reads headers and the path of the request line, never the address that the server thinks it
    has: a Host header can write anything into that.
    """

    def __init__(self, app: ASGIApp, access: Access, is_page: Callable[[str], bool]) -> None:
        self.app, self.access, self.is_page = app, access, is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
            return
        status, message = refusal
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        await refuse(scope, send, status, message, headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        hosts = headers_of(scope, b"host")
        if len(hosts) != 1 or not self.access.knows_host(hosts[0]):
            return 403, "this server goes by another name; allow one with --public-url"
        if not self._is_ours(scope, hosts[0]):
            return 403, "a page of another origin may not ask this"
        if self._closed(scope) and not self.access.knows_token(self._token(scope)):
            return 401, "this needs the token, as `Authorization: Bearer …`"
        return None

    def _is_ours(self, scope: Scope, host: str) -> bool:
        """Whether the page that asks is ours. Who only reads is let through: a link may lead here,
        and what is answered stays hidden from a foreign page."""
        if scope["type"] == "http" and scope["method"] in SAFE:
            return True
        origins = headers_of(scope, b"origin")
        if origins:
            return len(origins) == 1 and self.access.knows_origin(origins[0], host)
        # A program sends neither; a browser sends at least one of the two.
        return all(site in ("same-origin", "none") for site in headers_of(scope, b"sec-fetch-site"))

    def _closed(self, scope: Scope) -> bool:
        if not self.access.token:
            return False
        if scope["type"] == "websocket" or scope["method"] not in SAFE:
            return True
        # Letter by letter: whatever only resembles these stays closed.
        return scope["path"] not in OPEN and not self.is_page(scope["path"])

    def _token(self, scope: Scope) -> str:
        tokens = [bearer(text) for text in headers_of(scope, b"authorization")]
        if scope["type"] == "websocket" and not tokens:
            tokens = [offered(",".join(headers_of(scope, b"sec-websocket-protocol")))]
        return tokens[0] if len(tokens) == 1 else ""


def headers_of(scope: Scope, name: bytes) -> list[str]:
    """Every value of a header; latin-1, so that nothing in it can fail."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
