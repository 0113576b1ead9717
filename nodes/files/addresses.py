"""Addresses of the web that may be asked: public ones, whichever name leads there."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})*")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_PLAIN = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # ASCII, without blanks and without \
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"), IPv6Network("64:ff9b:1::/48"))


class Target(NamedTuple):
    """The parts of a URL; ``path`` includes the query."""

    scheme: str
    host: str
    port: int
    path: str


def target(url: str) -> Target | None:
    """Take a URL apart; None where two programs could read it in two ways."""
    if not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or port == 0:
        return None
    host = parts.hostname or ""
    if not (_is_address(host) if ":" in host else _is_name(host)):
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def _is_name(host: str) -> bool:
    """A name, or four decimal numbers: any other way to write an address hides it."""
    if not _HOST.fullmatch(host):
        return False
    return _is_address(host) if _NUMBER.fullmatch(host.rpartition(".")[2]) else True


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def public(text: str) -> bool:
    """Whether an address is one of the internet, not of this machine or a network around it."""
    # A zone (%eth0) says by which network card, not which address.
    address = ip_address(text.partition("%")[0])
    inner = _inside(address) if isinstance(address, IPv6Address) else address
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _inside(address: IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, by whatever rule; else itself."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, if all of them are public; one that is not spoils the rest.

    Raises:
        OSError: the name leads nowhere.
    """
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    return texts if all(map(public, texts)) else []
