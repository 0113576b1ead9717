"""The websocket, behind a real server: order, resume, slow clients, limits, previews."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from nodegraph.jobs.types import Order
from nodegraph.web.limits import Limits
from nodegraph.web.services import Services
from nodegraph.web.socket.mailbox import PICTURES, Mailbox

from ..support.serving import PATIENCE, Running, running, serving

SPOKEN = [Subprotocol("nodegraph.v1")]
LIMITS = Limits(clients=5, mailbox_events=200, mailbox_bytes=2**20, stalled=1.0, replay=1000)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with serving(tmp_path_factory.mktemp("events"), limits=LIMITS) as parts:
        yield parts


@pytest.fixture(scope="module")
def server(services: Services) -> Iterator[Running]:
    with running(services) as server:
        yield server


@contextmanager
def joined(server: Running, **hello: Any) -> Iterator[ClientConnection]:
    """A client that has said hello and was welcomed."""
    with connect(
        f"ws://{server.host}/v1/ws", subprotocols=SPOKEN, max_size=None, compression=None
    ) as talking:
        talking.send(json.dumps({"type": "hello", **hello}))
        assert heard(talking)["type"] == "welcome"
        yield talking


def heard(talking: ClientConnection) -> dict[str, Any]:
    text = talking.recv(timeout=PATIENCE)
    assert isinstance(text, str)
    told: dict[str, Any] = json.loads(text)
    return told


def numbers(talking: ClientConnection, count: int) -> list[int]:
    return [heard(talking)["seq"] for _ in range(count)]


def note(services: Services, *marks: int, job: str | None = None) -> list[int]:
    """Commit events; their numbers."""
    events = services.store.append([(job, "node.progress", {"mark": mark}) for mark in marks])
    return [event.seq for event in events]


def test_events_come_whole_and_in_order(services: Services, server: Running) -> None:
    with joined(server, after=None) as talking:
        expected = [seq for i in range(20) for seq in note(services, i, i)]

        assert numbers(talking, 40) == expected


def test_an_event_says_what_happened_to_what_and_when(services: Services, server: Running) -> None:
    with joined(server, after=None) as talking:
        [seq] = note(services, 7)
        told = heard(talking)

    assert abs(told.pop("time") - time.time()) < 60
    assert told == {
        "type": "event", "seq": seq, "job": None, "kind": "node.progress", "data": {"mark": 7},
    }  # fmt: skip


def test_a_submitted_job_is_told_at_once(services: Services, server: Running) -> None:
    with joined(server, after=None) as talking:
        job, _ = services.store.submit(Order({"format": 1}, title="Mine"))
        told = heard(talking)

    assert (told["job"], told["kind"], told["data"]["title"]) == (job.id, "job.queued", "Mine")


def test_who_comes_back_misses_nothing_and_hears_nothing_twice(
    services: Services, server: Running
) -> None:
    with joined(server, after=None) as talking:
        first = note(services, 1, 2, 3)
        assert numbers(talking, 3) == first
    missed = [seq for i in range(700 // 7) for seq in note(services, *range(7))]
    with joined(server, after=first[1]) as talking:
        later = note(services, 9)

        assert numbers(talking, 702) == [first[2], *missed, *later]


def test_who_comes_back_amid_a_storm_misses_nothing(services: Services, server: Running) -> None:
    """Events are committed while the client is caught up: none falls in between."""
    start = services.store.last_seq()
    storm = threading.Thread(target=lambda: [note(services, i) for i in range(150)])
    storm.start()
    with joined(server, after=start) as talking:
        got = numbers(talking, 150)
    storm.join()

    assert got == list(range(start + 1, start + 151))


def test_a_client_hears_of_the_jobs_it_asked_for(services: Services, server: Running) -> None:
    one, two = "1" * 32, "2" * 32
    with joined(server, after=None, jobs=[one]) as talking:
        [mine], _, [everybodys] = (note(services, 1, job=job) for job in (one, two, None))
        assert numbers(talking, 2) == [mine, everybodys]
        talking.send(json.dumps({"type": "subscribe", "jobs": [two]}))
        talking.send('{"type": "ping"}')
        assert heard(talking) == {"type": "pong"}
        _, second = (note(services, 1, job=job) for job in (one, two))
        assert numbers(talking, 1) == second


@pytest.mark.parametrize("after", [0, 2**50])
def test_who_was_away_for_longer_than_is_kept_is_told_of_a_gap(
    services: Services, server: Running, after: int
) -> None:
    for _ in range(11):
        note(services, *range(100))
    last = services.store.last_seq()
    with joined(server, after=after) as talking:
        assert heard(talking) == {"type": "gap", "after": last}
        later = note(services, 1)
        assert numbers(talking, 1) == later


def test_a_slow_client_is_cut_off_and_the_others_hear_everything(
    services: Services, server: Running
) -> None:
    slow = stuck(server)
    try:
        before = services.hub.cut
        with joined(server, after=None, previews=False) as talking:
            got: list[int] = []
            expected: list[int] = []
            big = "x" * 20_000
            late = time.monotonic() + PATIENCE
            while services.hub.cut == before and time.monotonic() < late:
                events = services.store.append([(None, "node.progress", {"text": big})] * 5)
                expected += [event.seq for event in events]
                got += numbers(talking, 5)
            assert services.hub.cut == before + 1
            assert got == expected
    finally:
        slow.close()
    eventually(lambda: len(services.hub.clients) == 0)


def stuck(server: Running) -> socket.socket:
    """A client that says hello and then reads nothing."""
    name, port = server.host.split(":")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((name, int(port)))
    slow.sendall(
        f"GET /v1/ws HTTP/1.1\r\nHost: {server.host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert slow.recv(2000).startswith(b"HTTP/1.1 101")
    text = json.dumps({"type": "hello", "after": None}).encode()
    slow.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)  # masked by zeros
    time.sleep(0.3)
    return slow


def eventually(true: Any) -> None:
    late = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < late:
        time.sleep(0.02)
    assert true()


def test_one_client_too_many_is_told_to_come_again(services: Services, server: Running) -> None:
    eventually(lambda: not services.hub.clients)
    with ExitStack() as stack:
        for _ in range(LIMITS.clients):
            stack.enter_context(joined(server, after=None))
        code = closed(stack.enter_context(connect(f"ws://{server.host}/v1/ws")))

    assert code == 1013


def closed(talking: ClientConnection) -> int:
    """The code that the server closes with."""
    try:
        while True:
            talking.recv(timeout=PATIENCE)
    except ConnectionClosed as error:
        return error.rcvd.code if error.rcvd else 0


BAD = [
    ("nothing", 1008),
    ("[]", 1008),
    ('{"type": "hello", "after": -1}', 1008),
    ('{"type": "hello", "jobs": ["x"]}', 1008),
    ('{"type": "hello", "jobs": "some"}', 1008),
    ('{"type": "hello", "more": 1}', 1008),
    ('{"type": "ping"}', 1008),
    ('{"type": "hello", "after": NaN}', 1008),
    ("[" * 1000, 1008),
    ('{"type": "hello", "jobs": ' + json.dumps(["0" * 32] * 1001) + "}", 1008),
    (b"\x00\x01", 1008),
    ("x" * (2**20 + 1), 1009),
    (b"x" * (2**20 + 1), 1009),
]


@pytest.mark.parametrize(("said", "code"), BAD, ids=lambda part: repr(part)[:30])
def test_who_talks_nonsense_is_closed(server: Running, said: str | bytes, code: int) -> None:
    with connect(f"ws://{server.host}/v1/ws", compression=None) as talking:
        talking.send(said)

        assert closed(talking) == code


def test_a_client_may_ask_for_as_many_jobs_as_the_server_allows(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(watched=2)) as parts, running(parts) as server:
        with joined(server, after=None, jobs=["1" * 32, "2" * 32]):
            pass
        with connect(f"ws://{server.host}/v1/ws") as talking:
            talking.send(json.dumps({"type": "hello", "jobs": ["1" * 32] * 3}))

            assert closed(talking) == 1008


def test_a_preview_is_a_header_and_a_picture(services: Services, server: Running) -> None:
    job = "3" * 32
    with joined(server, after=None, jobs=[job]) as talking:
        talking.send('{"type": "ping"}')
        assert heard(talking) == {"type": "pong"}
        header = {"node": "s/denoise", "items": [0], "done": 1, "total": 2, "width": 8, "height": 8}
        services.hub.preview("4" * 32, header, b"not mine")
        services.hub.preview(job, header, b"a jpeg")
        frame = talking.recv(timeout=PATIENCE)

    assert isinstance(frame, bytes)
    [length] = struct.unpack_from(">I", frame)
    assert json.loads(frame[4 : 4 + length]) == {"job": job, **header}
    assert frame[4 + length :] == b"a jpeg"


def test_previews_are_made_while_somebody_looks(services: Services, server: Running) -> None:
    eventually(lambda: not services.hub.clients)
    wanted: list[bool] = []
    services.hub.want_previews = wanted.append
    with joined(server, after=None, previews=False):
        pass
    eventually(lambda: not services.hub.clients)
    with joined(server, after=None, previews=True):
        eventually(lambda: wanted[-1:] == [True])
    eventually(lambda: wanted[-1:] == [False])

    assert wanted == [False, False, True, False]


def test_a_server_that_ends_says_so(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as parts,
        running(parts) as server,
        joined(server, after=None) as talking,
    ):
        server.server.should_exit = True
        assert closed(talking) == 1012


# The mailbox, without any network


def taken(box: Mailbox) -> list[str | bytes]:
    found = []
    while (message := box.take()) is not None:
        found.append(message)
    return found


def test_a_newer_preview_takes_the_place_of_an_older_one() -> None:
    box = Mailbox(10, 1000)
    for number in range(100):
        box.show("sample", b"%d" % number)
    box.show("other", b"o")
    box.put("event")

    assert taken(box) == ["event", b"99", b"o"]


def test_previews_of_more_nodes_than_are_kept_lose_the_oldest() -> None:
    box = Mailbox(10, 1000)
    for number in range(PICTURES + 2):
        box.show(number, b"%d" % number)

    assert taken(box)[0] == b"2"


def test_a_mailbox_is_full_by_number_and_by_size() -> None:
    box = Mailbox(2, 10)
    fits = [box.put("a"), box.put("b" * 10), box.put("c"), box.put("d")]

    assert fits == [True, False, True, False]
    assert taken(box) == ["a", "c"]
    assert box.put("e" * 10)
