"""The aims, and whether what was measured meets them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, model_validator

from benchmarks.measure import ROOT, Spread
from benchmarks.report.figures import Pair, Report, Value, number

FILE = ROOT / "benchmarks" / "aims.toml"
State: TypeAlias = Literal["met", "missed", "void", "not measured", "failed"]
Reports: TypeAlias = Mapping[str, Report]


class Aim(BaseModel, frozen=True, extra="forbid"):
    """What one figure is to reach.

    Attributes:
        figure: Suite and key.
        why: Why it is missed, for the page, where it is.
        shown: Whether README.md tells it.
    """

    figure: str
    label: str
    of: Literal["ratio", "share", "value"]
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    why: str = ""
    shown: bool = False

    @model_validator(mode="after")
    def _one_bound(self) -> Aim:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.figure}: give at_least or at_most")
        return self

    @property
    def bound(self) -> float:
        bound = self.at_most if self.at_least is None else self.at_least
        assert bound is not None
        return bound


class Verdict(NamedTuple):
    """An aim and how it went.

    Attributes:
        said: The verdict in words: by how much it is missed, or why nothing is known.
    """

    aim: Aim
    state: State
    said: str
    found: Spread | None = None

    @property
    def goal(self) -> str:
        """The aim in words."""
        sign = "≤" if self.aim.at_least is None else "≥"
        return f"{sign} {self.aim.bound:g} {self.aim.unit}".rstrip()


def load(file: Path = FILE) -> list[Aim]:
    """Read the aims."""
    return [Aim.model_validate(table) for table in tomllib.loads(file.read_text("utf-8"))["aim"]]


def judge(aims: Sequence[Aim], reports: Reports) -> list[Verdict]:
    """Hold every aim against what was found; none is left out."""
    return [_judged(aim, reports) for aim in aims]


def _judged(aim: Aim, reports: Reports) -> Verdict:
    suite, _, key = aim.figure.partition("/")
    report = reports.get(suite)
    figure = report.find(key) if report else None
    if figure is None:
        if report is None or not report.error:
            return Verdict(aim, "not measured", "not measured")
        return Verdict(aim, "failed", "failed before it was measured")
    measured = _quantity(aim, figure)
    if measured is None:
        quantity = f"{aim.of} in {aim.unit}" if aim.unit else aim.of
        return Verdict(aim, "failed", f"{aim.figure} has no {quantity}")
    if isinstance(figure, Pair) and figure.differs:
        return Verdict(aim, "void", f"does not count: {figure.differs}", measured)
    off = _missed_by(aim, measured.median)
    if off <= 0:
        return Verdict(aim, "met", "met", measured)
    return Verdict(aim, "missed", f"missed by {number(100 * off)} %", measured)


def _quantity(aim: Aim, figure: Pair | Value) -> Spread | None:
    if isinstance(figure, Value):
        return figure.value if (aim.of, aim.unit) == ("value", figure.unit) else None
    if aim.of == "ratio" and "wall" in figure.measures:
        return figure.measures["wall"].ratio
    if aim.of == "share" and "peak" in figure.measures:
        return figure.measures["peak"].share
    return None


def _missed_by(aim: Aim, measured: float) -> float:
    """In parts of the aim; nothing or less where it is met."""
    if aim.at_least is not None:
        return (aim.at_least - measured) / aim.at_least
    return (measured - aim.bound) / aim.bound
