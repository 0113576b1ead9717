"""The machine of a measurement, and the cores that other programs used meanwhile."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

import psutil
from pydantic import BaseModel

IDLE = 0.15
"""Cores that other programs may use on average while something is measured."""


class Machine(BaseModel, frozen=True):
    """A machine and its versions.

    Attributes:
        memory: In GiB.
        threads: ``OMP_NUM_THREADS`` where it is set.
        load: The load average of the minute before.
    """

    cpu: str
    cores: int
    memory: float
    system: str
    python: str
    torch: str
    diffusers: str
    load: float
    threads: str = ""

    def line(self) -> str:
        """All but the load, in one line."""
        threads = f", OMP_NUM_THREADS={self.threads}" if self.threads else ""
        return (
            f"{self.cpu}, {self.cores} core{'s' * (self.cores != 1)}, {self.memory:.0f} GiB,"
            f" {self.system}, Python {self.python}, torch {self.torch},"
            f" diffusers {self.diffusers}{threads}"
        )


def machine() -> Machine:
    """Describe this machine; nothing heavy is imported."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory=round(psutil.virtual_memory().total / 2**30, 1),
        system=platform.system(),
        python=platform.python_version(),
        torch=_version("torch"),
        diffusers=_version("diffusers"),
        load=round(os.getloadavg()[0], 2),
        threads=os.environ.get("OMP_NUM_THREADS", ""),
    )


class Watch:
    """Watches what everybody else does with the machine."""

    def __init__(self) -> None:
        self._wall, self._busy, self._own = perf_counter(), busy(), own()

    def seconds(self) -> float:
        """How long it has watched."""
        return perf_counter() - self._wall

    def others(self) -> float:
        """Cores that others used on average, among them a host that took time away (steal)."""
        used = (busy() - self._busy) - (own() - self._own)
        return round(max(used, 0.0) / max(self.seconds(), 1e-9), 2)


def busy() -> float:
    """Seconds that all cores together were not idle."""
    times = psutil.cpu_times()._asdict()
    uncounted = {"idle", "iowait", "guest", "guest_nice"}  # guests are in `user` already
    return float(sum(seconds for name, seconds in times.items() if name not in uncounted))


def own() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
