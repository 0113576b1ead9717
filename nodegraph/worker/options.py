"""How workers run jobs, as the operator decided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..savings import OnOom


@dataclass(frozen=True, slots=True)
class Options:
    """What worker processes are told when they start.

    Attributes:
        devices: One process each: ``cpu``, ``cuda:0``, …
        on_oom: Whether what does not fit into memory may be degraded (see Settings), where a job
            does not say.
        data: Folders that jobs may read from, beside the assets and the shipped inputs.
        models: Folders that jobs may take models from, beside built-in ones and the hub's.
        output: The folder that nodes such as SaveImage may write to.
        nodes: Folders of node files.
        cache: Where results are kept; None for where they always are.
        budget: As ``--budget`` writes it.
        time_limit: Seconds a job may take; a job's own limit can only be shorter.
        lease_s: Seconds for which a job stays with a server that has fallen silent.
        cancel_s: Seconds a job has to stop by itself before its process is ended.
        preload: Modules that a process imports while it has nothing to do.
    """

    devices: tuple[str, ...] = ("cpu",)
    dtype: str = "float32"
    batch: int = 4
    on_oom: OnOom = "degrade"
    data: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()
    output: Path | None = None
    nodes: tuple[Path, ...] = ()
    allow: frozenset[str] = frozenset()
    cache: Path | None = None
    budget: str | None = None
    time_limit: float | None = None
    lease_s: float = 30.0
    cancel_s: float = 10.0
    preload: tuple[str, ...] = ()

    def to_json(self, device: str, assets: Path, thumbnails: Path) -> dict[str, Any]:
        """What the process of ``device`` needs to know."""
        return {
            "device": device,
            "dtype": self.dtype,
            "batch": self.batch,
            "on_oom": self.on_oom,
            "data": [str(folder) for folder in (assets, *self.data)],
            "models": [str(folder) for folder in self.models],
            "output": str(self.output) if self.output else None,
            "nodes": [str(folder) for folder in self.nodes],
            "allow": sorted(self.allow),
            "cache": str(self.cache) if self.cache else None,
            "budget": self.budget,
            "preload": list(self.preload),
            "assets": str(assets),
            "thumbnails": str(thumbnails),
        }


def limit_of(options: Options, own: float | None) -> float | None:
    """Seconds a job may take: the operator's limit, or the job's own where that is shorter."""
    limits = [limit for limit in (options.time_limit, own) if limit is not None]
    return min(limits, default=None)
