"""Plans made before, so that an edited workflow is checked again only where it was edited."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from ..graph.registry import Registry
from ..graph.workflow import Workflow
from .plan import Plan, plan

ROOM = 40_000
"""Calls. As many are remembered, of as many plans as there are."""


class Planner:
    """Plans each workflow as an edit of the one most like it. Any thread may ask."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []
        self._lock = Lock()

    def plan(
        self, workflow: Workflow, registry: Registry, only: Iterable[str] | None = None
    ) -> Plan:
        """Plan ``workflow``; what it gives, and what it raises, is the same as that of ``plan``."""
        with self._lock:
            known = self._plans[::-1]
        before = max(known, key=lambda one: _common(one.workflow, workflow), default=None)
        found = plan(workflow, registry, only, before)
        with self._lock:
            # Of a workflow that is edited on and on, only the latest plan is of use.
            self._plans = [one for one in self._plans if one is not before or _differs(one, found)]
            self._plans.append(found)
            while len(self._plans) > 1 and sum(map(_calls, self._plans)) > ROOM:
                del self._plans[0]
        return found


def _common(one: Workflow, other: Workflow) -> int:
    return len(one.nodes.keys() & other.nodes.keys())


def _differs(one: Plan, other: Plan) -> bool:
    """Whether they are of different workflows rather than of one that was edited."""
    return 2 * _common(one.workflow, other.workflow) < len(one.workflow.nodes)


def _calls(one: Plan) -> int:
    return len(one.drawn.calls)
