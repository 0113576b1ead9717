"""The order calls run in: dependencies first, and otherwise the author's order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from .types import Planned


def order(calls: Sequence[Planned]) -> tuple[list[int], list[list[int]]]:
    """Sort calls topologically, ties by the order they are given in.

    Returns:
        The order, and a cycle for each knot of calls; where there is one, the order is not whole.
    """
    before = [call.before for call in calls]
    # Most workflows are written in an order that they can run in.
    if all(not sources or max(sources) < index for index, sources in enumerate(before)):
        return list(range(len(calls))), []
    running = _sorted(before)
    return running, ([] if len(running) == len(calls) else _cycles(before))


def _sorted(before: Sequence[Sequence[int]]) -> list[int]:
    """Kahn's algorithm on a heap: what networkx's lexicographical sort gives, in less time."""
    after: list[list[int]] = [[] for _ in before]
    for index, sources in enumerate(before):
        for source in sources:
            after[source].append(index)
    waiting = [len(sources) for sources in before]
    ready = [index for index, count in enumerate(waiting) if not count]
    running = []
    while ready:
        index = heappop(ready)
        running.append(index)
        for target in after[index]:
            waiting[target] -= 1
            if not waiting[target]:
                heappush(ready, target)
    return running


def _cycles(before: Sequence[Sequence[int]]) -> list[list[int]]:
    import networkx as nx  # slow to import, and only broken workflows need it

    graph = nx.DiGraph(
        (source, index) for index, sources in enumerate(before) for source in sources
    )
    knots = sorted(map(sorted, nx.strongly_connected_components(graph)))
    return [
        [source for source, _ in nx.find_cycle(graph.subgraph(knot), knot[0])]
        for knot in knots
        if len(knot) > 1 or graph.has_edge(knot[0], knot[0])
    ]


def needed(calls: Sequence[Planned], order: Sequence[int], wanted: Iterable[int]) -> list[int]:
    """The calls, in order, that ``wanted`` need, themselves included."""
    keep = set(wanted)
    for index in reversed(order):
        if index in keep:
            keep.update(calls[index].before)
    return [index for index in order if index in keep]
