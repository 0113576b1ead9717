"""The order calls run in: dependencies first, and otherwise the author's order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..base.order import find_circles, topological_order
from .types import Planned


def sort_calls(calls: Sequence[Planned]) -> tuple[list[int], list[list[int]]]:
    """Sort calls topologically, ties by the order they are given in.

    Returns:
        The order, and a circle for each knot of calls; where there is one, the order is not whole.
    """
    upstream = [call.upstream for call in calls]
    order = topological_order(upstream)
    return order, ([] if len(order) == len(calls) else find_circles(upstream))


def needed_calls(calls: Sequence[Planned], order: Sequence[int], goals: Iterable[int]) -> list[int]:
    """The calls, in order, that ``goals`` need, themselves included."""
    keep = set(goals)
    # Against the running order: when a call is met, all that need it have been.
    for index in reversed(order):
        if index in keep:
            keep.update(calls[index].upstream)
    return [index for index in order if index in keep]
