"""Threads of PyTorch, set through OpenMP's environment, which is read when it is imported."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, MutableMapping
from pathlib import Path, PurePosixPath

SPINS = "10000"
"""How often a thread that waits for others looks again before it sleeps.

By default libgomp's look 300,000 times, for milliseconds. Where another program has a core, they
wait for one that does not run and keep the other program from running: both crawl.
"""


def configure_threads(environment: MutableMapping[str, str]) -> None:
    """Set how many threads compute and how they wait, unless the user has set it."""
    environment.setdefault("OMP_NUM_THREADS", str(count_cores()))
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", SPINS)


def count_cores(root: Path = Path("/"), cpus: Collection[int] | None = None) -> int:
    """Count the cores that this process may keep busy: two threads of one core only share it.

    Args:
        root: Where ``sys`` and ``proc`` lie.
        cpus: The CPUs it may run on, where the system is not asked.
    """
    allowed = _allowed() if cpus is None else cpus
    count = len({_core(root, cpu) for cpu in allowed})
    return max(1, min([count, *(int(share) for share in _quotas(root))]))


def _allowed() -> Collection[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


def _core(root: Path, cpu: int) -> str:
    """A text that all threads of a CPU's core have in common."""
    siblings = _read(root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return siblings or str(cpu)


def _quotas(root: Path) -> Iterator[float]:
    """The CPUs' worth of time of each control group above this process (v2 and v1)."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if names and "cpu" not in names.split(","):
            continue
        # Version 2 has one tree and no names of controllers; version 1 one tree for each.
        top = root / "sys/fs/cgroup" / ("cpu" if names else "")
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            folder = top / str(group).lstrip("/")
            quota = _read(folder / "cpu.max").split() or [
                _read(folder / "cpu.cfs_quota_us"),
                _read(folder / "cpu.cfs_period_us"),
            ]
            if all(part.isdigit() and int(part) for part in quota):
                yield int(quota[0]) / int(quota[1])


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
