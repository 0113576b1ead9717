"""The cost of the engine itself: time a node, peak memory and growth, on graphs of trivial nodes.

    python benchmarks/engine.py [--sizes 100,1000,5000,20000,50000] [--repeats 3]

Every shape (chain, wide, diamond, forest, items) is planned, run with an empty cache and run again
fully cached; items is of five calls only, whose lists are mapped, zipped, gathered item by item and
gathered whole. The same work is also done by calling the functions directly and, for the chain, by
pipefunc if it is installed. All sides run in this one process; the best of the repeats is shown.
"""

from __future__ import annotations

import argparse
import gc
import math
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter

from benchmarks.report.figures import Figure, record
from benchmarks.report.growth import Rows, add_json, exponent, figures
from nodegraph import Node, Output, Plan, Workflow, execute, plan
from nodegraph.cache import Cache
from nodegraph.graph.registry import Registry

SHAPES = ("chain", "wide", "diamond", "forest", "items")


class Number(Output):
    """One number."""

    value: int


class Add(Node):
    """Add two numbers."""

    left: int = 0
    right: int = 1

    def run(self) -> Number:
        return Number(value=self.left + self.right)


class Sum(Node):
    """Add up any number of numbers."""

    values: list[int]

    def run(self) -> Number:
        return Number(value=sum(self.values))


REGISTRY = Registry.of(Add, Sum)


def graph(shape: str, size: int) -> Workflow:
    """Draw a graph of ``size`` trivial calls, or of calls with so many items."""
    nodes = dict(_items(size) if shape == "items" else _calls(shape, size))
    return Workflow.model_validate({"format": 1, "nodes": nodes})


def _calls(shape: str, size: int) -> Iterator[tuple[str, dict[str, object]]]:
    yield "n0", {"type": "Add", "values": {"left": size}}
    last = size - 1
    for i in range(1, size):
        if shape == "chain":
            links: dict[str, object] = {"left": f"n{i - 1}.value"}
        elif shape == "wide":
            links = {"left": "n0.value"}
        elif shape == "diamond":  # a row of diamonds: split, two sides, join
            sources = {1: (i - 1, i - 1), 2: (i - 2, i - 2), 0: (i - 1, i - 2)}[i % 3]
            links = {
                "left": f"n{max(sources[0], 0)}.value",
                "right": f"n{max(sources[1], 0)}.value",
            }
        else:  # a forest of trees of 50
            links = {} if i % 50 == 0 else {"left": f"n{i - i % 50 + (i % 50 - 1) // 2}.value"}
        if shape == "wide" and i == last:
            yield (
                f"n{i}",
                {"type": "Sum", "links": {"values": [f"n{k}.value" for k in range(1, i)]}},
            )
            return
        values = {} if "right" in links else {"right": i}
        yield f"n{i}", {"type": "Add", "values": values, "links": links}


def _items(size: int) -> Iterator[tuple[str, dict[str, object]]]:
    yield "a", {"type": "Add", "values": {"left": [*range((size - 1) // 4)]}}
    yield "b", {"type": "Add", "values": {"right": 2}, "links": {"left": "a.value"}}
    yield "c", {"type": "Add", "links": {"left": "b.value", "right": "a.value"}}
    yield "d", {"type": "Sum", "links": {"values": ["b.value", "c.value"]}}
    yield "e", {"type": "Sum", "links": {"values": "d.value"}}


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes, with the garbage collector kept out."""
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        work()
        return perf_counter() - start
    finally:
        gc.enable()


def run(workflow: Workflow, cache: Cache) -> None:
    """Plan and run to the end."""
    drain(plan(workflow, REGISTRY), cache)


def drain(planned: Plan, cache: Cache) -> None:
    """Run a plan to the end."""
    for _ in execute(planned, cache):
        pass


def measure(shape: str, size: int, repeats: int) -> dict[str, float]:
    """Microseconds a node: plan; plan + cold run; plan + cached run; cached run alone."""
    workflow = graph(shape, size)
    best = {"plan": math.inf, "cold": math.inf, "cached": math.inf, "execute": math.inf}
    for _ in range(repeats):
        cache = Cache.in_memory()
        planned = plan(workflow, REGISTRY)
        sides: dict[str, Callable[[], object]] = {
            "plan": partial(plan, workflow, REGISTRY),
            "cold": partial(run, workflow, cache),
            "cached": partial(run, workflow, cache),
            "execute": partial(drain, planned, cache),
        }
        for name, work in sides.items():
            best[name] = min(best[name], timed(work) / size * 1e6)
    return best


def memory(shape: str, size: int) -> float:
    """Peak kilobytes a node of a cold run, as Python's allocator counts them."""
    workflow = graph(shape, size)
    tracemalloc.start()
    run(workflow, Cache.in_memory())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / size / 1e3


def directly(size: int) -> float:
    """Microseconds a node of the same chain as plain calls of plain nodes."""

    def work() -> None:
        value = 0
        for _ in range(size):
            value = Add(left=value, right=1).run().value

    return timed(work) / size * 1e6


def by_pipefunc(size: int) -> float | None:
    """Microseconds a node of the same chain in pipefunc: pipeline made and run once."""
    try:
        from pipefunc import PipeFunc, Pipeline
    except ImportError:
        return None

    def work() -> None:
        def make(i: int) -> PipeFunc:
            def add(left: int) -> int:
                return left + 1

            return PipeFunc(add, output_name=f"n{i}", renames={"left": f"n{i - 1}"})

        pipeline = Pipeline([make(i) for i in range(1, size)])
        pipeline.run(f"n{size - 1}", kwargs={"n0": 0})

    return timed(work) / size * 1e6


def table(options: argparse.Namespace) -> Iterator[Figure]:
    """Print the table, and give its figures."""
    sizes = [int(size) for size in options.sizes.split(",")]
    shapes: dict[str, Rows] = {}
    print("microseconds a node        plan   plan+cold   plan+cached   cached run   peak kB")
    for shape in SHAPES:
        rows = shapes[shape] = {size: measure(shape, size, options.repeats) for size in sizes}
        for size, row in rows.items():
            columns = "".join(
                f"{row[name]:12.1f}" for name in ("plan", "cold", "cached", "execute")
            )
            row["peak"] = memory(shape, size)
            print(f"{shape:8} {size:8} {columns} {row['peak']:12.2f}", flush=True)
        if len(sizes) > 1:
            cold = exponent(sizes, [rows[size]["cold"] * size for size in sizes])
            cached = exponent(sizes, [rows[size]["cached"] * size for size in sizes])
            print(f"{shape:8} growth exponent: cold {cold:.2f}, cached {cached:.2f}")
    size = min(1000, max(sizes))
    ours = measure("chain", size, options.repeats)
    plain = directly(size)
    print(f"\nchain of {size}: ours cold {ours['cold']:.1f} us, plain calls {plain:.1f} us a node, "
          f"ratio {ours['cold'] / plain:.1f}")  # fmt: skip
    beside = {f"plain calls, a chain of {size:,}": plain}
    by_others = by_pipefunc(min(size, 300))
    if by_others is None:
        print("pipefunc is not installed: pip install pipefunc")
    else:
        same = measure("chain", min(size, 300), options.repeats)["cold"]
        print(f"chain of {min(size, 300)}: pipefunc {by_others:.1f} us, ours cold {same:.1f} us "
              f"a node, pipefunc / ours {by_others / same:.1f}")  # fmt: skip
        beside[f"pipefunc, a chain of {min(size, 300)}, made and run once"] = by_others
        beside[f"ours, a chain of {min(size, 300)}, planned and run once"] = same
    yield from figures(shapes, beside)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", default="100,1000,5000,20000,50000")
    parser.add_argument("--repeats", type=int, default=3)
    add_json(parser)
    options = parser.parse_args()
    record("engine", table(options), options.json)


if __name__ == "__main__":
    main()
