"""Runs that Ctrl-C ends: what was finished is in the outcome that goes with it."""

from __future__ import annotations

from typing import Any

import pytest

from nodegraph import execute, plan
from nodegraph.cache import Cache
from nodegraph.events import Interrupted, Outcome, Progressed

from ..support.running_toys import TOYS, workflow

LIST = {"count": {"type": "Count", "values": {"to": 3}}}
ENDLESS = 10**9


def slow(*steps: int) -> dict[str, Any]:
    values = {"value": [*range(len(steps))], "steps": [*steps]}
    return {"slow": {"type": "Slow", "values": values}}


def interrupted(nodes: dict[str, Any], results: dict[str, str], at: int) -> Outcome:
    """Interrupt a run at the step of the item of this number; what its outcome is."""
    events = execute(plan(workflow(nodes, **results), TOYS), Cache.in_memory())
    while True:
        event = next(events)
        if isinstance(event, Progressed) and event.items == (at,):
            with pytest.raises(Interrupted) as caught:
                events.throw(KeyboardInterrupt())
            return caught.value.outcome


def test_items_that_were_finished_keep_their_places() -> None:
    outcome = interrupted(slow(1, ENDLESS, 1), {"slow": "slow.value"}, 1)

    assert outcome.results == {"slow": [0, None, None]}
    assert len(outcome.keys["slow"]) == len(outcome.shortages["slow"]) == 3


def test_whole_results_are_had_and_those_that_had_not_begun_are_not() -> None:
    nodes = {**LIST, **slow(ENDLESS), "sum": {"type": "Sum", "links": {"values": "slow.value"}}}

    outcome = interrupted(nodes, {"n": "count.values", "sum": "sum.value"}, 0)

    assert outcome.results == {"n": [0, 1, 2]}
