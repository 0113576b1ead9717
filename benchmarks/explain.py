"""The time of `explain` on a large graph, of which all is known, nothing, or a part.

    python benchmarks/explain.py [--rounds 5] [--sizes 1000,5000]

Graphs of trivial nodes as benchmarks/engine.py draws them, planned already; in this process.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

from benchmarks.engine import REGISTRY, graph, run
from benchmarks.measure import Cost, Side, cost, turns
from benchmarks.report.figures import Curve, Value, parser, record, value
from nodegraph import plan
from nodegraph.cache import Cache
from nodegraph.graph.workflow import Workflow
from nodegraph.inspection.explain import explain

SHAPES = ("chain", "diamond", "forest")
STATES = {"known": "all is known", "new": "nothing is known", "edited": "one value was changed"}


def figures(arguments: argparse.Namespace) -> Iterator[Value | Curve]:
    """Every state, of the shape that takes longest; at the largest size also as a value."""
    sizes = [int(size) for size in arguments.sizes.split(",")]
    costs = {
        (size, shape): _shape(shape, size, arguments.rounds) for size in sizes for shape in SHAPES
    }
    for state, state_label in STATES.items():
        for shape in SHAPES:
            points = [
                (size, min(run_cost.wall for run_cost in costs[size, shape][state]) * 1e3)
                for size in sizes
            ]
            yield Curve(key=state, line=shape, unit="ms", points=points)
        walls = {shape: [run_cost.wall * 1e3 for run_cost in costs[sizes[-1], shape][state]]
                 for shape in SHAPES}  # fmt: skip
        slowest = max(walls, key=lambda shape: sorted(walls[shape])[len(walls[shape]) // 2])
        label = f"explain, {sizes[-1]:,} nodes, {state_label}"
        yield value(state, label, "ms", walls[slowest], f"{slowest}, the slowest shape")


def _shape(shape: str, size: int, rounds: int) -> dict[str, list[Cost]]:
    workflow, cache = graph(shape, size), Cache.in_memory()
    run(workflow, cache)
    planned = plan(workflow, REGISTRY)
    edited = plan(_edited(workflow, size // 2), REGISTRY)
    sides: dict[str, Side] = {
        "known": lambda _: cost(partial(explain, planned, cache)),
        "new": lambda _: cost(partial(explain, planned, Cache.in_memory())),
        "edited": lambda _: cost(partial(explain, edited, cache)),
    }
    return turns(sides, rounds)


def _edited(workflow: Workflow, at: int) -> Workflow:
    document = workflow.model_dump(mode="json")
    document["nodes"][f"n{at}"]["values"] = {"right": -1}
    document["nodes"][f"n{at}"]["links"].pop("right", None)
    return Workflow.model_validate(document)


def main() -> None:
    """Measure, and print what is found."""
    options = parser(__doc__, 5)
    options.add_argument("--sizes", default="1000,5000")
    arguments = options.parse_args()
    record("explain", figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
