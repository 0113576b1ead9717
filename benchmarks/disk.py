"""The cost of writing to disk beside a run: the same work with and without the disk tier.

    python benchmarks/disk.py [--rounds 9] [--megabytes 128]

Pictures are made with a cache in memory and with one that writes, each round with prompts, seeds
and control images of its own. Then matrices are multiplied alone and beside a value that is being
written: the writer takes one of the cores that OpenMP counts on. What is left to be written when
the work is done is waited for untimed.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measure import Cost, Side, cost, turns
from benchmarks.report.figures import Pair, pair, parser, record
from benchmarks.sides import ROOMY, Job, Ours, Setup, jobs, setup, working
from nodegraph import Node, Output
from nodegraph.base.keys import digest
from nodegraph.cache import Cache
from nodes.types import Image

SIDE = 1024
"""Rows and columns of the matrices."""
PRODUCTS = 40


class Holding(Output):
    """A picture."""

    image: Image


class Hold(Node):
    """Hold a picture."""

    def run(self) -> Holding:
        raise AssertionError("never run: what it would give is put into the cache")


def pictures(cache: Cache, used: Setup, job: Callable[[int], Job]) -> Side:
    """Make pictures with a cache."""
    ours = Ours(used, cache)
    ours.run(job(-1))  # loads the weights

    def side(number: int) -> Cost:
        spent = cost(partial(ours.run, job(number)))
        cache.flush()
        return spent

    return side


def products(cache: Cache | None, megabytes: int) -> Side:
    """Multiply matrices, with a cache while it writes."""
    import torch

    matrix = torch.rand(SIDE, SIDE)

    def work() -> None:
        for _ in range(PRODUCTS):
            matrix @ matrix

    def side(number: int) -> Cost:
        if cache is not None:
            noise = np.random.default_rng(number).integers(0, 256, (megabytes, 2**20 // 3, 3))
            holding = Holding(image=Image(noise.astype(np.uint8)))
            cache.put(digest(b"%d" % number), holding, kind=Hold, seconds=1.0, parts=dict)
        spent = cost(work)
        if cache is not None:
            cache.flush()
            cache.clear()
        return spent

    return side


def figures(arguments: argparse.Namespace) -> Iterator[Pair]:
    """Both kinds of work, with the disk tier against without."""
    with working(None) as (folder, models):
        used, job = setup("tiny", models), jobs(4, arguments.steps, 128, folder, 2.0)
        written = _writes(folder, "pictures")
        sides = {
            "in memory": pictures(Cache.in_memory(ROOMY), used, job),
            "with disk": pictures(written, used, job),
        }
        yield pair("pictures", "4 pictures of the tiny model", turns(sides, arguments.rounds))
        written.close()
        written = _writes(folder, "products")
        sides = {
            "alone": products(None, arguments.megabytes),
            "beside the writer": products(written, arguments.megabytes),
        }
        label = f"matrix products, {arguments.megabytes} MiB being written"
        yield pair("products", label, turns(sides, arguments.rounds))
        written.close()


def _writes(folder: Path, name: str) -> Cache:
    return Cache(folder / name, ROOMY)


def main() -> None:
    """Measure, and print what is found."""
    options = parser(__doc__, 9)
    options.add_argument("--steps", type=int, default=20)
    options.add_argument("--megabytes", type=int, default=128)
    arguments = options.parse_args()
    warnings.filterwarnings("ignore")
    record("disk", figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
