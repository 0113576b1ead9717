"""The cache as the command line opens it, and `nodegraph cache`."""

from __future__ import annotations

from contextlib import closing

import typer

from ..cache import Budgets, Cache, default_folder, parse_budget


def open_cache(kept: bool = True, budget: str | None = None) -> Cache:
    """Open the cache; one that is not ``kept`` reads nothing from disk and leaves nothing there."""
    budgets = parse_budget(budget) if budget else Budgets()
    return Cache(budgets=budgets) if kept else Cache.in_memory(budgets)


def show_cache() -> None:
    """Print where results are kept, how many, and how much of the budget they take."""
    with closing(open_cache()) as cache:
        disk = cache.sizes().get("disk")
    typer.echo(default_folder())
    if disk is not None:
        typer.echo(f"{disk.entries} results, {_bytes(disk.bytes)} of {_bytes(disk.budget)}")


def clear_cache() -> None:
    """Delete every kept result."""
    with closing(open_cache()) as cache:
        before = cache.sizes().get("disk")
        cache.clear()
    typer.echo(f"cleared {default_folder()}: {_bytes(before.bytes if before else 0)} freed")


def _bytes(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1024:
            break
        count /= 1024
    else:
        unit = "TB"
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
