"""The cache as the command line opens it, and `nodegraph cache`."""

from __future__ import annotations

import math
from contextlib import closing

from ..cache import Budgets, Cache, default_folder, parse_budget
from .output import echo


def open_cache(on_disk: bool = True, budget: str | None = None) -> Cache:
    """Open the cache; one not ``on_disk`` reads nothing there and leaves nothing."""
    budgets = parse_budget(budget) if budget else Budgets()
    return Cache(budgets=budgets) if on_disk else Cache.in_memory(budgets)


def show_cache() -> None:
    """Print where results are kept, how many, and how much of the budget they take."""
    with closing(open_cache()) as cache:
        disk = cache.sizes().get("disk")
    echo(default_folder())
    if disk is not None:
        echo(f"{disk.entries} results, {_bytes(disk.bytes)} of {_bytes(disk.budget)}")


def clear_cache() -> None:
    """Delete every result on disk."""
    with closing(open_cache()) as cache:
        before = cache.sizes().get("disk")
        cache.clear()
    echo(f"cleared {default_folder()}: {_bytes(before.bytes if before else 0)} freed")


def _bytes(count: float) -> str:
    if count < 1024:
        return f"{count:.0f} bytes"
    power = min(int(math.log(count, 1024)), 4)
    return f"{count / 1024**power:.3g} {['KB', 'MB', 'GB', 'TB'][power - 1]}"
