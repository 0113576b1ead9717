"""Place a graph's boxes in columns: few crossings, short straight links (Sugiyama's method)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import networkx as nx

Name: TypeAlias = str
Columns: TypeAlias = list[list[Name]]


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Top left corners of boxes, and the points a long link passes where it crosses columns."""

    corners: Mapping[Name, tuple[float, float]]
    bends: Mapping[tuple[Name, Name], tuple[tuple[float, float], ...]]
    width: float
    height: float


def place(
    sizes: Mapping[Name, Size],
    links: Iterable[tuple[Name, Name]],
    gap: Size = Size(64, 22),
) -> Layout:
    """Lay the graph out from left to right. It must be acyclic."""
    ordered = list(dict.fromkeys(links))
    graph = nx.DiGraph(ordered)
    graph.add_nodes_from(sizes)
    columns, chains = _with_passages(graph, _columns(graph, ordered))
    flow = nx.DiGraph([pair for chain in chains.values() for pair in pairwise(chain)])
    flow.add_nodes_from(graph)
    columns = _ordered(columns, flow)
    heights = {name: sizes[name].height if name in sizes else 8 for name in flow}
    middles = _middles(columns, flow, heights, gap.height)
    widths = [max((sizes[n].width for n in column if n in sizes), default=0) for column in columns]
    lefts = [sum(widths[:index]) + index * gap.width for index in range(len(columns))]
    spans = {n: (lefts[i], lefts[i] + widths[i]) for i, names in enumerate(columns) for n in names}
    return Layout(
        corners={name: (spans[name][0], middles[name] - heights[name] / 2) for name in sizes},
        bends={
            pair: tuple((x, middles[name]) for name in chain[1:-1] for x in spans[name])
            for pair, chain in chains.items()
        },
        width=lefts[-1] + widths[-1] if columns else 0,
        height=max((middles[name] + heights[name] / 2 for name in flow), default=0),
    )


def _columns(graph: nx.DiGraph, links: Sequence[tuple[Name, Name]]) -> Columns:
    """Longest path from the left; then what only sources lead to moves next to what needs it."""
    rank: dict[Name, int] = {}
    for index, names in enumerate(nx.topological_generations(graph)):
        rank.update(dict.fromkeys(names, index))
    for name in reversed(list(nx.topological_sort(graph))):
        # Sources come along, so links from them do not grow. Other links may, by as much as those
        # to the right shrink.
        tied = sum(graph.in_degree(before) > 0 for before in graph.predecessors(name))
        if graph.out_degree(name) > 0 and tied <= graph.out_degree(name) - (tied > 0):
            rank[name] = min(rank[after] for after in graph.successors(name)) - 1
    columns: Columns = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    # Where nothing else decides, boxes stand in the order of the inputs they lead to.
    leads = {source: index for index, (source, _) in reversed(list(enumerate(links)))}
    for name in sorted(graph, key=lambda name: leads.get(name, len(links))):
        columns[rank[name]].append(name)
    return columns


def _with_passages(
    graph: nx.DiGraph, columns: Columns
) -> tuple[Columns, dict[tuple[Name, Name], list[Name]]]:
    """Give a link over several columns a thin passage in each of those between."""
    rank = {name: index for index, column in enumerate(columns) for name in column}
    chains = {}
    wide = [list(column) for column in columns]
    for source, target in graph.edges:
        between = range(rank[source] + 1, rank[target])
        passages = [f"{source}>{target}@{index}" for index in between]
        for index, passage in zip(between, passages, strict=True):
            wide[index].append(passage)
        chains[source, target] = [source, *passages, target]
    return wide, chains


def _ordered(columns: Columns, flow: nx.DiGraph, sweeps: int = 8) -> Columns:
    """Sort every column by where its neighbours are, sweeping to and fro; keep the best seen."""
    best, fewest = columns, _crossings(columns, flow)
    current = columns
    for sweep in range(sweeps):
        if not fewest:
            break
        forward = sweep % 2 == 0
        current = _sweep(current, flow.predecessors if forward else flow.successors, forward)
        crossings = _crossings(current, flow)
        if crossings < fewest:
            best, fewest = current, crossings
    return best


def _sweep(
    columns: Columns, neighbours: Callable[[Name], Iterable[Name]], forward: bool
) -> Columns:
    sweep = list(columns if forward else reversed(columns))
    place: dict[Name, float] = {}
    for index, column in enumerate(sweep):
        here = {name: float(i) for i, name in enumerate(column)}
        aims = {n: _mean([place[m] for m in neighbours(n) if m in place], here[n]) for n in column}
        sweep[index] = sorted(column, key=aims.__getitem__)
        place.update({name: float(i) for i, name in enumerate(sweep[index])})
    return sweep if forward else sweep[::-1]


def _crossings(columns: Columns, flow: nx.DiGraph) -> int:
    place = {name: i for column in columns for i, name in enumerate(column)}
    total = 0
    for column in columns:
        ends = [sorted(place[after] for after in flow.successors(name)) for name in column]
        above: list[int] = []
        for group in ends:
            total += sum(earlier > end for end in group for earlier in above)
            above += group
    return total


def _middles(
    columns: Columns, flow: nx.DiGraph, heights: Mapping[Name, float], gap: float
) -> dict[Name, float]:
    """Vertical middles: each box as near to its neighbours' middle as its column allows."""
    middles: dict[Name, float] = {}
    for column in columns:
        middles.update(_settle(column, [0.0] * len(column), heights, gap))
    for sweep in range(12):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            aims = [
                _mean([middles[m] for m in nx.all_neighbors(flow, name)], middles[name])
                for name in column
            ]
            middles.update(_settle(column, aims, heights, gap))
    top = min((middles[name] - heights[name] / 2 for name in middles), default=0)
    return {name: middle - top for name, middle in middles.items()}


def _settle(
    column: Sequence[Name], aims: Sequence[float], heights: Mapping[Name, float], gap: float
) -> dict[Name, float]:
    """The places nearest to ``aims`` (least squares) where nothing overlaps and the order holds."""
    offset, offsets = 0.0, []
    for index, name in enumerate(column):
        if index:
            offset += (heights[column[index - 1]] + heights[name]) / 2 + gap
        offsets.append(offset)
    # With the room each box needs taken off, keeping apart becomes "never decreasing": pool what
    # violates that.
    pools: list[tuple[float, int]] = []
    for aim, needed in zip(aims, offsets, strict=True):
        mean, count = aim - needed, 1
        while pools and pools[-1][0] > mean:
            before, weight = pools.pop()
            mean, count = (mean * count + before * weight) / (count + weight), count + weight
        pools.append((mean, count))
    settled = [mean for mean, count in pools for _ in range(count)]
    return {n: at + needed for n, at, needed in zip(column, settled, offsets, strict=True)}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
