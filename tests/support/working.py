"""A queue with workers, for tests: toy nodes, real processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodegraph.jobs.assets import Assets
from nodegraph.jobs.housekeeping import Keeper
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import FINISHED, Event, Job, Order
from nodegraph.settings import Compute
from nodegraph.worker.options import Options
from nodegraph.worker.supervisor import Supervisor

TOYS = Path(__file__).parent / "harmful"
CPU = Compute("cpu", "float32", nodes=(TOYS,))
PATIENCE = 60.0
"""Seconds to wait for what should take one, on a busy machine."""


@dataclass
class Service:
    """All that a server has, but the server."""

    store: Store
    assets: Assets
    supervisor: Supervisor
    folder: Path
    previews: list[tuple[str, Mapping[str, Any], bytes]] = field(default_factory=list)

    def submit(self, kind: str, output: str = "value", /, **values: object) -> Job:
        """Order one node, whose output is the result ``made``."""
        return self.order({"node": {"type": kind, "values": values}}, {"made": f"node.{output}"})

    def order(
        self,
        nodes: Mapping[str, Any],
        results: Mapping[str, str],
        time_limit: float | None = None,
    ) -> Job:
        """Order a workflow."""
        workflow = {"format": 1, "nodes": nodes, "results": results}
        return self.store.submit(Order(workflow, time_limit=time_limit))[0]

    def ended(self, job: Job) -> Job:
        """Wait until a job has ended."""
        self.until(lambda: self.store.get(job.id).state in FINISHED)
        return self.store.get(job.id)

    def run(self, kind: str, output: str = "value", /, **values: object) -> Job:
        """Order one node and wait for it."""
        return self.ended(self.submit(kind, output, **values))

    def told(self, job: Job, kind: str) -> list[Event]:
        """The events of a kind that a job had."""
        return [event for event in self.store.events_after(0, job.id) if event.kind == kind]

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for something."""
        late = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < late, "it took too long"
            time.sleep(0.02)

    def underway(self, job: Job, kind: str = "node.started") -> None:
        """Wait until a job has come so far."""
        self.until(lambda: self.told(job, kind))


@contextmanager
def service(url: str, folder: Path, options: Options | None = None) -> Iterator[Service]:
    """Start a queue with workers; it ends with the block."""
    store = Store(url, reserve=folder / "reserve")
    assets = Assets(folder / "assets", store)
    options = options or Options(CPU, cache=folder / "cache", cancel_s=1)
    made = Service(store, assets, Supervisor(store, assets, options), folder)
    made.supervisor = Supervisor(store, assets, options, lambda *each: made.previews.append(each))
    keeper = Keeper(store, assets, every=0.2)
    keeper.start()
    made.supervisor.start()
    try:
        yield made
    finally:
        keeper.stop()
        made.supervisor.stop()
        store.close()
