"""Earlier plans remembered: an edited workflow is checked again only where it was edited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from threading import Lock

from ..base.budget import Budget
from ..graph.registry import Registry
from ..graph.workflow import Workflow
from ..node import Folders
from .plan import plan
from .types import Plan

ROOM = 40_000
"""Calls. As many are remembered, of as many plans as there are; long values count as calls."""
PLANS = 64
"""Plans that are remembered at most: each is compared with what comes."""
_LETTERS = 1000
"""Letters of values that count as a call."""


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
        *,
        budget: Budget | None = None,
    ) -> Plan:
        """Plan ``workflow``; what it gives, and what it raises, is the same as that of ``plan``."""
        with self._lock:
            plans = self._plans[::-1]
        # Outside the lock, as planning takes long: plans never change, so several threads may start
        # from the same one. Ties go to the latest, which comes first.
        before = max(
            plans, key=lambda earlier: _count_common(earlier.workflow, workflow), default=None
        )
        latest = plan(workflow, registry, only, before, folders, budget=budget)
        with self._lock:
            # Of a workflow that is edited on and on, only the latest plan is of use.
            self._plans = [
                earlier
                for earlier in self._plans
                if earlier is not before or _differs(earlier, latest)
            ]
            self._plans.append(_slim(latest))
            # The plan just made stays, however large it is.
            weights = [*map(_weight, self._plans)]
            while len(weights) > 1 and (sum(weights) > ROOM or len(weights) > PLANS):
                del self._plans[0], weights[0]
        return latest


def _count_common(first: Workflow, second: Workflow) -> int:
    return len(first.nodes.keys() & second.nodes.keys())


def _differs(earlier: Plan, latest: Plan) -> bool:
    """Whether they are of different workflows rather than of one that was edited."""
    return 2 * _count_common(earlier.workflow, latest.workflow) < len(earlier.workflow.nodes)


def _slim(whole: Plan) -> Plan:
    """What a later plan takes over: not where nodes are drawn, nor the templates as they came."""
    rest: dict[str, object] = {name: {} for name in ("params", "results", "templates", "view")}
    workflow = whole.workflow.model_copy(update=rest)
    return replace(whole, workflow=workflow, params={})


def _weight(entry: Plan) -> int:
    calls = entry.unpruned.calls
    letters = sum(len(call.spelling or b"") for call in calls.values())
    return len(calls) + letters // _LETTERS
