"""The websocket ``/v1/ws``: what a client may say, and how it is served from hello to close."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ...base.strict_json import StrictJsonError, parse_bounded
from ...errors import UserError
from ..middleware.access import SUBPROTOCOL
from ..schemas import Id
from .client import SLOW, Client
from .hub import Hub, event_text

_HELLO = 10.0
_REFUSED = 1008
_AT_A_TIME = 20
"""Events that are sent before others have their turn: sending does not wait where it need not."""
Watched: TypeAlias = Literal["all"] | list[Id]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(_Part):
    """The first message: the last event that the client knows, or null to begin with now."""

    type: Literal["hello"]
    after: Annotated[int, Field(ge=0, le=2**53)] | None = None
    jobs: Watched = "all"
    previews: bool = True


class Subscribe(_Part):
    """Other jobs from now on."""

    type: Literal["subscribe"]
    jobs: Watched


class Ping(_Part):
    """Asks for a pong."""

    type: Literal["ping"]


Message: TypeAlias = Annotated[Hello | Subscribe | Ping, Field(discriminator="type")]
_MESSAGES: TypeAdapter[Hello | Subscribe | Ping] = TypeAdapter(Message)


class _BadMessageError(Exception):
    """A client said what cannot be understood; the text says why."""


async def serve(websocket: WebSocket, hub: Hub) -> None:
    """Serve one client until it leaves or has to."""
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    if len(hub.clients) >= hub.limits.clients:
        await websocket.close(SLOW, "as many clients are connected as may be")
        return
    client = Client(hub.limits)
    hub.clients.add(client)
    try:
        code, reason = await _until_the_end(websocket, hub, client)
    except WebSocketDisconnect:
        return
    finally:
        hub.clients.discard(client)
        hub.watch_previews()
    with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(1):
            await websocket.close(code, reason)


async def _until_the_end(websocket: WebSocket, hub: Hub, client: Client) -> tuple[int, str]:
    """Talk with a client; returns what to close with."""
    try:
        async with asyncio.timeout(_HELLO):
            hello = await _receive(websocket, hub)
    except TimeoutError:
        return _REFUSED, "say hello first"
    except _BadMessageError as error:
        return _REFUSED, str(error)
    if not isinstance(hello, Hello):
        return _REFUSED, "say hello first"
    talking = [
        asyncio.ensure_future(_listen(websocket, hub, client)),
        asyncio.ensure_future(_speak(websocket, hub, client, hello)),
    ]
    try:
        await asyncio.wait([*talking, client.ending], return_when=asyncio.FIRST_COMPLETED)
        if client.ending.done():
            return client.ending.result()
        return next(task.result() for task in talking if task.done())
    finally:
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def _listen(websocket: WebSocket, hub: Hub, client: Client) -> tuple[int, str]:
    """Do what the client says."""
    while True:
        # Its messages come by a queue that is never empty for who sends many: without a pause
        # nobody else would be heard, or answered.
        await asyncio.sleep(hub.limits.listening)
        try:
            message = await _receive(websocket, hub)
        except _BadMessageError as error:
            return _REFUSED, str(error)
        if isinstance(message, Hello):
            return _REFUSED, "hello is said once"
        if isinstance(message, Subscribe):
            client.jobs = None if message.jobs == "all" else frozenset(message.jobs)
        else:
            client.post('{"type": "pong"}')


async def _speak(websocket: WebSocket, hub: Hub, client: Client, hello: Hello) -> tuple[int, str]:
    """Tell the client what it missed, then what happens."""
    client.jobs = None if hello.jobs == "all" else frozenset(hello.jobs)
    client.previews = hello.previews
    hub.watch_previews()
    try:
        await _send(websocket, hub, _text(type="welcome", seq=hub.position, client=client.id))
        await _catch_up(websocket, hub, client, hello.after)
        while True:
            await _send(websocket, hub, await client.next())
    except TimeoutError:
        hub.cut += 1
        return SLOW, "too slow: a message could not be sent in time"
    except UserError as error:  # of the database; the client comes back with its last number
        return SLOW, str(error)


async def _catch_up(websocket: WebSocket, hub: Hub, client: Client, after: int | None) -> None:
    """Send the events since ``after`` from the database, until there are no more."""
    # While this reads, new events only move ``hub.position`` on: the client is not live, so that
    # none goes to its mailbox, and all come from the database in the order of their numbers.
    client.position = hub.position
    if after is not None:
        oldest = await asyncio.to_thread(hub.store.first_seq)
        is_whole = after <= hub.position and (after >= oldest - 1 or after == hub.position)
        if is_whole and hub.position - after <= hub.limits.replay:
            client.position = after
        else:
            await _send(websocket, hub, _text(type="gap", after=client.position))
    while client.position < hub.position:
        events = await hub.read(client.position)
        for event in events:
            if client.wants(event.job):
                await _send(websocket, hub, event_text(hub.names, event))
            client.position = event.seq
            if not event.seq % _AT_A_TIME:
                await asyncio.sleep(0)
        if not events:
            break
    # Nothing is awaited between the last look and this: no event comes in between.
    client.live = True


async def _receive(websocket: WebSocket, hub: Hub) -> Hello | Subscribe | Ping:
    frame = await websocket.receive()
    if frame["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(frame.get("code", 1005))
    text = frame.get("text")
    if text is None or len(text) > hub.limits.message:
        most = hub.limits.message // 2**10
        raise _BadMessageError(f"say it in JSON text of at most {most} KiB")
    try:
        message = _MESSAGES.validate_python(
            parse_bounded(text.encode(), hub.limits.depth, 2 * hub.limits.watched + 100)
        )
    except (StrictJsonError, UnicodeEncodeError) as error:
        raise _BadMessageError("that is not JSON") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise _BadMessageError(f"{field}: {first['msg']}"[:120]) from error
    if isinstance(message, Ping) or message.jobs == "all":
        return message
    if len(message.jobs) > hub.limits.watched:
        raise _BadMessageError(f"jobs: at most {hub.limits.watched} can be asked for by name")
    return message


async def _send(websocket: WebSocket, hub: Hub, message: str | bytes) -> None:
    if websocket.application_state is not WebSocketState.CONNECTED:
        raise WebSocketDisconnect
    async with asyncio.timeout(hub.limits.stalled):
        if isinstance(message, str):
            await websocket.send_text(message)
        else:
            await websocket.send_bytes(message)


def _text(**parts: Any) -> str:
    return json.dumps(parts)
