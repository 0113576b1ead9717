"""The first run in a new process: ours with an empty cache against the plain diffusers script.

    python benchmarks/cold.py [--rounds 3]

Scene 1 (one picture's edges, four prompts, the tiny model) with the same weights, from starting
Python to the saved grid. Both sides take turns.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import Cost, Side, ran, turns
from benchmarks.report.figures import Pair, pair, parser, record

HERE = Path(__file__).parent


def figures(arguments: argparse.Namespace) -> Iterator[Pair]:
    """Wall time, CPU time and peak memory of both."""
    sides: dict[str, Side] = {
        "script": partial(_first, [str(HERE / "plain.py"), "grid.png"]),
        "ours": partial(_first, ["-m", "nodegraph", "run", "canny-portraits"]),
    }
    costs = turns(sides, arguments.rounds)
    yield pair("first", "the first run", costs, measures=("wall", "cpu", "peak"))


def _first(words: Sequence[str], _: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        return ran([sys.executable, *words], Path(folder))


def main() -> None:
    """Measure, and print what is found."""
    arguments = parser(__doc__, 3).parse_args()
    record("cold", figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
