"""Owners of claims, ``host:pid:boot-id``: a server that starts knows at once which are gone."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path


@cache
def host() -> str:
    """This machine's name."""
    return socket.gethostname()[:200].replace(":", "-")


@cache
def boot_id() -> str:
    """What differs each time the machine starts; empty where that cannot be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def own() -> str:
    """This process, as the owner of what it claims."""
    return f"{host()}:{os.getpid()}:{boot_id()}"


def is_dead(owner: str, host: str, boot_id: str) -> bool:
    """Whether an owner was a process of this host that has ended.

    A process that asks has claimed nothing yet, so what has its number was its predecessor.
    """
    machine, pid, boot = owner.rsplit(":", 2)
    if machine != host:
        return False
    return boot != boot_id or int(pid) == os.getpid() or not _lives(int(pid))


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # asking would end it; the lease will tell
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
