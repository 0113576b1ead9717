"""One websocket as the hub sees it: what it asked for, how far it is, and what waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from uuid import uuid4

from ..limits import Limits
from .mailbox import Mailbox

SLOW = 1013


class Client:
    """A listener.

    Attributes:
        jobs: The ids it asked for; None for all.
        position: The last event it was told, or passed over.
        live: Whether it has caught up, so that new events come by its mailbox.
        ending: The code and the reason it is to be closed with.
    """

    def __init__(self, limits: Limits) -> None:
        self.id = uuid4().hex
        self.jobs: frozenset[str] | None = frozenset()
        self.previews = False
        self.position = 0
        self.live = False
        self.ending: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._mailbox = Mailbox(limits.mailbox_events, limits.mailbox_bytes)
        self._wake = asyncio.Event()

    def wants(self, job: str | None) -> bool:
        """Whether an event of this job is for it; what belongs to no job is for everybody."""
        return job is None or self.jobs is None or job in self.jobs

    def post(self, text: str) -> bool:
        """Put an event into its mailbox; where that is full, the client is cut off."""
        if self.ending.done():
            return True
        fits = self._mailbox.put(text)
        if not fits:
            self.end(SLOW, "too slow: more waited than may; say your last number and come back")
        self._wake.set()
        return fits

    def show(self, key: Hashable, frame: bytes) -> None:
        """Put a preview into its mailbox."""
        if not self.ending.done():
            self._mailbox.show(key, frame)
            self._wake.set()

    def end(self, code: int, reason: str) -> None:
        """Close it, now; nothing more is sent."""
        if not self.ending.done():
            self.ending.set_result((code, reason))

    async def next(self) -> str | bytes:
        """What is to be sent next, as soon as there is something."""
        while (message := self._mailbox.take()) is None:
            self._wake.clear()
            await self._wake.wait()
        return message
