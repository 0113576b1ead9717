"""The head of a request has to come in time: uvicorn alone would wait for it for ever."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import response_of
from .headers import HEADERS, NOTHING

_SENTENCE = "the head of the request came too slowly"


class Heads(H11Protocol):
    """Closes a connection whose next head is not whole in time, however often a bit of it comes.

    Between two requests uvicorn's own time of grace counts until the first byte.
    """

    seconds: ClassVar[float]
    _late: asyncio.TimerHandle | None = None
    _begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._begun = True
            self._await_head()
        else:
            self._head_came()

    def _await_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.seconds, self._close)

    def _head_came(self) -> None:
        self._begun = False
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        if self.transport.is_closing():
            return
        if self._begun:  # a browser that connected in advance takes no answer before it asks
            answer = response_of(408, _SENTENCE, headers={"Connection": "close", **HEADERS})
            answer.headers["Content-Security-Policy"] = NOTHING
            for event in (
                h11.Response(
                    status_code=408, headers=answer.raw_headers, reason=b"Request Timeout"
                ),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def protocol(seconds: float) -> type[H11Protocol]:
    """What uvicorn is to speak HTTP with: a head may take so many seconds."""
    return type("Heads", (Heads,), {"seconds": seconds})
