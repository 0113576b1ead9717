"""The time to start: commands that compute nothing, each in a new process.

    python benchmarks/startup.py [--rounds 5]

Beside them an empty Python, and one that imports PyTorch, for scale. All take turns.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.measure import Cost, Side, ran, turns
from benchmarks.report.figures import Value, parser, record, value

OURS = ("-m", "nodegraph")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "python": ("-c", "pass"),
    "help": (*OURS, "--help"),
    "check": (*OURS, "check", "canny-portraits"),
    "explain": (*OURS, "explain", "canny-portraits"),
    "nodes": (*OURS, "nodes"),
    "torch": ("-c", "import torch"),
}
LABELS = {
    "python": "Python, doing nothing",
    "help": "nodegraph --help",
    "check": "nodegraph check canny-portraits",
    "explain": "nodegraph explain canny-portraits",
    "nodes": "nodegraph nodes",
    "torch": "Python, importing PyTorch",
}


def figures(arguments: argparse.Namespace) -> Iterator[Value]:
    """Every command's wall time, after one start of each that is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        sides: dict[str, Side] = {
            name: partial(_start, words, Path(folder)) for name, words in COMMANDS.items()
        }
        turns(sides, 1)
        for name, costs in turns(sides, arguments.rounds).items():
            cpu = sorted(spent.cpu for spent in costs)[len(costs) // 2]
            note = f"{cpu:.2f} s of CPU"
            yield value(name, LABELS[name], "s", [spent.wall for spent in costs], note)


def _start(words: tuple[str, ...], folder: Path, _: int) -> Cost:
    return ran([sys.executable, *words], folder)


def main() -> None:
    """Measure, and print what is found."""
    arguments = parser(__doc__, 5).parse_args()
    record("startup", figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
