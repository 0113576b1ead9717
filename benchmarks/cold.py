"""The first run in a new process: ours with an empty cache against the plain diffusers script.

    python benchmarks/cold.py [--repeats 3]

Scene 1 with the same weights, from starting Python to the saved grid. Both sides take turns; wall
time and peak memory are the medians.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

HERE = Path(__file__).parent


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Run ``command`` in ``folder``; seconds of wall time, and the peak of its memory in MiB."""
    environment = {**os.environ, "NODEGRAPH_CACHE": str(folder / "cache")}
    start = perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{command[1]} failed: {said.decode()[-2000:]}")
    return seconds, usage.ru_maxrss / 2**10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    sides = {
        "script": [sys.executable, str(HERE / "plain.py"), "grid.png"],
        "ours": [sys.executable, "-m", "nodegraph", "run", "canny-portraits"],
    }
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, command in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                figures[name].append(measure(command, Path(folder)))
    found = {
        name: [median(column) for column in zip(*rows, strict=True)]
        for name, rows in figures.items()
    }
    print(f"{'':12} {'wall s':>8} {'peak MiB':>10}")
    for name, (seconds, memory) in found.items():
        print(f"{name:12} {seconds:8.2f} {memory:10.0f}")
    ours, script = found["ours"], found["script"]
    print(f"{'ours / script':12} {ours[0] / script[0]:7.2f} {ours[1] / script[1]:10.2f}")


if __name__ == "__main__":
    main()
