"""How workers run jobs: decided by the operator, the same for every job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What a worker process is told when it starts.

    Attributes:
        devices: One process each: ``cpu``, ``cuda:0``, …
        data: Folders that jobs may read from, beside the assets and the shipped inputs.
        output: The folder that nodes such as SaveImage may write to.
        nodes: Folders of node files.
        budget: As ``--budget`` writes it.
        time_limit: Seconds a job may take; a job's own limit can only be shorter.
        preload: Modules that a process imports while it has nothing to do.
    """

    devices: tuple[str, ...] = ("cpu",)
    dtype: str = "float32"
    batch: int = 4
    data: tuple[Path, ...] = ()
    output: Path | None = None
    nodes: tuple[Path, ...] = ()
    allow: frozenset[str] = frozenset()
    budget: str | None = None
    time_limit: float | None = None
    preload: tuple[str, ...] = ()
