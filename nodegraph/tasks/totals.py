"""Totals of a plan before it runs: the number of items of every node, where it is certain."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import UserError
from ..node import Folders
from ..planning.types import Plan
from .items import resolvable, resolve
from .task import call_states


def totals(plan: Plan, folders: Folders) -> Mapping[str, int | None]:
    """How many items each node has, as far as that can be told before anything ran."""
    calls = call_states(plan)
    for call in calls:
        try:
            if resolvable(call, calls):
                resolve(call, calls, folders)
        except UserError:  # the run will say so, at the node
            continue
    return {
        c.planned.name: (1 if c.count is None else c.count) if c.resolved else None for c in calls
    }
