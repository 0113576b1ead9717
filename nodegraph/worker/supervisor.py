"""The threads that keep a worker process going for each device, and give it jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..jobs.assets import Assets
from ..jobs.store import Store
from .options import Options

OnPreview: TypeAlias = Callable[[str, Mapping[str, Any], bytes], None]
"""Told a job's id, ``{"node", "items", "done", "total", "width", "height"}``, and a JPEG."""


@dataclass(frozen=True, slots=True)
class Device:
    """How the worker of a device is doing; ``starts`` counts its processes so far."""

    name: str
    state: Literal["starting", "idle", "busy", "down"]
    job: str | None
    starts: int
    cache: tuple[Mapping[str, Any], ...] = ()
    """``{"tier", "bytes", "limit", "entries"}`` of each tier, as last reported."""


class Supervisor:
    """One thread and one process for each device.

    Args:
        on_preview: Called in a device's thread; it should return at once.
    """

    def __init__(
        self,
        store: Store,
        assets: Assets,
        options: Options,
        on_preview: OnPreview | None = None,
    ) -> None: ...

    def start(self) -> None:
        """Take back what dead predecessors held, and begin."""

    def status(self) -> list[Device]:
        raise NotImplementedError

    def want_previews(self, wanted: bool) -> None:
        """Say whether anybody looks at previews; nobody does until this is called."""

    def drain(self, timeout: float) -> bool:
        """Take no more jobs and wait for those that run; False if some still do."""
        raise NotImplementedError

    def stop(self) -> None:
        """End now: what still runs goes back to the queue, and nobody blames it."""
