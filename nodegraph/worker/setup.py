"""What a worker process opens once and uses for every job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..cache import Budgets, Cache, parse_budget
from ..graph import shipped
from ..graph.registry import Registry, load_registry
from ..node import Folders
from ..planning.planner import Planner
from ..settings import Settings

ASTRAY = 256 * 2**20
"""Bytes that may be in use beside what the cache holds: libraries' own workspaces."""


@dataclass(slots=True)
class Kit:
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
    def open(cls, told: Mapping[str, Any]) -> Kit:
        """Load the nodes and open the cache, as Options.to_json says."""
        templates = shipped.shipped().values()
        budgets = parse_budget(told["budget"]) if told["budget"] else Budgets()
        data = (*map(Path, told["data"]), *shipped.inputs())
        models = tuple(map(Path, told["models"]))
        output = Path(told["output"]) if told["output"] else None
        folders = Folders(tuple(dict.fromkeys(path.resolve() for path in data)), output, models)
        return cls(
            registry=load_registry(map(Path, told["nodes"]), templates),
            cache=Cache(Path(told["cache"]) if told["cache"] else None, budgets),
            settings=Settings(
                devices=(told["device"],),
                dtype=told["dtype"],
                batch=told["batch"],
                on_oom=told["on_oom"],
                folders=folders,
                allow=frozenset(told["allow"]),
            ),
            assets=Path(told["assets"]),
            thumbnails=Path(told["thumbnails"]),
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
        return tensors.watch(device) - self.cache.held(device) > ASTRAY

    def sizes(self) -> list[Mapping[str, Any]]:
        """How full each tier of the cache is."""
        return [
            {"tier": tier, "bytes": size.bytes, "limit": size.budget, "entries": size.entries}
            for tier, size in self.cache.sizes().items()
        ]
