"""A connection that does not say what it wants is closed in time, and keeps nobody waiting."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from websockets.sync.client import connect

from nodegraph.web.limits import Limits

from ..support.serving import HOST, PATIENCE, Running, raw, running, serving

HEAD = 1.5
WHOLE = f"GET /v1/health HTTP/1.1\r\nHost: {HOST}\r\n".encode()
LAST = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, limits = tmp_path_factory.mktemp("heads"), Limits(head=HEAD, patience=PATIENCE)
    with serving(folder, limits=limits) as parts, running(parts) as server:
        yield server


def opened(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def answer_of(talking: socket.socket) -> bytes:
    """One whole answer; head and body may come in pieces."""
    head, body = b"", b""
    while b"\r\n\r\n" not in head:
        head += talking.recv(4096)
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
    while len(body) < int(length.partition(b":")[2]):
        body += talking.recv(4096)
    return head


def rest(talking: socket.socket) -> bytes:
    """All that still comes until the server closes the connection."""
    answer = b""
    with suppress(ConnectionResetError):
        while piece := talking.recv(65536):
            answer += piece
    return answer


def test_sixty_half_open_requests_are_closed_while_others_are_answered(server: Running) -> None:
    with ExitStack() as stack:
        open_ones = [stack.enter_context(opened(server)) for _ in range(60)]
        began = time.monotonic()
        for number, each in enumerate(open_ones):
            each.sendall((b"", WHOLE[:1], WHOLE)[number % 3])
        while time.monotonic() - began < HEAD - 0.5:
            assert raw(server.host, WHOLE + LAST).startswith(b"HTTP/1.1 200")
        answers = [rest(each) for each in open_ones]
        took = time.monotonic() - began

    assert took >= HEAD - 0.1
    assert answers[::3] == [b""] * 20  # who has said nothing is told nothing
    for answer in (*answers[1::3], *answers[2::3]):
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert answer.endswith(
            b'{"error": {"code": "too_slow", "message": "the head of the request came too slowly",'
            b' "problems": []}}'
        )


def test_a_head_that_comes_drop_by_drop_gains_no_time(server: Running) -> None:
    late, closed = time.monotonic() + PATIENCE, False
    with opened(server) as talking:
        talking.sendall(WHOLE)
        try:
            while time.monotonic() < late:
                talking.sendall(b"X-A: b\r\n")
                time.sleep(0.2)
        except OSError:
            closed = True

    assert closed


def test_a_later_head_has_to_come_in_time_too(server: Running) -> None:
    with opened(server) as talking:
        talking.sendall(WHOLE + b"\r\n")
        assert b"200 OK" in answer_of(talking)
        time.sleep(HEAD + 0.5)  # between two requests there is more time
        talking.sendall(WHOLE + b"\r\n")
        assert b"200 OK" in answer_of(talking)
        talking.sendall(WHOLE)

        assert b"408 Request Timeout" in rest(talking)


def test_a_half_head_behind_a_whole_request_is_not_waited_for(server: Running) -> None:
    with opened(server) as talking:
        talking.sendall(WHOLE + b"\r\n" + WHOLE)

        assert b"200 OK" in rest(talking)  # which ends where the server closes the connection


def test_a_body_may_take_longer_than_a_head(server: Running) -> None:
    lines = f"POST /v1/check HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    body = b'{"workflow": {"format": 1}}'
    with opened(server) as talking:
        talking.sendall(f"{lines}Content-Length: {len(body)}\r\n".encode() + LAST + body[:5])
        time.sleep(HEAD + 0.5)
        talking.sendall(body[5:])

        assert b"200 OK" in rest(talking)


def test_a_websocket_stays_open(server: Running) -> None:
    with connect(f"ws://{server.host}/v1/ws") as websocket:
        websocket.send('{"type": "hello"}')
        time.sleep(HEAD + 0.5)
        websocket.ping().wait(PATIENCE)
        assert websocket.state.name == "OPEN"
