"""Every open websocket, and the events and previews that go to each."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import UserError
from ...jobs.store import Store
from ...jobs.types import Event
from ..limits import Limits
from ..redact import Names
from .client import Client

POLL = 0.25
"""Seconds between looks at a database that other servers write to."""
RETRY = 1.0
"""Seconds after which a database is asked again that did not answer."""
_PAGE = 100


class Hub:
    """Passes on what the store commits, in the order of the sequence numbers, none left out.

    It waits for nobody: each client has a mailbox of its own, and one whose mailbox is full is cut
    off rather than slow down the others. It loses nothing by that, since the log has every event:
    it says its last number when it comes back.

    All but ``heard`` and ``preview`` belong to the thread of the event loop.
    """

    def __init__(self, store: Store, names: Names, limits: Limits) -> None:
        self.store, self.names, self.limits = store, names, limits
        self.clients: set[Client] = set()
        self.position = 0
        self.cut = 0
        self.want_previews: Callable[[bool], None] = lambda _: None
        self._reading = asyncio.Semaphore(limits.catching_up)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._behind = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin to listen: what is committed from now on is passed on."""
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = self.store.subscribe(self.heard)
        self.position = await asyncio.to_thread(self.store.last_seq)
        self._tasks.append(asyncio.create_task(self._read_on()))
        if self.store.kind != "sqlite":
            self._tasks.append(asyncio.create_task(self._poll()))

    async def stop(self) -> None:
        """Listen no more, and tell everybody that the server restarts."""
        self._unsubscribe()
        self._loop = None
        for task in self._tasks:
            task.cancel()
        for client in list(self.clients):
            client.end(1012, "the server is being stopped")

    def heard(self, events: Sequence[Event]) -> None:
        """Take new events, in whichever thread wrote them."""
        self._in_loop(self._take, events)

    def preview(self, job: str, header: Mapping[str, Any], jpeg: bytes) -> None:
        """Take a preview, in whichever thread made it."""
        self._in_loop(self._show, job, header, jpeg)

    def watch_previews(self) -> None:
        """Let the workers make previews for as long as somebody looks at them."""
        self.want_previews(any(client.previews for client in self.clients))

    def _in_loop(self, call: Callable[..., None], *arguments: Any) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(call, *arguments)

    def _take(self, events: Sequence[Event]) -> None:
        # Commits of this process come in their order, but the database numbers those of other
        # processes in between; and what was just read from the database may come here once more.
        new = [event for event in events if event.seq > self.position]
        if not new:
            return
        expected = range(self.position + 1, self.position + 1 + len(new))
        if [event.seq for event in new] == list(expected):
            self._pass_on(new)
        else:  # another process wrote in between: the database has the whole story
            self._behind.set()

    def _pass_on(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.seq <= self.position:
                continue
            self.position = event.seq
            text: str | None = None  # written once, however many there are to hear it
            for client in list(self.clients):
                if client.live and event.seq > client.position and client.wants(event.job):
                    text = text or event_text(self.names, event)
                    self.cut += not client.post(text)

    def _show(self, job: str, header: Mapping[str, Any], jpeg: bytes) -> None:
        key = (job, header.get("node"), tuple(header.get("items") or ()))
        frame: bytes | None = None
        for client in self.clients:
            if client.live and client.previews and client.wants(job):
                frame = frame or framed({"job": job, **header}, jpeg)
                client.show(key, frame)

    async def _read_on(self) -> None:
        """Read from the database what came neither whole nor in order."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            try:
                while events := await self.read(self.position):
                    self._pass_on(events)
            except UserError:  # of the database, which says so in the log: it has them later, too
                await asyncio.sleep(RETRY)
                self._behind.set()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            self._behind.set()

    async def read(self, after: int) -> Sequence[Event]:
        """A page of events from the database, for a few who ask at once."""
        async with self._reading:
            return await asyncio.to_thread(self.store.events_after, after, None, _PAGE)


def event_text(names: Names, event: Event) -> str:
    """An event as it is sent: its fields as JSON, without the folders of this machine."""
    return json.dumps(
        {
            "type": "event",
            "seq": event.seq,
            "job": event.job,
            "time": event.time,
            "kind": event.kind,
            "data": names.inside(event.data),
        },
        ensure_ascii=False,
    )


def framed(header: Mapping[str, Any], jpeg: bytes) -> bytes:
    """A preview as it is sent: the length of the header, the header, the picture."""
    text = json.dumps(header, ensure_ascii=False).encode()
    return struct.pack(">I", len(text)) + text + jpeg
