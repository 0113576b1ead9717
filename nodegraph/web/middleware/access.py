"""Access: the names of this server, the origins of its page and the token, judged without I/O."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from ...errors import UserError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHORTEST = 16
"""Characters that a token must have at least."""
SUBPROTOCOL = "nodegraph.v1"
"""What a websocket speaks; beside it a page offers ``token.<base64url of the token>``."""

_HOST = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9](?:[a-z0-9.-]{0,252})))(?::([0-9]{1,5}))?")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """What a request has to show.

    Attributes:
        token: Empty where none is needed.
        hosts: The names and addresses that a Host header may have, without port.
        addresses: Whether any address may stand there: no page can make a browser resolve one.
        origins: Origins of the page besides the server's own, such as a reverse proxy's.
    """

    token: str = ""
    hosts: frozenset[str] = LOOPBACK
    addresses: bool = False
    origins: frozenset[str] = frozenset()

    def knows_host(self, host: str) -> bool:
        """Whether a Host header names this server: any other is a page that rebound its name."""
        match = _HOST.fullmatch(host.lower())
        if match is None or int(match[3] or 0) > 65535:
            return False
        name = match[1] or match[2]
        return name in self.hosts or (self.addresses and _is_address(name))

    def knows_origin(self, origin: str, host: str) -> bool:
        """Whether an Origin is the server's own page as the client addressed it, letter by letter.

        A foreign page cannot choose the Host header, so that both agree only for ours.
        """
        return origin in self.origins or origin == f"http://{host.lower()}"

    def knows_token(self, token: str) -> bool:
        """Compare in a time that does not depend on what is wrong."""
        return not self.token or hmac.compare_digest(token.encode(), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a server bound to ``host`` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def access_for(host: str, token: str = "", public: tuple[str, ...] = ()) -> Access:
    """What to ask for on a server bound to ``host``.

    Args:
        public: The addresses under which others show it, such as ``https://studio.example``.

    Raises:
        UserError: one of them is no address; the token is missing, can be guessed or not be sent.
    """
    if not token and not is_loopback(host):
        raise UserError(f"a server on {host or '0.0.0.0'} needs a token: others can reach it")
    if token and (len(token) < SHORTEST or not _TOKEN.fullmatch(token)):
        raise UserError(
            f"the token needs {SHORTEST} characters or more, of letters, digits and ._~+/=-"
        )
    everywhere = host in ("", "0.0.0.0", "::")
    hosts, origins = set(LOOPBACK), set()
    if not everywhere:
        hosts.add(host.lower())
    for url in public:
        name, origin = _public(url)
        hosts.add(name)
        origins.add(origin)
    return Access(token, frozenset(hosts), everywhere, frozenset(origins))


def _public(url: str) -> tuple[str, str]:
    """The host and the origin of an address."""
    parts = urlsplit(url.lower())
    match = _HOST.fullmatch(parts.netloc)
    if parts.scheme not in ("http", "https") or match is None or parts.path not in ("", "/"):
        raise UserError(
            f"--public-url {url!r}: write what stands in the browser, like https://studio.example"
        )
    return match[1] or match[2], f"{parts.scheme}://{parts.netloc}"


def bearer(header: str) -> str:
    """The token in an Authorization header; empty where there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def offered(protocols: str) -> str:
    """The token among the subprotocols that a websocket offers; empty where there is none."""
    for protocol in protocols.split(","):
        kind, dot, text = protocol.strip().partition(".")
        if kind == "token" and dot:
            try:
                padded = text + "=" * (-len(text) % 4)
                return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
            except (binascii.Error, ValueError):
                return ""
    return ""
