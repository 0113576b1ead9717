"""Timing to be trusted: the sides take turns, and what is told is a median with its spread."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TypeAlias

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
_NO_TIME = 1e-9  # a clock that did not move divides nothing by zero


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that something took; of a process also the peak of its memory, in MiB."""

    wall: float
    cpu: float
    peak: float = 0.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of wall time, and of CPU time of this process with all its threads."""

    wall: Callable[[], float] = perf_counter
    cpu: Callable[[], float] = process_time


CLOCK = Clock()
Side: TypeAlias = Callable[[int], Cost]
"""One way of doing the work of a round, by the round's number; it may prepare before it times."""


class Spread(BaseModel, frozen=True):
    """Repeated measurements: their median, the least and the largest."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median=median(values), low=min(values), high=max(values), count=len(values))


class Compared(BaseModel, frozen=True):
    """Two sides that took turns. The ratios are those of the rounds, not of the medians.

    Attributes:
        ratio: Theirs to ours: above 1, ours takes less.
        share: Ours to theirs.
    """

    theirs: Spread
    ours: Spread
    ratio: Spread
    share: Spread


def cost(work: Callable[[], object], clock: Clock = CLOCK) -> Cost:
    """Do ``work`` and tell what it took in this process."""
    gc.collect()
    wall, cpu = clock.wall(), clock.cpu()
    work()
    return Cost(clock.wall() - wall, clock.cpu() - cpu)


def turns(sides: Mapping[str, Side], rounds: int) -> dict[str, list[Cost]]:
    """Let every side do every round, in an order that is turned round each time.

    So what changes while it is measured (heat, another program) meets all sides alike, and nobody
    always comes first.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            costs[name].append(sides[name](number))
    return costs


def compared(reference: Sequence[float], ours: Sequence[float]) -> Compared:
    """Compare two sides, each measurement with the one of the same round."""
    pairs = [(max(a, _NO_TIME), max(b, _NO_TIME)) for a, b in zip(reference, ours, strict=True)]
    return Compared(
        theirs=Spread.of(reference),
        ours=Spread.of(ours),
        ratio=Spread.of([a / b for a, b in pairs]),
        share=Spread.of([b / a for a, b in pairs]),
    )


def ran(command: Sequence[str], folder: Path, cache: Path | None = None) -> Cost:
    """Run a command in ``folder`` and tell what it and its children took.

    Args:
        cache: Where our results lie, by default a folder of its own in ``folder``.

    Raises:
        RuntimeError: It failed; the message holds the end of what it said.
    """
    added = {"NODEGRAPH_CACHE": str(cache or folder / "cache"), "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **added}
    start = perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    with process.stderr as stream:
        output = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = output.decode(errors="replace").strip()[-800:]
        raise RuntimeError(f"{' '.join(command[1:4])} ended with {process.returncode}: {tail}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)
