"""Peak memory of making pictures: our graph against diffusers' pipeline, each in a new process.

    python benchmarks/memory.py [--rounds 3] [--models tiny,small,sd15]

Both read the same weights, make the pictures once and end; the system tells the most memory that
the process ever had resident. What Python and PyTorch take themselves is part of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.measure import Cost, Side, ran, turns
from benchmarks.models import NAMES, Name
from benchmarks.report.figures import Pair, pair, parser, record

SIZES: Mapping[Name, tuple[str, int, int, int]] = {
    "tiny": ("tiny, 4 pictures of 128 × 128", 4, 2, 128),
    "small": ("small, 4 pictures of 256 × 256", 4, 1, 256),
    "sd15": ("Stable Diffusion 1.5's size, 256 × 256", 1, 1, 256),
}
"""Label, pictures, steps and pixels."""


def figures(arguments: argparse.Namespace) -> Iterator[Pair]:
    """Every model that is asked for."""
    with tempfile.TemporaryDirectory() as passing:
        folder, models = Path(passing), arguments.made or Path(passing)
        for name in arguments.models.split(","):
            label, *sizes = SIZES[name]
            _prepare(name, models)
            sides: dict[str, Side] = {
                side: partial(_child, side, name, sizes, models, folder)
                for side in ("pipeline", "ours")
            }
            yield pair(name, label, turns(sides, arguments.rounds), measures=("peak", "wall"))


def _prepare(name: Name, models: Path) -> None:
    """Make the model in a process of its own: what a process once used counts for its children."""
    code = "import sys; from pathlib import Path; from benchmarks.models import folders; "
    code += "folders(sys.argv[1], Path(sys.argv[2]))"
    ran([sys.executable, "-c", code, name, str(models)], models)


def _child(  # noqa: PLR0913, PLR0917 (all but the last bound)
    side: str, name: Name, sizes: list[int], models: Path, folder: Path, number: int
) -> Cost:  # fmt: skip
    batch, steps, size = map(str, sizes)
    command = [sys.executable, "-m", "benchmarks.sides", side, "--model", name]
    command += ["--made", str(models), "--batch", batch, "--steps", steps, "--size", size]
    place = folder / f"{side}-{number}"
    place.mkdir(exist_ok=True)
    # What is noted about files is kept, so that a large one is hashed once; results are not.
    return ran(command, place, cache=folder / "cache")


def main() -> None:
    """Measure, and print what is found."""
    options = parser(__doc__, 3)
    options.add_argument("--models", default=",".join(NAMES))
    options.add_argument("--made", type=Path, metavar="DIR", help="where random weights are kept")
    arguments = options.parse_args()
    record("memory", figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
