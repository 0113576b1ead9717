"""The figures of a suite as data: pairs, values and curves, and the file that holds them."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

from benchmarks.machine import IDLE, Machine, Watch, machine
from benchmarks.measure import ROOT, Compared, Cost, Spread, compared

Measure: TypeAlias = Literal["wall", "cpu", "peak"]
UNDONE = "ended before it was done"
"""The error of a report whose suite goes on, or was killed."""
UNITS: Mapping[Measure, str] = {"wall": "s", "cpu": "s", "peak": "MiB"}


class Pair(BaseModel, frozen=True):
    """The same work by two sides.

    Attributes:
        against: What the other side is called.
        note: What else is to be known, such as how far both results lie apart.
        differs: Why this is not the same work after all; empty where it is.
    """

    kind: Literal["pair"] = "pair"
    key: str
    label: str
    against: str = "pipeline"
    measures: dict[Measure, Compared]
    note: str = ""
    differs: str = ""


class Value(BaseModel, frozen=True):
    """One quantity."""

    kind: Literal["value"] = "value"
    key: str
    label: str
    unit: str
    value: Spread
    note: str = ""


class Curve(BaseModel, frozen=True):
    """How a quantity grows with size.

    Attributes:
        line: Which of several in one plot; the key says which plot.
        exponent: k of total ~ size^k, where there are sizes enough.
    """

    kind: Literal["curve"] = "curve"
    key: str
    line: str
    unit: str
    points: list[tuple[int, float]]
    exponent: float | None = None


Figure = Annotated[Pair | Value | Curve, Field(discriminator="kind")]


class Report(BaseModel, frozen=True):
    """What one suite found, on which machine, and how it ended.

    Attributes:
        others: Cores that other programs used meanwhile, on average.
        error: Why it ended early; what it found before is here all the same.
    """

    suite: str
    machine: Machine
    started: datetime
    seconds: float
    others: float
    figures: list[Figure]
    error: str = ""

    @property
    def idle(self) -> bool:
        return self.others <= IDLE

    def find(self, key: str) -> Pair | Value | None:
        """The pair or value of this key."""
        return next(
            (figure for figure in self.figures if figure.key == key and figure.kind != "curve"),
            None,
        )

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def pair(  # noqa: PLR0913 (all but three by name)
    key: str,
    label: str,
    costs: Mapping[str, Sequence[Cost]],
    *,
    measures: Sequence[Measure] = ("wall", "cpu"),
    note: str = "",
    differs: str = "",
) -> Pair:
    """Compare both sides of ``turns``, of which the second is ours."""
    (against, reference), (_, ours) = costs.items()
    sides = {
        name: compared(
            [getattr(cost, name) for cost in reference], [getattr(cost, name) for cost in ours]
        )
        for name in measures
    }
    return Pair(
        key=key, label=label, against=against, measures=sides, note=note, differs=differs
    )  # fmt: skip


def value(key: str, label: str, unit: str, values: Sequence[float], note: str = "") -> Value:
    """One quantity from its measurements."""
    return Value(key=key, label=label, unit=unit, value=Spread.of(values), note=note)


def parser(doc: str | None, rounds: int | None) -> argparse.ArgumentParser:
    """The options that every suite has; ``doc`` is what --help teaches."""
    default = "the model's own" if rounds is None else rounds
    options = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--rounds", type=int, default=rounds, help=f"{default} unless told otherwise"
    )
    options.add_argument("--json", type=Path, metavar="FILE", help="write what is found there too")
    return options


def record(suite: str, measuring: Iterator[Figure], path: Path | None) -> Report:
    """Print every figure as it comes and write it at once, so that no later failure loses it."""
    here, watch, started = machine(), Watch(), datetime.now(UTC).replace(microsecond=0)
    print(f"{here.line()}; load {here.load:.2f} before", flush=True)
    figures: list[Figure] = []

    def report(error: str) -> Report:
        report = Report(
            suite=suite, machine=here, started=started, seconds=round(watch.seconds(), 1),
            others=watch.others(), figures=figures, error=error,
        )  # fmt: skip
        if path is not None:
            report.save(path)
        return report

    try:
        for figure in measuring:
            figures.append(figure)
            print(line_of(figure), flush=True)
            report(UNDONE)
    except BaseException as raised:
        report(nameless(f"{type(raised).__name__}: {raised}"))
        raise
    done = report("")
    if not done.idle:
        print(f"warning: not idle, others used {done.others:.2f} cores", file=sys.stderr)
    return done


def nameless(text: str) -> str:
    """``text`` without the folders of this machine."""
    for folder in (str(ROOT), str(Path.home()), tempfile.gettempdir()):
        text = text.replace(f"{folder}/", "")
    return re.sub(r"(?<![\w.])/(?:[\w.@+-]+/)+", "…/", text)[-600:]


def line_of(figure: Figure) -> str:
    """A figure as a line for the terminal."""
    if isinstance(figure, Curve):
        last = ", ".join(f"{number(y)} at {x:,}" for x, y in figure.points)
        grows = "" if figure.exponent is None else f"; grows as size^{figure.exponent:.2f}"
        return f"{figure.key}, {figure.line}: {last} ({figure.unit}){grows}"
    if isinstance(figure, Value):
        note = f"; {figure.note}" if figure.note else ""
        return f"{figure.label}: {spread(figure.value, figure.unit)}{note}"
    parts = [
        f"{name} {number(sides.theirs.median)} / {number(sides.ours.median)} {UNITS[name]} ="
        f" {number(sides.ratio.median)}x ({number(sides.ratio.low)}-{number(sides.ratio.high)})"
        for name, sides in figure.measures.items()
    ]
    end = "; ".join(note for note in (figure.note, figure.differs) if note)
    return f"{figure.label}: {figure.against} / ours: {', '.join(parts)}{end and f'; {end}'}"


def spread(values: Spread, unit: str) -> str:
    """A median with what it lies between."""
    median = f"{number(values.median)} {unit}".rstrip()
    between = f" ({number(values.low)} – {number(values.high)})"
    return median + between * (values.count > 1)


def number(value: float) -> str:
    """Three digits, and no more zeros than that takes."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    for least, digits in ((10, 1), (1, 2), (0.1, 3), (0.01, 4)):
        if abs(value) >= least:
            return f"{value:.{digits}f}"
    return f"{value:.2g}"
