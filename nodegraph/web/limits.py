"""Bounds on what one request, one client and all of them together may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.budget import Bounds

_EXPANDED = Bounds(calls=40_000, entries=200_000, letters=32 * 2**20, items=100_000, seconds=10.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of the server.

    Attributes:
        body: Bytes of a JSON body.
        asset: Bytes of an uploaded picture.
        bodies: Bytes of all bodies that are being received at once.
        small: Bytes of a JSON body that is read as it comes; larger ones one after the other.
        values: Numbers, texts, lists and so on in a JSON body, in and out of one another.
        depth: How deep JSON may be nested; a workflow needs less than ten levels.
        nodes: Calls in a workflow, those of the templates inside it included.
        params: Its params, likewise.
        links: The values and links of all its calls and the inputs its params set, likewise.
        inputs: Values and links of one call.
        expanded: What it may grow to when its templates are written out, and how long that may
            take (see Bounds).
        workflows: Workflows that are kept.
        head: Seconds that the head of a request may take.
        patience: Seconds that a body may take before it must also keep up ``rate``.
        rate: Bytes a second that a long body must bring.
        clients: Websockets at once.
        message: Bytes of one message from a websocket.
        listening: Seconds between two messages of a websocket that are listened to.
        catching_up: Websockets for which events are read from the database at once.
        watched: Jobs that one websocket may ask for by name.
        mailbox_events: Events that may wait for one slow websocket.
        mailbox_bytes: The same in bytes, previews not counted.
        stalled: Seconds that one message to a websocket may take.
        replay: Events that a websocket is told again after it was away; more is a gap.
        page: Entries of a list in one answer.
        queue: Jobs that may wait.
        checks: Workflows that are checked, explained or described at once.
        pictures: Pictures that are decoded at once; each may take some hundred megabytes.
        waiting: As many more may wait for either; forty requests are answered at once.
    """

    body: int = 8 * 2**20
    small: int = 64 * 2**10
    values: int = 300_000
    asset: int = 32 * 2**20
    bodies: int = 256 * 2**20
    depth: int = 64
    nodes: int = 20_000
    params: int = 1000
    links: int = 100_000
    inputs: int = 10_000
    expanded: Bounds = _EXPANDED
    workflows: int = 1000
    head: float = 10.0
    patience: float = 5.0
    rate: int = 64 * 2**10
    clients: int = 100
    message: int = 64 * 2**10
    listening: float = 0.01
    catching_up: int = 4
    watched: int = 1000
    mailbox_events: int = 1000
    mailbox_bytes: int = 8 * 2**20
    stalled: float = 5.0
    replay: int = 20_000
    page: int = 200
    queue: int = 1000
    checks: int = 4
    pictures: int = 2
    waiting: int = 14
