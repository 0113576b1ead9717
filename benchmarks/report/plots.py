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

OURS, REFERENCE, GREY, AIM = "#2a6f97", "#c9b79c", "#8a8f98", "#b23a48"
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
        (f"{label}: {pair.label}", pair.measures["wall"].ratio, goals.get(f"{suite}/{pair.key}"))
        for suite, label in {**SAMPLED, "resume": "window moved"}.items()
        for pair in pairs(reports, suite, "wall")
        if not pair.differs
    ]
    figure, axes = _axes(7.6, 0.9 + 0.36 * len(bars))
    places = range(len(bars), 0, -1)
    spreads = [ratio for _, ratio, _ in bars]
    axes.barh(places, _medians(spreads), 0.62, color=OURS, xerr=_errors(spreads), **_whiskers())
    for place, (_, ratio, goal) in zip(places, bars, strict=True):
        axes.annotate(f"{number(ratio.median)}×", (ratio.high, place), (5, -3.5),
                      textcoords="offset points")  # fmt: skip
        if goal is not None:
            axes.plot([goal, goal], [place - 0.42, place + 0.42], color=AIM, linewidth=2)
    axes.plot([], [], color=AIM, linewidth=2, label="aim")
    axes.axvline(1, color=GREY, linewidth=1, linestyle="--")
    axes.set_yticks(list(places), [label for label, _, _ in bars])
    axes.set_ylim(0.4, len(bars) + 0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, max(ratio.high for ratio in spreads) * 1.12)
    axes.set_xlabel("pipeline ÷ ours, wall time; right of the dashed line ours takes less")
    _above(axes, len(bars))
    return figure


def edits(reports: Reports, aims: Sequence[Aim]) -> Figure:  # noqa: ARG001
    """Two bars for each edit, on a logarithmic axis."""
    edits = pairs(reports, "edits", "wall")
    return _beside(edits, "wall", "seconds until the new sheet is there (logarithmic)", log=True)


def memory(reports: Reports, aims: Sequence[Aim]) -> Figure:  # noqa: ARG001
    """Two bars for each model."""
    models = pairs(reports, "memory", "peak")
    return _beside(models, "peak", "peak of resident memory, MiB", log=False)


def growth(reports: Reports, aims: Sequence[Aim]) -> Figure:  # noqa: ARG001
    """Total time by size for every shape, both axes logarithmic."""
    import matplotlib.pyplot as plt

    titles = {"cold": "nothing known", "cached": "all known", "execute": "all known, run alone"}
    curves = [curve for curve in reports["engine"].figures if isinstance(curve, Curve)]
    figure, panels = plt.subplots(1, 3, figsize=(9.2, 3.4), sharey=True, layout="constrained")
    for axes, (key, title) in zip(panels, titles.items(), strict=True):
        drawn = [curve for curve in curves if curve.key == key]
        for curve, colour in zip(drawn, SHAPES, strict=False):
            sizes = [size for size, _ in curve.points]
            totals = [size * microseconds / 1e3 for size, microseconds in curve.points]
            axes.loglog(sizes, totals, "o-", color=colour, label=curve.line, markersize=4)
        if drawn:
            _linear(axes, drawn[0])
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
    return [figure for figure in figures if isinstance(figure, Pair) and measure in figure.measures]


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return figure, axes


def _beside(measured: Sequence[Pair], measure: Measure, unit: str, *, log: bool) -> Figure:
    figure, axes = _axes(7.6, 1.0 + 0.62 * len(measured))
    places = list(range(len(measured), 0, -1))
    against = measured[0].against
    for label, shift, colour in ((against, 0.2, REFERENCE), ("ours", -0.2, OURS)):
        side = "ours" if label == "ours" else "theirs"
        spreads = [getattr(pair.measures[measure], side) for pair in measured]
        at = [place + shift for place in places]
        axes.barh(at, _medians(spreads), 0.38, color=colour, label=label,
                  xerr=_errors(spreads), log=log, **_whiskers())  # fmt: skip
        for place, spread in zip(at, spreads, strict=True):
            axes.annotate(number(spread.median), (spread.high, place), (5, -3.5),
                          textcoords="offset points", fontsize=9)  # fmt: skip
    axes.set_yticks(places, [pair.label for pair in measured])
    axes.set_ylim(0.5, len(measured) + 0.5)
    axes.grid(visible=False, axis="y")
    largest = max(pair.measures[measure].theirs.high for pair in measured)
    axes.set_xlim(right=largest * (3 if log else 1.15))
    axes.set_xlabel(unit)
    _above(axes, 2 * len(measured))
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
    (size, microseconds), (last, _) = curve.points[0], curve.points[-1]
    first = size * microseconds / 1e3
    axes.loglog([size, last], [first, first * last / size], "--", color=GREY, linewidth=1,
                label="linear")  # fmt: skip


def _medians(spreads: Sequence[Spread]) -> list[float]:
    return [spread.median for spread in spreads]


def _errors(spreads: Sequence[Spread]) -> list[list[float]]:
    """Below and above the median, as matplotlib wants them."""
    below = [spread.median - spread.low for spread in spreads]
    return [below, [spread.high - spread.median for spread in spreads]]


def _whiskers() -> dict[str, Any]:
    return {"error_kw": {"ecolor": "#3d4148", "elinewidth": 1, "capsize": 2}}
