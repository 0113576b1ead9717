"""Memory of this machine and of processes on it, as the system tells it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_SHARE = 0.9
_ROOT = Path("/")


def own_bytes(process: int, root: Path = _ROOT) -> int | None:
    """Bytes in memory that are a process's own; None where it is gone, or the system tells none.

    Files that are mapped (weights) do not count: they make room when it is needed.

    Args:
        root: Where ``proc`` lies.
    """
    try:
        pages = (root / f"proc/{process}/statm").read_text(encoding="ascii").split()
    except OSError:
        return None
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")


def most_bytes(root: Path = _ROOT) -> int | None:
    """What a process may take: nine tenths of the machine's memory, or of its container's.

    Returns:
        None where the system does not tell what processes take.
    """
    if own_bytes(os.getpid(), root) is None:
        return None
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # "max" where there is no limit
        limit = (root / "sys/fs/cgroup/memory.max").read_text(encoding="ascii")
        most = min(most, int(limit))
    return int(most * _SHARE)
