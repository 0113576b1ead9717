"""What may be loaded from the web, once that is allowed: only what is public, without hints."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from nodegraph.errors import UserError
from nodes.files import addresses as _addresses
from nodes.files import web as _fetch
from nodes.files.addresses import addresses, public, target
from nodes.files.web import fetch

from ..support.pictures import encoded
from ..support.serving import client, serving

ALLOWED = frozenset({"http"})

HIDDEN = [
    "http://127.0.0.1/a.png", "http://localhost/a.png", "http://127.1/a.png",
    "http://2130706433/a.png", "http://0x7f000001/a.png", "http://0x7f.1/a.png",
    "http://0177.0.0.1/a.png", "http://127.0.0.01/a.png", "http://0/a.png",
    "http://0.0.0.0/a.png", "http://[::1]/a.png", "http://[::]/a.png",
    "http://[::ffff:127.0.0.1]/a.png", "http://[::ffff:7f00:1]/a.png",
    "http://[2002:7f00:1::]/a.png", "http://[64:ff9b::7f00:1]/a.png",
    "http://[64:ff9b:1::a00:1]/a.png", "http://[::127.0.0.1]/a.png",
    "http://[fe80::1]/a.png", "http://[fe80::1%25eth0]/a.png", "http://[fc00::1]/a.png",
    "http://10.0.0.1/a.png", "http://172.16.0.1/a.png", "http://192.168.0.1/a.png",
    "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/a.png",
    "http://198.18.0.1/a.png", "http://224.0.0.1/a.png", "http://255.255.255.255/a.png",
    "http://240.0.0.1/a.png", "http://me:pass@93.184.216.34/a.png",
    "http://93.184.216.34@127.0.0.1/a.png", "http://127.0.0.1\\@93.184.216.34/a.png",
    "http://127.0.0.1%2f.example/a.png", "http://1\u24607.0.0.1/a.png", "http://a b.example/a.png",
    "http://example.org\r\nHost: x/a.png", "http://127.0.0.1:0/a.png", "http://example.org:99999/",
    "http:///a.png", "ftp://example.org/a.png", "file:///etc/passwd", "http://[127.0.0.1]/a.png",
]  # fmt: skip


@pytest.mark.parametrize("url", HIDDEN)
def test_what_is_not_public_is_not_asked_and_not_told_apart(url: str) -> None:
    _fetch._download.cache_clear()

    with pytest.raises(UserError) as caught:
        fetch(url, ALLOWED)

    assert str(caught.value) == str(_fetch._unreachable(url))


@pytest.mark.parametrize("url", ["https://example.org", "http://93.184.216.34:8080/a.png?x=1",
                                 "https://[2606:2800:220:1::1]/a.png"])  # fmt: skip
def test_a_plain_address_is_understood(url: str) -> None:
    found = target(url)

    assert found is not None
    assert found.port in (443, 8080)


def test_one_private_address_among_public_ones_spoils_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("93.184.216.34", "10.0.0.1"))

    assert addresses("two.example", 80) == []


def answers(*texts: str) -> Callable[..., list[Any]]:
    return lambda _host, port, **_: [(2, 1, 6, "", (text, port)) for text in texts]


class Hand(BaseHTTPRequestHandler):
    """Gives a picture at /a.png, leads to ``/a.png`` or elsewhere at other addresses."""

    picture = b""
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers['Host']} {self.path}")
        place = {"/twice": "/once", "/once": "/a.png", "/ring": "/ring",
                 "/inside": "http://10.0.0.1/a.png", "/file": "file:///etc/passwd"}.get(self.path)  # fmt: skip  # noqa: E501
        self.send_response(302 if place else 200)
        if place:
            self.send_header("Location", place)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", "0" if place else str(len(self.picture)))
        self.end_headers()
        if not place:
            self.wfile.write(self.picture)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that counts as public, under a name that only leads there once."""
    from PIL import Image

    Hand.picture = encoded(lambda file: Image.new("RGB", (4, 4)).save(file, "PNG"))
    Hand.asked = []
    monkeypatch.setattr(_addresses, "public", lambda text: text == "127.0.0.1" or public(text))
    _fetch._download.cache_clear()
    with HTTPServer(("127.0.0.1", 0), Hand) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_few_redirects_are_followed(web: str) -> None:
    assert fetch(f"{web}/twice", ALLOWED) == Hand.picture


@pytest.mark.parametrize("path", ["/inside", "/file"])
def test_a_redirect_to_what_is_not_public_is_not_followed(web: str, path: str) -> None:
    with pytest.raises(UserError) as caught:
        fetch(f"{web}{path}", ALLOWED)

    assert str(caught.value) == str(_fetch._unreachable(f"{web}{path}"))


def test_redirects_in_a_ring_end(web: str) -> None:
    with pytest.raises(UserError, match="more than 5 times"):
        fetch(f"{web}/ring", ALLOWED)

    assert len(Hand.asked) == 6


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_asked(
    web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between check and connection it may lead elsewhere: that is not asked again."""
    port = int(web.rpartition(":")[2])
    asked: list[str] = []

    def look_up(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        address = host if host[0].isdigit() else "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    assert fetch(f"http://rebound.example:{port}/a.png", ALLOWED) == Hand.picture
    assert [host for host in asked if not host[0].isdigit()] == ["rebound.example"]
    assert Hand.asked == [f"rebound.example:{port} /a.png"]


def test_a_proxy_of_the_environment_is_not_used(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert fetch(f"{web}/a.png", ALLOWED) == Hand.picture


def test_a_server_loads_nothing_from_the_web_unless_told_to(tmp_path: Path, web: str) -> None:
    nodes = {"a": {"type": "LoadImage", "values": {"path": f"{web}/a.png"}}}
    with serving(tmp_path) as parts, client(parts) as asking:
        told = asking.post("/v1/explain", json={"workflow": {"format": 1, "nodes": nodes}})

    line = told.json()["lines"][0]
    assert (line["state"], "is on the web; allow that" in line["why"]) == ("fails", True)
    assert Hand.asked == []
