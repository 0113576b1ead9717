"""The cache as the command line opens it, and `nodegraph cache`."""

from __future__ import annotations

from ..cache import Cache
from ..context import Settings


def open_cache(kept: bool, budget: str | None, settings: Settings) -> Cache:
    """Open the cache."""
    raise NotImplementedError
