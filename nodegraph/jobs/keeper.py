"""The thread that looks after the queue: leases that are over, old events, leftover files."""

from __future__ import annotations

from .assets import Assets
from .store import Store


class Keeper:
    """Takes back expired jobs every second, and cleans up every few minutes."""

    def __init__(self, store: Store, assets: Assets, every: float = 1.0) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...
