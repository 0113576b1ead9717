"""The thread that looks after the queue: leases that are over, old events, the bin, files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread
from time import monotonic

from .assets import Assets
from .store import Store

CLEANING = 600.0
"""Seconds between two cleanings."""

log = logging.getLogger("nodegraph.jobs")


class Keeper:
    """Takes back expired jobs every second, and cleans up every few minutes."""

    def __init__(self, store: Store, assets: Assets, every: float = 1.0) -> None:
        self._store, self._assets, self._every = store, assets, every
        self._ending = Flag()
        self._thread = Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        clean_at = monotonic() + self._every
        while not self._ending.wait(self._every):
            self._do(self._store.expire)
            self._do(self._store.restock)
            if monotonic() >= clean_at:
                clean_at = monotonic() + CLEANING
                self._do(self._store.prune)
                self._do(self._store.empty_bin)  # before the files that nothing shows are swept
                self._do(self._assets.sweep)

    def _do(self, task: Callable[[], object]) -> None:
        """Do a task; one that fails now may do the next time."""
        try:
            task()
        except Exception as error:
            log.warning("housekeeping: %s", error)
