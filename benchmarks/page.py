"""docs/performance.md and the speed table of README.md, from what the suites wrote; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import TypeAlias

from benchmarks.aims import Aim, Reports, Verdict, judge
from benchmarks.figures import UNITS, Curve, Figure, Pair, Report, Value, number, spread
from benchmarks.measure import ROOT, Spread
from benchmarks.sections import CURVES, DRAWS, HOW, INTRODUCTION, SAID, SECTIONS, Section
from benchmarks.suites import SUITES

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"
PICTURES = Path("pictures/performance")
TITLES = {suite.name: suite.title for suite in SUITES}
Row: TypeAlias = Sequence[str]


def load(folder: Path = RESULTS) -> dict[str, Report]:
    """Every report in a folder, by its suite."""
    files = sorted(folder.glob("*.json"))
    found = (Report.model_validate_json(file.read_text("utf-8")) for file in files)
    return {report.suite: report for report in found}


def page(reports: Reports, aims: Sequence[Aim]) -> str:
    """The whole page; what was not measured, or failed, is said."""
    parts = [
        INTRODUCTION,
        *_machines(reports),
        "## The aims\n",
        *_aims(judge(aims, reports)),
        *(part for section in SECTIONS for part in _section(section, reports)),
        HOW,
    ]
    return "\n".join(parts)


def speed(reports: Reports, aims: Sequence[Aim]) -> str:
    """The table of README.md: the aims that are shown there, as far as they were measured."""
    known = [one for one in judge([aim for aim in aims if aim.shown], reports) if one.found]
    sound = [one for one in known if one.state in ("met", "missed")]
    if not sound:
        return ""
    rows = [("against diffusers' pipeline", "times as fast"), *map(_shown, sound)]
    return f"{_table(rows)}\nOn {next(iter(reports.values())).machine.line()}.\n"


def _shown(one: Verdict) -> Row:
    assert one.found is not None
    return one.aim.label, number(one.found.median)


def _machines(reports: Reports) -> Iterator[str]:
    if not reports:
        yield "Nothing has been measured yet.\n"
        return
    by_line: dict[str, list[Report]] = {}
    for report in sorted(reports.values(), key=lambda one: one.started):
        by_line.setdefault(report.machine.line(), []).append(report)
    for line, found in by_line.items():
        named = "" if len(by_line) == 1 else f" ({', '.join(one.suite for one in found)})"
        load, day = found[0].machine.load, found[0].started.date()
        yield f"**Machine**: {line}; load {load:.2f} before it began, {day}{named}.\n"
    if disturbed := [one for one in reports.values() if not one.idle]:
        names = ", ".join(f"{one.suite} ({one.others:.2f} cores)" for one in disturbed)
        yield f"**Not idle**: other programs used the machine while it measured {names}.\n"


def _aims(verdicts: Sequence[Verdict]) -> Iterator[str]:
    rows = [("figure", "aim", "measured", ""), *map(_verdict, verdicts)]
    yield _table(rows)
    yield from (
        f"**{one.aim.label}** is {one.said}. {one.aim.why}\n"
        for one in verdicts
        if one.state == "missed" and one.aim.why
    )


def _verdict(one: Verdict) -> Row:
    mark = one.said if one.state == "met" else f"**{one.said}**"
    return one.aim.label, one.goal, measured(one), mark


def measured(one: Verdict) -> str:
    """What was found for an aim, with its spread."""
    return spread(one.found, one.aim.unit) if one.found else "–"


def _section(section: Section, reports: Reports) -> Iterator[str]:
    yield f"## {section.title}\n\n{wrapped(section.about)}\n"
    for plot, about in section.plots.items():
        if drawn(plot, reports):
            yield f"![{about}]({PICTURES}/{plot}.png)\n"
    for name in section.suites:
        if len(section.suites) > 1:
            yield f"### {TITLES[name]}\n"
        yield from _report(reports.get(name))


def _report(report: Report | None) -> Iterator[str]:
    if report is None:
        yield "Not measured.\n"
        return
    if report.error:
        yield f"**Failed**, and ended early: `{' '.join(report.error.split()).replace('`', '')}`\n"
    pairs = [one for one in report.figures if isinstance(one, Pair)]
    values = [one for one in report.figures if isinstance(one, Value)]
    if pairs:
        against = pairs[0].against
        head = ("", against, "ours", f"{against} ÷ ours", "by CPU time", "")
        yield _table([head, *(row for one in pairs for row in _pair(one))])
    if values:
        yield _table([("", "measured", ""), *map(_value, values)])
    yield from _curves(report.figures)


def _value(one: Value) -> Row:
    return one.label, spread(one.value, one.unit), one.note


def _pair(one: Pair) -> Iterator[Row]:
    names = [name for name in one.measures if name != "cpu"]
    for name in names:
        found, cpu = one.measures[name], one.measures.get("cpu")
        label = one.label if name == names[0] else f"{one.label}, {SAID[name]}"
        sides = (f"{number(side.median)} {UNITS[name]}" for side in (found.theirs, found.ours))
        by_cpu = f"{number(cpu.ratio.median)}×" if cpu and name == "wall" else ""
        notes = [one.differs and f"**{one.differs}**", one.note] if name == names[0] else []
        if name == "peak":
            notes.append(f"ours is {number(found.share.median)} of it")
        yield label, *sides, times(found.ratio), by_cpu, "; ".join(filter(None, notes))


def times(ratio: Spread) -> str:
    """A ratio with its spread."""
    return spread(ratio, "×").replace(" ×", "×")


def _curves(figures: Iterable[Figure]) -> Iterator[str]:
    found: dict[str, list[Curve]] = {}
    for one in figures:
        if isinstance(one, Curve):
            found.setdefault(one.key, []).append(one)
    for key, curves in found.items():
        sizes = [size for size, _ in curves[0].points]
        grows = any(one.exponent is not None for one in curves)
        head = (f"{CURVES.get(key, key)}, {curves[0].unit}", *(f"{size:,}" for size in sizes))
        head += ("growth",) * grows
        yield _table([head, *(_curve(one, grows=grows) for one in curves)])


def _curve(one: Curve, *, grows: bool) -> Row:
    exponent = "" if one.exponent is None else f"n^{one.exponent:.2f}"
    return one.line, *(number(y) for _, y in one.points), *((exponent,) * grows)


def drawn(plot: str, reports: Reports) -> bool:
    """Whether there is anything that this plot draws."""
    found = [one for name in DRAWS[plot] if name in reports for one in reports[name].figures]
    if plot == "growth":
        return any(isinstance(one, Curve) for one in found)
    return any(isinstance(one, Pair) and not (plot == "ratios" and one.differs) for one in found)


def _table(rows: Iterable[Row]) -> str:
    """A table in Markdown; the first row is its head."""
    head, *rest = rows
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rest)]
    return "\n".join([*lines, ""])


def wrapped(text: str) -> str:
    """A paragraph in lines of 100 characters."""
    return fill(text, 100, break_long_words=False, break_on_hyphens=False)
