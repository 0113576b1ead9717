"""The figures of benchmarks/engine.py: curves by shape, and the worst at one size."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from benchmarks.report.figures import Curve, Figure, Value, value

Rows: TypeAlias = Mapping[int, dict[str, float]]
JUDGED = 5000
"""Nodes; else the largest size below it that was measured."""
QUANTITIES = {
    "plan": "planning",
    "cold": "planning and running, nothing known",
    "cached": "planning and running, all known",
    "execute": "running, all known",
}


def figures(shapes: Mapping[str, Rows], beside: Mapping[str, float]) -> Iterator[Figure]:
    """Curves of microseconds a node, the slowest shape at the size that is judged, and ``beside``.

    Args:
        shapes: By shape and size, microseconds a node of each quantity.
        beside: By what they are called, microseconds a node of other ways.
    """
    for quantity, label in QUANTITIES.items():
        for shape, rows in shapes.items():
            yield _curve(quantity, shape, rows)
        yield _worst(quantity, label, shapes)
    for shape, rows in shapes.items():
        peaks = [(size, row["peak"]) for size, row in rows.items()]
        yield Curve(key="peak", line=shape, unit="kB a node", points=peaks)
    for name, microseconds in beside.items():
        yield value(f"beside {name}", name, "µs a node", [microseconds])


def _curve(quantity: str, shape: str, rows: Rows) -> Curve:
    points = [(size, row[quantity]) for size, row in rows.items()]
    totals = [size * microseconds for size, microseconds in points]
    grows = exponent([size for size, _ in points], totals) if len(points) > 1 else None
    return Curve(key=quantity, line=shape, unit="µs a node", points=points, exponent=grows)


def _worst(quantity: str, label: str, shapes: Mapping[str, Rows]) -> Value:
    costs = {}
    for shape, rows in shapes.items():
        size = max((size for size in rows if size <= JUDGED), default=min(rows))
        costs[shape] = size, rows[size][quantity]
    slowest = max(costs, key=lambda shape: costs[shape][1])
    size, microseconds = costs[slowest]
    note = f"{slowest}, the slowest shape, at {size:,}"
    return value(quantity, label, "µs a node", [microseconds], note)


def exponent(sizes: Sequence[int], totals: Sequence[float]) -> float:
    """The k of total ~ size^k, by least squares on the logarithms (1 is linear)."""
    xs, ys = [math.log(s) for s in sizes], [math.log(t) for t in totals]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum(
        (x - mx) ** 2 for x in xs
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what is found there too")
