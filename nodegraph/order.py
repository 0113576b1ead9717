"""The order calls run in: dependencies first, and otherwise the author's order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .planned import Planned


def predecessors(call: Planned) -> list[int]:
    """The calls that ``call`` is linked to."""
    return [source.call for link in call.links.values() for source in link.sources]


def order(calls: Sequence[Planned]) -> tuple[list[int], list[list[int]]]:
    """Sort calls topologically, ties by the order they are given in.

    Returns:
        The order, and the cycles there are (then the order is empty): one for each knot of calls.
    """
    edges = [(source, index) for index, call in enumerate(calls) for source in predecessors(call)]
    # Most workflows are written in an order that they can run in.
    if all(source < target for source, target in edges):
        return list(range(len(calls))), []
    import networkx as nx  # noqa: PLC0415 - a tenth of a second that most plans do not need

    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(len(calls)))
    try:
        return list(nx.lexicographical_topological_sort(graph)), []
    except nx.NetworkXUnfeasible:
        knots = sorted(map(sorted, nx.strongly_connected_components(graph)))
        return [], [
            [source for source, _ in nx.find_cycle(graph.subgraph(knot), knot[0])]
            for knot in knots
            if len(knot) > 1 or graph.has_edge(knot[0], knot[0])
        ]


def needed(calls: Sequence[Planned], order: Sequence[int], wanted: Iterable[int]) -> list[int]:
    """The calls, in order, that ``wanted`` need, themselves included."""
    keep = set(wanted)
    for index in reversed(order):
        if index in keep:
            keep.update(predecessors(calls[index]))
    return [index for index in order if index in keep]
