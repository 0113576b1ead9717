"""Many jobs queued in one transaction, which a test of thousands has no time to do one by one."""

from __future__ import annotations

from collections.abc import Sequence

from nodegraph.jobs import queue
from nodegraph.jobs.store import LIMIT, Store
from nodegraph.jobs.types import Job, Order


def submit_all(store: Store, orders: Sequence[Order], limit: int = LIMIT) -> list[tuple[Job, bool]]:
    """Queue jobs, all or none; nobody is told of them."""
    with store.database.writing() as connection:
        return [queue.submit(connection, [], order, limit) for order in orders]
