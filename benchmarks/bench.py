"""Run every suite and write docs/performance.md: `make bench`.

    python -m benchmarks.bench                     # everything, about 25 minutes on two idle cores
    python -m benchmarks.bench --quick             # the least of it; into output/bench alone
    python -m benchmarks.bench --only tiny,resume  # some again; the others' figures stay
    python -m benchmarks.bench --missing           # those that have no figures, or failed
    python -m benchmarks.bench --page              # none: only write the page again

Each suite is a process of its own and writes its figures at once, so what was measured is never
lost. One that fails is told on the page, and the others go on.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import IDLE, Watch, machine
from benchmarks.measure import ROOT
from benchmarks.report import page
from benchmarks.report.aims import Reports, judge, load
from benchmarks.report.figures import UNDONE, Report, nameless
from benchmarks.suites import SUITES, Suite

LONGEST = 20 * 60
"""Seconds after which a suite is ended: it hangs."""
COLOURS = {"met": "green", "missed": "red", "void": "red", "failed": "red"}


def main() -> int:
    """Run what is asked for, write the page, and print how the aims fare."""
    arguments = _options().parse_args()
    console = Console()
    target = ROOT / "output" / "bench" if arguments.quick else ROOT / "docs"
    results = arguments.results or (target / "results" if arguments.quick else page.RESULTS)
    failed = [] if arguments.page else run(_chosen(arguments, results), arguments, results, console)
    reports = page.load(results)
    write(reports, target)
    console.print(table(reports))
    console.print(f"{_near(target / 'performance.md')} is written")
    return int(bool(failed))


def _options() -> argparse.ArgumentParser:
    names = ", ".join(suite.name for suite in SUITES)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, nothing of real size")
    parser.add_argument("--only", metavar="SUITES", help=names)
    parser.add_argument("--missing", action="store_true", help="only what has no sound report")
    parser.add_argument("--page", action="store_true", help="only write the page again")
    parser.add_argument("--results", type=Path, metavar="DIR", help="where reports are written")
    parser.add_argument("--made", type=Path, metavar="DIR", help="where random weights are kept")
    return parser


def _chosen(arguments: argparse.Namespace, results: Path) -> list[Suite]:
    names = {suite.name for suite in SUITES}
    chosen = set(arguments.only.split(",")) if arguments.only else names
    if unknown := sorted(chosen - names):
        raise SystemExit(f"--only: no {', '.join(unknown)}; there are {', '.join(sorted(names))}")
    if arguments.missing:
        chosen -= {name for name, report in page.load(results).items() if not report.error}
    if arguments.quick:
        chosen -= {suite.name for suite in SUITES if suite.quick is None}
    return [suite for suite in SUITES if suite.name in chosen]


def run(
    suites: Sequence[Suite], arguments: argparse.Namespace, results: Path, console: Console
) -> list[str]:
    """Run suites one after the other; the names of those that failed."""
    _warn(console)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        models = arguments.made or Path(folder) / "models"
        models.mkdir(parents=True, exist_ok=True)
        for number, suite in enumerate(suites, start=1):
            words = suite.quick if arguments.quick else suite.full
            more = ["--made", str(models)] if suite.needs_models else []
            path = results / f"{suite.name}.json"
            command = [sys.executable, "-m", f"benchmarks.{suite.script}", *(words or ()), *more]
            console.rule(f"{number} of {len(suites)}: {suite.title}", align="left")
            if not run_suite(
                suite.name, [*command, "--json", str(path)], path, Path(folder), console
            ):
                failed.append(suite.name)
    return failed


def run_suite(name: str, command: Sequence[str], path: Path, cache: Path, console: Console) -> bool:
    """Run a suite, showing what it says; where it leaves no report, one is written that says so."""
    path.unlink(missing_ok=True)
    here, watch, started = machine(), Watch(), datetime.now(UTC).replace(microsecond=0)
    environment = {
        **os.environ, "NODEGRAPH_CACHE": str(cache / "cache"), "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    last: list[str] = []
    with process, console.status(name), _ended(process) as late:
        assert process.stdout is not None
        for line in process.stdout:
            console.print(line.rstrip(), style="dim", highlight=False, markup=False)
            last = [*last, line.rstrip()][-3:]
        code = process.wait()
    if code != 0:
        reason = f"ended after {LONGEST // 60} minutes" if late.is_set() else f"ended with {code}"
        unknown = Report(
            suite=name, machine=here, started=started, seconds=round(watch.seconds(), 1),
            others=watch.others(), figures=[], error=UNDONE,
        )  # fmt: skip
        _explain(path, unknown, nameless(f"{reason}: {' '.join(last)}"))
    console.print(f"{name}: {watch.seconds():.0f} s{'' if code == 0 else ', failed'}")
    return code == 0


def _explain(path: Path, unknown: Report, reason: str) -> None:
    """Say why a suite ended that did not say so itself; ``unknown`` where it wrote nothing."""
    left = Report.model_validate_json(path.read_text("utf-8")) if path.exists() else unknown
    if left.error == UNDONE:
        left.model_copy(update={"error": reason}).save(path)


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[threading.Event]:
    """End a suite, with all it started, that takes too long or is left; the flag says the first."""
    late = threading.Event()

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def end() -> None:
        late.set()
        kill()

    timer = threading.Timer(LONGEST, end)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        if process.poll() is None:
            kill()
            process.wait()


def _warn(console: Console) -> None:
    here, watch = machine(), Watch()
    threading.Event().wait(1)
    console.print(f"{here.line()}; load {here.load:.2f}")
    if watch.others() > IDLE:
        console.print(
            f"warning: this machine is not idle, other programs use {watch.others():.2f} cores;"
            " ratios suffer less than times do, and the page will say so",
            style="yellow",
        )


def write(reports: Reports, target: Path) -> None:
    """Write the page and its pictures below ``target``; in docs/, README.md's table with them."""
    from benchmarks.report import plots

    aims = load()
    target.mkdir(parents=True, exist_ok=True)
    (target / page.PAGE.name).write_text(page.page(reports, aims), "utf-8")
    plots.write(reports, aims, target / page.PICTURES)
    if target == page.PAGE.parent:
        readme = ROOT / "README.md"
        readme.write_text(page.fill_parts(readme, {"speed": page.speed(reports, aims)}), "utf-8")


def table(reports: Reports) -> Table:
    """The aims, as the terminal shows them."""
    rows = Table("figure", "aim", "measured", "", box=None, pad_edge=False)
    for verdict in judge(load(), reports):
        colour = COLOURS.get(verdict.state, "yellow")
        state = f"[{colour}]{verdict.said}[/]"
        rows.add_row(verdict.aim.label, verdict.goal, page.measured(verdict), state)
    return rows


def _near(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    raise SystemExit(main())
