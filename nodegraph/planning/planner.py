"""Earlier plans remembered: an edited workflow is checked again only where it was edited."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from ..graph.registry import Registry
from ..graph.workflow import Workflow
from ..node import Folders
from .plan import plan
from .types import Plan

ROOM = 40_000
"""Calls. As many are remembered, of as many plans as there are."""


class Planner:
    """Plans each workflow as an edit of the one most like it. Any thread may ask."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []
        self._lock = Lock()

    def plan(
        self,
        workflow: Workflow,
        registry: Registry,
        only: Iterable[str] | None = None,
        folders: Folders | None = None,
    ) -> Plan:
        """Plan ``workflow``; what it gives, and what it raises, is the same as that of ``plan``."""
        with self._lock:
            plans = self._plans[::-1]
        # Outside the lock, as planning takes long: plans never change, so several threads may start
        # from the same one. Ties go to the latest, which comes first.
        before = max(
            plans, key=lambda earlier: _count_common(earlier.workflow, workflow), default=None
        )
        latest = plan(workflow, registry, only, before, folders)
        with self._lock:
            # Of a workflow that is edited on and on, only the latest plan is of use.
            self._plans = [
                earlier
                for earlier in self._plans
                if earlier is not before or _differs(earlier, latest)
            ]
            self._plans.append(latest)
            # The plan just made stays, however large it is.
            while len(self._plans) > 1 and sum(map(_count_calls, self._plans)) > ROOM:
                del self._plans[0]
        return latest


def _count_common(first: Workflow, second: Workflow) -> int:
    return len(first.nodes.keys() & second.nodes.keys())


def _differs(earlier: Plan, latest: Plan) -> bool:
    """Whether they are of different workflows rather than of one that was edited."""
    return 2 * _count_common(earlier.workflow, latest.workflow) < len(earlier.workflow.nodes)


def _count_calls(entry: Plan) -> int:
    return len(entry.unpruned.calls)
