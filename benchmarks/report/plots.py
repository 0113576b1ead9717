"""The pictures of docs/performance.md, from what the suites wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Spread
from benchmarks.report.aims import Aim, Reports
from benchmarks.report.figures import Curve, Measure, Pair, number
from benchmarks.report.page import drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

OURS, THEIRS, GREY, AIM = "#2a6f97", "#c9b79c", "#8a8f98", "#b23a48"
SAMPLED = {"tiny": "tiny", "small": "256 px", "sd15": "SD 1.5 size", "sd15-half": "SD 1.5, bf16"}
SHAPES = ("#2a6f97", "#d08c2f", "#5b8c5a", "#8c5b8a", "#b23a48", "#4a4e58")
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e7e8ea",
    "grid.linewidth": 0.8,
    "figure.facecolor": "white",
    "figure.constrained_layout.w_pad": 0.12,
}


def write(reports: Reports, aims: Sequence[Aim], folder: Path) -> list[Path]:
    """Draw every plot of which something was measured; the others' files are removed."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context(STYLE):
        for name, draw in PLOTS.items():
            path = folder / f"{name}.png"
            if not drawn(name, reports):
                path.unlink(missing_ok=True)
                continue
            figure = draw(reports, aims)
            figure.savefig(path, dpi=110, metadata={"Software": None})
            plt.close(figure)
            written.append(path)
    return written


def ratios(reports: Reports, aims: Sequence[Aim]) -> Figure:
    """A bar for each case of sampling, with its spread and its aim."""
    goals = {aim.figure: aim.at_least for aim in aims if aim.of == "ratio"}
    bars = [
        (f"{said}: {one.label}", one.measures["wall"].ratio, goals.get(f"{suite}/{one.key}"))
        for suite, said in {**SAMPLED, "resume": "window moved"}.items()
        for one in pairs(reports, suite, "wall")
        if not one.differs
    ]
    figure, axes = _axes(7.6, 0.9 + 0.36 * len(bars))
    places = range(len(bars), 0, -1)
    spreads = [one for _, one, _ in bars]
    axes.barh(places, _medians(spreads), 0.62, color=OURS, xerr=_errors(spreads), **_whiskers())
    for place, (_, one, goal) in zip(places, bars, strict=True):
        axes.annotate(f"{number(one.median)}×", (one.high, place), (5, -3.5),
                      textcoords="offset points")  # fmt: skip
        if goal is not None:
            axes.plot([goal, goal], [place - 0.42, place + 0.42], color=AIM, linewidth=2)
    axes.plot([], [], color=AIM, linewidth=2, label="aim")
    axes.axvline(1, color=GREY, linewidth=1, linestyle="--")
    axes.set_yticks(list(places), [label for label, _, _ in bars])
    axes.set_ylim(0.4, len(bars) + 0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, max(one.high for one in spreads) * 1.12)
    axes.set_xlabel("pipeline ÷ ours, wall time; right of the dashed line ours takes less")
    _above(axes, len(bars))
    return figure


def edits(reports: Reports, aims: Sequence[Aim]) -> Figure:  # noqa: ARG001
    """Two bars for each edit, on a logarithmic axis."""
    found = pairs(reports, "edits", "wall")
    return _beside(found, "wall", "seconds until the new sheet is there (logarithmic)", log=True)


def memory(reports: Reports, aims: Sequence[Aim]) -> Figure:  # noqa: ARG001
    """Two bars for each model."""
    found = pairs(reports, "memory", "peak")
    return _beside(found, "peak", "peak of resident memory, MiB", log=False)


def growth(reports: Reports, aims: Sequence[Aim]) -> Figure:  # noqa: ARG001
    """Total time by size for every shape, both axes logarithmic."""
    import matplotlib.pyplot as plt

    said = {"cold": "nothing known", "cached": "all known", "execute": "all known, run alone"}
    curves = [one for one in reports["engine"].figures if isinstance(one, Curve)]
    figure, panels = plt.subplots(1, 3, figsize=(9.2, 3.4), sharey=True, layout="constrained")
    for axes, (key, title) in zip(panels, said.items(), strict=True):
        shown = [one for one in curves if one.key == key]
        for one, colour in zip(shown, SHAPES, strict=False):
            sizes = [size for size, _ in one.points]
            totals = [size * each / 1e3 for size, each in one.points]
            axes.loglog(sizes, totals, "o-", color=colour, label=one.line, markersize=4)
        if shown:
            _linear(axes, shown[0])
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("nodes")
        axes.xaxis.set_major_formatter(_plain())
        axes.yaxis.set_major_formatter(_plain())
    panels[0].set_ylabel("milliseconds")
    panels[0].legend(frameon=False, fontsize=9)
    return figure


PLOTS: Mapping[str, Callable[[Reports, Sequence[Aim]], Figure]] = {
    "ratios": ratios,
    "edits": edits,
    "memory": memory,
    "growth": growth,
}


def pairs(reports: Reports, suite: str, measure: Measure) -> list[Pair]:
    """The pairs of a suite that have this measure; none of a suite that was not run."""
    figures = reports[suite].figures if suite in reports else []
    return [one for one in figures if isinstance(one, Pair) and measure in one.measures]


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return figure, axes


def _beside(found: Sequence[Pair], measure: Measure, unit: str, *, log: bool) -> Figure:
    figure, axes = _axes(7.6, 1.0 + 0.62 * len(found))
    places = list(range(len(found), 0, -1))
    against = found[0].against
    for label, shift, colour in ((against, 0.2, THEIRS), ("ours", -0.2, OURS)):
        side = "ours" if label == "ours" else "theirs"
        spreads = [getattr(one.measures[measure], side) for one in found]
        at = [place + shift for place in places]
        axes.barh(at, _medians(spreads), 0.38, color=colour, label=label,
                  xerr=_errors(spreads), log=log, **_whiskers())  # fmt: skip
        for place, one in zip(at, spreads, strict=True):
            axes.annotate(number(one.median), (one.high, place), (5, -3.5),
                          textcoords="offset points", fontsize=9)  # fmt: skip
    axes.set_yticks(places, [one.label for one in found])
    axes.set_ylim(0.5, len(found) + 0.5)
    axes.grid(visible=False, axis="y")
    largest = max(one.measures[measure].theirs.high for one in found)
    axes.set_xlim(right=largest * (3 if log else 1.15))
    axes.set_xlabel(unit)
    _above(axes, 2 * len(found))
    if log:
        axes.xaxis.set_major_formatter(_plain())
    return figure


def _above(axes: Axes, bars: int) -> None:
    """The legend above the bars, where it hides nothing."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1 - 0.2 / max(bars, 4)), ncols=2,
                frameon=False)  # fmt: skip


def _plain() -> FuncFormatter:
    """Numbers as people write them, also on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda x, _: f"{x:,.10g}")


def _linear(axes: Axes, curve: Curve) -> None:
    """A dashed line through a curve's first point that grows as the size does."""
    (size, each), (last, _) = curve.points[0], curve.points[-1]
    first = size * each / 1e3
    axes.loglog([size, last], [first, first * last / size], "--", color=GREY, linewidth=1,
                label="linear")  # fmt: skip


def _medians(spreads: Sequence[Spread]) -> list[float]:
    return [one.median for one in spreads]


def _errors(spreads: Sequence[Spread]) -> list[list[float]]:
    """Below and above the median, as matplotlib wants them."""
    below = [one.median - one.low for one in spreads]
    return [below, [one.high - one.median for one in spreads]]


def _whiskers() -> dict[str, Any]:
    return {"error_kw": {"ecolor": "#3d4148", "elinewidth": 1, "capsize": 2}}
