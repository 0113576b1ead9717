"""Pictures from the web: only when the person at the machine allows it."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from functools import lru_cache
from urllib.parse import urlsplit

from nodegraph.errors import UserError

LARGEST = 64 * 2**20
TIMEOUT = 20.0
FRESH = 30.0  # seconds: one run asks twice, for the key and for the pixels


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
    request = urllib.request.Request(url, headers={"User-Agent": "nodegraph", "Accept": "image/*"})
    try:
        with _opener().open(request, timeout=TIMEOUT) as answer:
            kind = answer.headers.get_content_type()
            if not (kind.startswith("image/") or kind == "application/octet-stream"):
                raise UserError(f"{url!r} gives {kind}, not a picture")
            return _read(answer, url)
    except urllib.error.HTTPError as error:
        error.close()
        raise UserError(f"{url!r} answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise UserError(
            f"cannot reach {urlsplit(url).netloc!r}: {reason or 'no answer'}"
        ) from error


def _opener() -> urllib.request.OpenerDirector:
    """An opener for http and https alone: a redirect to ftp or a file leads nowhere."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _read(answer: http.client.HTTPResponse, url: str) -> bytes:
    """Read at most the largest size, and give up on an answer that trickles."""
    deadline = time.monotonic() + 3 * TIMEOUT
    data = bytearray()
    while piece := answer.read1(2**18):
        data += piece
        if len(data) > LARGEST:
            raise UserError(f"{url!r} is larger than {LARGEST // 2**20} MiB")
        if time.monotonic() > deadline:
            raise UserError(f"{url!r} took longer than {3 * TIMEOUT:.0f} seconds")
    return bytes(data)
