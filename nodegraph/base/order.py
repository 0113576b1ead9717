"""Topological order of a graph given as indices, ties broken by the author's order; its circles."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import islice


def topological_order(before: Sequence[Sequence[int]]) -> list[int]:
    """Sort nodes so that each follows all it depends on, otherwise by index.

    Args:
        before: The nodes that each node depends on.

    Returns:
        The order; shorter than ``before`` where nodes depend on themselves.
    """
    # Most graphs are written in an order that they can run in: then the heap is not needed.
    if all(not sources or max(sources) < index for index, sources in enumerate(before)):
        return list(range(len(before)))
    return _sort(before)


def _sort(before: Sequence[Sequence[int]]) -> list[int]:
    """Kahn's algorithm on a heap: what networkx's lexicographical sort gives, in less time."""
    after: list[list[int]] = [[] for _ in before]
    for index, sources in enumerate(before):
        for source in sources:
            after[source].append(index)
    # A source listed twice is in ``after`` twice and counted twice, so the count still meets 0.
    unmet = [len(sources) for sources in before]
    ready = [index for index, count in enumerate(unmet) if not count]  # sorted, so it is a heap
    order = []
    while ready:
        index = heappop(ready)
        order.append(index)
        for target in after[index]:
            unmet[target] -= 1
            if not unmet[target]:
                heappush(ready, target)
    return order


CIRCLES = 100
"""Circles that are found at most: nobody mends more at once."""


def find_circles(before: Sequence[Sequence[int]]) -> list[list[int]]:
    """Find one circle in each knot of nodes, from what is depended on to what depends on it."""
    import networkx as nx  # slow to import, and only broken graphs need it

    graph = nx.DiGraph(
        (source, index) for index, sources in enumerate(before) for source in sources
    )
    knots = sorted(map(sorted, nx.strongly_connected_components(graph)))
    circular = (knot for knot in knots if len(knot) > 1 or graph.has_edge(knot[0], knot[0]))
    return [
        [source for source, _ in nx.find_cycle(graph.subgraph(knot), knot[0])]
        for knot in islice(circular, CIRCLES)
    ]
