"""Everything that the routes work with, put together by whoever starts the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..jobs.assets import Assets
from ..jobs.store import Store
from ..worker.supervisor import DeviceStatus, Supervisor
from .limits import Limits
from .middleware.access import Access
from .redact import Names
from .socket.hub import Hub
from .workflows.check import Graphs

Models = Callable[[], Mapping[str, Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True)
class Services:
    """The parts of a server.

    Attributes:
        workers: None where this server only takes jobs, for others to run.
        models: Tells which models are here already, by what they are.
        page: The folder of the built editor; it may be missing.
        stale: Tells whether the editor's sources are newer than what was built.
    """

    store: Store
    assets: Assets
    graphs: Graphs
    hub: Hub
    names: Names
    access: Access = field(default_factory=Access)
    limits: Limits = field(default_factory=Limits)
    workers: Supervisor | None = None
    models: Models = dict
    page: Path | None = None
    stale: Callable[[], bool] = bool

    def devices(self) -> Sequence[DeviceStatus]:
        """How the workers are doing."""
        return self.workers.status() if self.workers else ()
