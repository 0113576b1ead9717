"""Requests as bytes on a socket: too large, too long, half, hostile; none keeps others waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from nodegraph.web.limits import Limits

from ..support.memory import PEAK, begin_noting_peak, kilobytes
from ..support.serving import HOST, raw, running, serving

PATH = "/v1/check"


@pytest.fixture(scope="module", autouse=True)
def before() -> int:
    """The memory in use before anything is sent."""
    return begin_noting_peak()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    limits = Limits(patience=0.5, head=600)  # a head that is not whole stays open
    with serving(tmp_path_factory.mktemp("wire"), limits=limits) as parts, running(parts) as server:
        yield server.host


def status(answer: bytes) -> int:
    """The status of an answer; 400 where the connection was closed without one."""
    return int(answer.split(b" ", 2)[1]) if answer else 400


def head(method: str, path: str, *lines: str, host: str = HOST) -> bytes:
    said = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines]
    return "\r\n".join([*said, "", ""]).encode()


def test_a_body_that_is_too_large_is_not_even_read(host: str) -> None:
    lines = ("Content-Type: application/json", f"Content-Length: {12 * 2**20}")

    assert status(raw(host, head("POST", PATH, *lines))) == 413


def test_a_body_of_no_said_length_is_read_up_to_the_limit(host: str) -> None:
    lines = ("Content-Type: image/png", "Transfer-Encoding: chunked")
    name, port = host.split(":")
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    with socket.create_connection((name, int(port)), timeout=60) as talking:
        talking.sendall(head("PUT", "/v1/assets", *lines))
        sent = 0
        try:
            while sent < 40:
                talking.sendall(chunk)
                sent += 1
        except OSError:  # it closed the door on us
            pass
        try:
            answer = talking.recv(4096)
        except OSError:
            answer = b"HTTP/1.1 413 gone"

    assert status(answer) == 413
    assert sent <= 40


def test_a_body_that_does_not_come_is_not_waited_for(host: str) -> None:
    lines = ("Content-Type: application/json", "Content-Length: 100")

    assert status(raw(host, head("POST", PATH, *lines), b"{")) == 408


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "9" * 40, "0x10", "+5"])
def test_a_length_that_is_no_number_is_malformed(host: str, length: str) -> None:
    lines = ("Content-Type: application/json", f"Content-Length: {length}")

    assert status(raw(host, head("POST", PATH, *lines), b"{}")) in (400, 413)


def test_reading_takes_no_body(host: str) -> None:
    assert status(raw(host, head("GET", "/v1/jobs", "Content-Length: 2"), b"{}")) == 400


HOSTILE_LINES = [
    b"GET http://evil.example/v1/health HTTP/1.1",
    b"GET //evil.example/%2e%2e/v1/health HTTP/1.1",
    b"GET /v1/assets/../../../../etc/passwd HTTP/1.1",
    b"GET /v1/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1",
    b"GET /v1/assets/..%5c..%5cjobs.sqlite HTTP/1.1",
    b"GET /v1/assets/jobs.sqlite%00.png HTTP/1.1",
    b"GET /%ff%fe HTTP/1.1",
    b"GET * HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"CONNECT evil.example:80 HTTP/1.1",
    b"TRACE / HTTP/1.1",
    b"GET /v1/health\tHTTP/1.1",
    b"GET " + b"/a" * 100_000 + b" HTTP/1.1",
]


@pytest.mark.parametrize("line", HOSTILE_LINES, ids=lambda line: repr(line[:40]))
def test_a_hostile_request_line_gets_no_file_and_breaks_nothing(host: str, line: bytes) -> None:
    answer = raw(host, line + f"\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())

    assert 400 <= status(answer) < 500
    assert b"root:" not in answer


def test_half_open_requests_keep_nobody_waiting(host: str) -> None:
    name, port = host.split(":")
    open_ones = [socket.create_connection((name, int(port)), timeout=60) for _ in range(60)]
    try:
        for each in open_ones:
            each.sendall(b"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-")
        answer = raw(host, head("GET", "/v1/health"))
        assert status(answer) == 200
    finally:
        for each in open_ones:
            each.close()


@pytest.mark.skipif(not PEAK.exists(), reason="only Linux tells the highest use of memory")
def test_all_that_took_no_memory_to_speak_of(before: int) -> None:
    """Of a whole run of this file: bombs are refused before they go off."""
    assert kilobytes("VmHWM") - before < 500 * 1024
