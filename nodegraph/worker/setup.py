"""The parts of the engine that a worker process opens once, for all of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..cache import Budgets, Cache, parse_budget
from ..graph import shipped
from ..graph.registry import Registry, load_registry
from ..planning.planner import Planner
from ..settings import Compute, Settings

ASTRAY = 256 * 2**20
"""Bytes that may be in use beside what the cache holds: libraries' own workspaces."""


@dataclass(slots=True)
class Setup:
    """Nodes, cache, settings and folders.

    Attributes:
        previews: Whether anybody looks at previews now.
    """

    registry: Registry
    cache: Cache
    settings: Settings
    assets: Path
    thumbnails: Path
    previews: bool = False
    planner: Planner = field(default_factory=Planner)

    @classmethod
    def open(cls, options: Mapping[str, Any]) -> Setup:
        """Load the nodes and open the cache, by what ``Options.to_json`` wrote."""
        compute = Compute.from_json(options)
        budgets = parse_budget(compute.budget) if compute.budget else Budgets()
        if budgets.host is None and options["memory"] is not None:
            budgets = replace(budgets, host=options["memory"] // 4)
        output = Path(options["output"]) if options["output"] else None
        return cls(
            registry=load_registry(compute.nodes, shipped.shipped().values()),
            cache=Cache(Path(options["cache"]) if options["cache"] else None, budgets),
            settings=compute.settings(shipped.inputs(), output),
            assets=Path(options["assets"]),
            thumbnails=Path(options["thumbnails"]),
        )

    @property
    def ooms(self) -> int:
        """How often memory of the device ran out."""
        return self.cache.tensors.ooms(self.settings.devices[0])

    def is_spent(self) -> bool:
        """Whether the device holds much that the cache knows nothing of: it will not come back."""
        tensors, device = self.cache.tensors, self.settings.devices[0]
        if not self.ooms:
            return False
        tensors.trim()
        return tensors.watch(device) - self.cache.bytes_on(device) > ASTRAY

    def sizes(self) -> list[Mapping[str, Any]]:
        """How full each tier of the cache is."""
        return [
            {"tier": tier, "bytes": size.bytes, "limit": size.budget, "entries": size.entries}
            for tier, size in self.cache.sizes().items()
        ]
