"""Options of worker processes: how to compute, and how long a job may take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..settings import Compute

CPU = Compute(device="cpu", dtype="float32")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of all workers of a server, as the operator decided.

    Attributes:
        compute: How to compute, with a process for each device. Jobs may read from its ``data``,
            beside the assets and the shipped inputs, and take models from its ``models``, beside
            built-in ones and the hub's.
        output: The folder that nodes such as SaveImage may write to.
        cache: Where results are kept; None for where they always are.
        time_limit: Seconds a job may take; a job's own limit can only be shorter.
        lease_s: Seconds for which a job stays with a server that has fallen silent.
        cancel_s: Seconds a job has to stop by itself before its process is ended.
        memory: Bytes a process may take of the machine's memory; None: what `most_bytes` says.
        preload: Modules that a process imports while it has nothing to do.
    """

    compute: Compute = CPU
    output: Path | None = None
    cache: Path | None = None
    time_limit: float | None = None
    lease_s: float = 30.0
    cancel_s: float = 10.0
    memory: int | None = None
    preload: tuple[str, ...] = ()

    @property
    def devices(self) -> tuple[str, ...]:
        return self.compute.devices

    def to_json(self, device: str, assets: Path, thumbnails: Path) -> dict[str, Any]:
        """What the process of ``device`` is started with; ``Setup.open`` reads it."""
        compute = replace(
            self.compute,
            device=device,
            data=(assets, *self.compute.data),
            models=self.compute.models or (),  # a job may never name any folder it likes
        )
        return {
            **compute.to_json(),
            "output": str(self.output) if self.output else None,
            "cache": str(self.cache) if self.cache else None,
            "memory": self.memory,
            "preload": list(self.preload),
            "assets": str(assets),
            "thumbnails": str(thumbnails),
        }


def limit_of(options: Options, own: float | None) -> float | None:
    """Seconds a job may take: the operator's limit, or the job's own where that is shorter."""
    limits = [limit for limit in (options.time_limit, own) if limit is not None]
    return min(limits, default=None)
