"""Pictures from the web, within limits of size and time: only where allowed, and public."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import closing
from functools import lru_cache
from urllib.parse import urljoin

from nodegraph.errors import UserError

from .addresses import Target, addresses, target

LARGEST = 20 * 2**20
TIMEOUT = 10.0
REDIRECTS = 5
FRESH = 30.0  # seconds: one run asks twice, for the key and for the pixels
_HEADERS = {"User-Agent": "nodegraph", "Accept": "image/*", "Accept-Encoding": "identity"}


def fetch(url: str, allow: frozenset[str]) -> bytes:
    """The bytes behind an http(s) address.

    Raises:
        UserError: The web is not allowed, or the address gives nothing usable.
    """
    if "http" not in allow:
        raise UserError(
            f"{url!r} is on the web; allow that with --allow-http, or save the picture here"
        )
    return _download(url, int(time.monotonic() / FRESH))


@lru_cache(maxsize=4)
def _download(url: str, while_fresh: int) -> bytes:  # noqa: ARG001  part of the memo's key
    deadline = time.monotonic() + TIMEOUT
    at = url
    for _ in range(REDIRECTS + 1):
        place = target(at)
        if place is None:
            raise _unreachable(url)
        try:
            with (
                closing(_connected(place, deadline)) as connection,
                closing(_answer(connection, place)) as answer,
            ):
                if 300 <= answer.status < 400 and (location := answer.headers.get("Location")):
                    at = urljoin(at, location)
                    continue
                return _picture(answer, connection, url, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(url) from error
    raise UserError(f"{url!r} leads on to other addresses more than {REDIRECTS} times")


def _unreachable(url: str) -> UserError:
    """One sentence for whatever keeps us from an address: it must not tell what is in a network."""
    return UserError(
        f"cannot load {url!r}: nothing answers there that is public and gives a picture;"
        " save the picture here"
    )


def _connected(place: Target, deadline: float) -> http.client.HTTPConnection:
    """A connection to the very address that was checked: its name is not looked up again.

    Proxies that the environment names are not used: they would connect wherever they like.
    """
    public = addresses(place.host, place.port)
    if not public:
        raise OSError("not public")
    left = max(deadline - time.monotonic(), 0.01)
    plain = socket.create_connection((public[0], place.port), timeout=left)
    connection = http.client.HTTPConnection(place.host, place.port, timeout=left)
    connection.sock = plain
    if place.scheme == "https":
        try:
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(plain, server_hostname=place.host)
        except BaseException:
            plain.close()
            raise
    return connection


def _answer(connection: http.client.HTTPConnection, place: Target) -> http.client.HTTPResponse:
    usual = {"http": 80, "https": 443}[place.scheme]
    host = f"[{place.host}]" if ":" in place.host else place.host
    host = host if place.port == usual else f"{host}:{place.port}"
    connection.putrequest("GET", place.path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", host)
    for name, value in _HEADERS.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def _picture(
    answer: http.client.HTTPResponse,
    connection: http.client.HTTPConnection,
    url: str,
    deadline: float,
) -> bytes:
    """What an answer holds, read within the limits: one that trickles is given up."""
    if answer.status != http.client.OK:
        raise UserError(f"{url!r} answers {answer.status} {answer.reason[:60]}")
    kind = answer.headers.get_content_type()
    if not (kind.startswith("image/") or kind == "application/octet-stream"):
        raise UserError(f"{url!r} gives {kind[:60]}, not a picture")
    data = bytearray()
    while piece := answer.read1(2**18):
        data += piece
        if len(data) > LARGEST:
            raise UserError(f"{url!r} is larger than {LARGEST // 2**20} MiB")
        left = deadline - time.monotonic()
        if left <= 0:
            raise UserError(f"{url!r} took longer than {TIMEOUT:.0f} seconds")
        if connection.sock is not None:
            connection.sock.settimeout(left)
    return bytes(data)
