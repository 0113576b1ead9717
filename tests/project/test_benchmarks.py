"""Benchmarks pair what belongs together, judge aims rightly, and leave nothing out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console

from benchmarks import (
    bench,
    edits,
    explain,
    machine,
    memory,
    plain,
    resume,
    sampling,
    server,
    suites,
)
from benchmarks.measure import Clock, Cost, Spread, compared, cost, ran, turns
from benchmarks.report import aims, figures, growth, page
from benchmarks.report.aims import Aim, judge
from benchmarks.report.figures import Figure, Report, Value, nameless, number, record, spread, value
from benchmarks.report.sections import SECTIONS
from benchmarks.sides import Apart, jobs

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = sorted({suite.script for suite in suites.SUITES} | {"bench", "layers", "plain", "sides"})


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """Made-up reports: round numbers that no machine measured."""
    text = (ROOT / "tests/data/performance.json").read_text("utf-8")
    return {one["suite"]: Report.model_validate(one) for one in json.loads(text)}


def ticking(*seconds: float) -> Callable[[], float]:
    """A clock that shows these times, one after the other."""
    times: Iterator[float] = iter(seconds)
    return lambda: next(times)


def test_a_cost_is_what_both_clocks_moved() -> None:
    done = []

    found = cost(lambda: done.append("work"), Clock(ticking(10.0, 12.5), ticking(1.0, 5.0)))

    assert (found, done) == (Cost(2.5, 4.0), ["work"])


def test_sides_take_turns_and_the_first_is_another_every_round() -> None:
    order: list[str] = []

    def side(name: str) -> Callable[[int], Cost]:
        def work(number: int) -> Cost:
            order.append(f"{name}{number}")
            return Cost(number, 0)

        return work

    found = turns({"a": side("a"), "b": side("b")}, 3)

    assert order == ["a0", "b0", "b1", "a1", "a2", "b2"]
    assert found["b"] == [Cost(0, 0), Cost(1, 0), Cost(2, 0)]


def test_ratios_are_made_within_rounds_and_then_their_median_is_taken() -> None:
    # The machine was slow in the second round: no ratio of medians would say 2.
    found = compared([2.0, 30.0, 9.0], [1.0, 15.0, 3.0])

    assert found.ratio == Spread(median=2.0, low=2.0, high=3.0, count=3)
    assert found.share == Spread(median=0.5, low=1 / 3, high=0.5, count=3)
    assert (found.theirs.median, found.ours.median) == (9.0, 3.0)


def test_rounds_that_only_one_side_has_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        compared([1.0, 2.0], [1.0])


def test_a_clock_that_did_not_move_divides_nothing_by_zero() -> None:
    assert compared([1.0], [0.0]).ratio.median == pytest.approx(1e9)


def test_the_peak_of_a_process_is_what_it_held(tmp_path: Path) -> None:
    # From a process of its own: whoever starts another one counts in its peak, as suites do not.
    code = """
import sys; from pathlib import Path; from benchmarks.measure import ran
print(ran([sys.executable, "-c", "held = bytearray(700 << 20)"], Path(sys.argv[1])).peak)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]

    said = subprocess.run(command, check=True, capture_output=True, text=True)

    assert 700 < float(said.stdout) < 750


def test_a_process_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('out of paint')"]

    with pytest.raises(RuntimeError, match="ended with 1: out of paint"):
        ran(command, tmp_path)


def test_what_others_did_is_what_was_busy_less_what_was_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "busy", ticking(100.0, 118.0))
    monkeypatch.setattr(machine, "own", ticking(1.0, 9.0))
    monkeypatch.setattr(machine, "perf_counter", ticking(0.0, 20.0))

    assert machine.Watch().others() == 0.5


def test_growth_is_the_slope_between_logarithms() -> None:
    assert growth.exponent([10, 100, 1000], [3.0, 300.0, 30000.0]) == pytest.approx(2.0)


def test_the_engine_is_judged_by_its_slowest_shape_at_5000_nodes() -> None:
    def rows(cold: float) -> dict[int, dict[str, float]]:
        each = {"plan": 1.0, "cold": cold, "cached": 1.0, "execute": 1.0, "peak": 1.0}
        return {1000: {**each, "cold": 500.0}, 5000: each, 20000: {**each, "cold": 900.0}}

    found = list(growth.figures({"chain": rows(80.0), "wide": rows(90.0)}, {}))

    (cold,) = (one for one in found if isinstance(one, Value) and one.key == "cold")
    assert (cold.value.median, cold.note) == (90.0, "wide, the slowest shape, at 5,000")


def test_no_two_jobs_share_seed_prompts_or_control_image(tmp_path: Path) -> None:
    job = jobs(2, 20, 128, tmp_path, 2.0)

    made = [job(number) for number in (0, 1, 2, 999, 1000)]

    for what in ("seed", "prompts"):
        assert len({getattr(one, what) for one in made}) == len(made)
    assert len({one.picture.read_bytes() for one in made}) == len(made)
    assert job(1) == made[1]


def test_results_that_are_equal_are_called_so() -> None:
    said = [str(Apart(0, 0.0)), str(Apart(1, 2e-6))]

    assert said == [
        "exactly the same pictures",
        "at most 1 of 255 apart, latents 2.0e-06 of their spread",
    ]


def broken() -> Iterator[Figure]:
    yield value("a", "first", "s", [1.0])
    raise OSError(f"{Path.home()}/secret/model.bin is gone")


def test_what_was_found_before_a_failure_is_kept_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "results" / "one.json"

    with pytest.raises(OSError, match="gone"):
        record("one", broken(), path)

    found = Report.model_validate_json(path.read_text("utf-8"))
    assert [one.key for one in found.figures] == ["a"]
    assert found.error == "OSError: secret/model.bin is gone"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"no {ROOT}/nodes/builtin/tiny", "no nodes/builtin/tiny"),
        ("File '/opt/some/where/file.py' failed", "File '…/file.py' failed"),
        ("1/2 of a/b", "1/2 of a/b"),
    ],
)
def test_errors_name_no_folder_of_the_machine(text: str, shown: str) -> None:
    assert nameless(text) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [(1234.5, "1,234"), (99.96, "100.0"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123"),
     (0.01234, "0.0123"), (0.001234, "0.0012")],
)  # fmt: skip
def test_numbers_have_three_digits(given: float, shown: str) -> None:
    assert number(given) == shown


def test_a_single_measurement_has_no_spread() -> None:
    once, twice = Spread.of([2.0]), Spread.of([2.0, 4.0])

    assert (spread(once, "s"), spread(twice, "")) == ("2.00 s", "3.00 (2.00 – 4.00)")


def judged(reports: dict[str, Report], figure: str, **aim: object) -> tuple[str, str]:
    one = Aim.model_validate({"figure": figure, "label": figure, "of": "ratio", **aim})
    (verdict,) = judge([one], reports)
    return verdict.state, verdict.said


@pytest.mark.parametrize(
    ("figure", "aim", "state", "said"),
    [
        ("tiny/whole", {"at_least": 1.5}, "met", "met"),
        ("tiny/whole", {"at_least": 1.6}, "missed", "missed by 6.25 %"),
        ("memory/tiny", {"of": "share", "at_most": 0.7}, "met", "met"),
        ("memory/tiny", {"of": "share", "at_most": 0.5}, "missed", "missed by 40.0 %"),
        ("engine/cached", {"of": "value", "unit": "µs a node", "at_most": 60}, "met", "met"),
        ("engine/cached", {"of": "value", "unit": "ms", "at_most": 60}, "failed",
         "engine/cached has no value in ms"),
        ("resume/end-1.0-0.8", {"at_least": 4}, "void",
         "does not count: the pictures are not the same"),
        ("server/idle", {"of": "value", "at_most": 1}, "not measured", "not measured"),
        ("memory/sd15", {"of": "share", "at_most": 1}, "failed", "failed before it was measured"),
        ("tiny/other", {"at_least": 1}, "not measured", "not measured"),
    ],
)  # fmt: skip
def test_an_aim_is_met_missed_void_or_said_to_be_unknown(
    reports: dict[str, Report], figure: str, aim: dict[str, object], state: str, said: str
) -> None:
    assert judged(reports, figure, **aim) == (state, said)


def test_an_aim_has_one_bound() -> None:
    with pytest.raises(ValidationError, match="give at_least or at_most"):
        Aim.model_validate({"figure": "a/b", "label": "a", "of": "ratio"})


def test_every_aim_is_of_a_suite_that_is_run() -> None:
    known = {suite.name for suite in suites.SUITES}

    assert {aim.figure.partition("/")[0] for aim in aims.load()} <= known


def test_every_aim_is_of_a_figure_that_its_suite_makes() -> None:
    scene = plain.Scene(Path(), Path(), Path())
    known: dict[str, set[str]] = {
        **{str(name): {case.key for case in one.cases} for name, one in sampling.PRESETS.items()},
        "resume": {move.key for move in resume.MOVES},
        "edits": {edits.key_of(name) for name in edits.edits(scene, [], [])},
        "memory": set(memory.SIZES),
        "engine": set(growth.QUANTITIES),
        "explain": set(explain.STATES),
        "server": {*server.STARTS, "idle", "jobs"},
    }

    wanted = [aim.figure.split("/") for aim in aims.load()]

    assert [f"{suite}/{key}" for suite, key in wanted if key not in known[suite]] == []


def test_every_suite_has_its_place_on_the_page() -> None:
    shown = [name for section in SECTIONS for name in section.suites]

    assert sorted(shown) == sorted(suite.name for suite in suites.SUITES)


def test_the_page_says_what_was_found_with_its_spread(reports: dict[str, Report]) -> None:
    text = page.page(reports, aims.load())

    for line in (
        "| the same, a window of 0 to 0.6 | ≥ 1.9 | 2.00 (1.86 – 2.20) | met |",
        "| sampling: tiny, 4 pictures, 20 steps | ≥ 1.6 | 1.50 (1.40 – 1.65) | **missed by 6.25 %** |",  # noqa: E501
        "| server: trivial jobs | ≥ 50 /s | – | **not measured** |",
        "| one ControlNet | 3.00 s | 2.00 s | 1.50× (1.40 – 1.65) | 1.50× | exactly the same pictures |",  # noqa: E501
        "| the first run, peak memory | 1,000 MiB | 800 MiB | 1.25× (1.24 – 1.27) |  | ours is 0.800 of it |",  # noqa: E501
        "| nodegraph --help | 0.250 s (0.200 – 0.300) | 0.20 s of CPU |",
        "| planning, µs a node | 100 | 1,000 | 5,000 | growth |",
        "| wide | 15.0 | 15.0 | 15.0 | n^1.00 |",
    ):
        assert line in text.splitlines()


def test_the_page_names_machine_disturbance_and_failure(reports: dict[str, Report]) -> None:
    text = page.page(reports, aims.load())

    assert "**Machine**: A made-up CPU, 2 cores, 24 GiB, Linux, Python 3.11.0, torch 2.0.0," in text
    assert "load 0.05 before it began, 2000-01-01." in text
    assert "while it measured edits (0.50 cores)." in text
    assert "**Failed**, and ended early: `RuntimeError: benchmarks.sides ended with -9`" in text
    assert "**the pictures are not the same**; at most 9 of 255 apart" in text


def test_a_suite_that_was_not_run_is_said_and_its_plot_left_out() -> None:
    text = page.page({}, aims.load())

    assert "Nothing has been measured yet." in text
    assert text.count("\nNot measured.\n") == len(suites.SUITES)
    assert text.count("**not measured**") == len(aims.load())
    assert "![" not in text


def test_why_an_aim_is_missed_is_told_only_where_it_is(reports: dict[str, Report]) -> None:
    whole = Aim(figure="tiny/whole", label="whole", of="ratio", at_least=1.6, why="Because.")
    window = Aim(figure="tiny/window", label="window", of="ratio", at_least=1.9, why="Hidden.")

    text = page.page(reports, [whole, window])

    assert "**whole** is missed by 6.25 %. Because." in text
    assert "Hidden." not in text


def test_the_readme_shows_what_was_measured_and_else_nothing(reports: dict[str, Report]) -> None:
    shown = page.speed(reports, aims.load())

    assert shown.splitlines() == [
        "| against diffusers' pipeline | times as fast |",
        "| --- | --- |",
        "| one of four prompts changed | 5.00 |",
        "| run again, nothing changed | 400 |",
        "",
        "On A made-up CPU, 2 cores, 24 GiB, Linux, Python 3.11.0, torch 2.0.0, diffusers 0.40.0.",
    ]
    assert page.speed({}, aims.load()) == ""


def test_a_suite_that_leaves_no_report_gets_one_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    command = [sys.executable, "-c", "print('working'); raise SystemExit(3)"]

    done = bench.run_suite("one", command, path, tmp_path, Console(quiet=True))

    assert not done
    assert Report.model_validate_json(path.read_text("utf-8")).error == "ended with 3: working"


def test_a_suite_that_is_killed_keeps_what_it_found(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    code = (
        "import os, pathlib; from benchmarks.report.figures import record, value\n"
        "def found():\n    yield value('a', 'first', 's', [1.0])\n    os.kill(os.getpid(), 9)\n"
        f"record('one', found(), pathlib.Path({str(path)!r}))"
    )

    bench.run_suite("one", [sys.executable, "-c", code], path, tmp_path, Console(quiet=True))

    left = Report.model_validate_json(path.read_text("utf-8"))
    assert [one.key for one in left.figures] == ["a"]
    assert left.error.startswith("ended with -9: ")


def test_a_suite_that_hangs_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "LONGEST", 0.2)
    path = tmp_path / "one.json"
    command = [sys.executable, "-c", "import time; time.sleep(60)"]

    done = bench.run_suite("one", command, path, tmp_path, Console(quiet=True))

    assert not done
    assert "ended after" in Report.model_validate_json(path.read_text("utf-8")).error


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_says_what_it_is_for_without_importing_torch(script: str) -> None:
    code = (
        f"import sys, runpy; sys.argv = ['{script}', '--help']\n"
        f"try: runpy.run_path('benchmarks/{script}.py', run_name='__main__')\n"
        "except SystemExit: print([one for one in ('torch', 'cv2', 'PIL', 'matplotlib')"
        " if one in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    *said, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    assert len(said) > 5


@pytest.mark.slow
def test_every_plot_is_drawn_and_one_without_figures_is_taken_away(
    reports: dict[str, Report], tmp_path: Path
) -> None:
    from benchmarks.report import plots

    written = plots.write(reports, aims.load(), tmp_path)
    assert sorted(path.stem for path in written) == ["edits", "growth", "memory", "ratios"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)

    assert plots.write({}, aims.load(), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_suite_runs_from_its_script_to_its_report(tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    words = ["--rounds", "1", "--batch", "1", "--steps", "2"]
    command = [sys.executable, "-m", "benchmarks.sampling", *words, "--json", str(path)]

    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    found = Report.model_validate_json(path.read_text("utf-8"))
    assert [one.key for one in found.figures] == ["whole", "window", "off", "unguided"]
    pairs = [one for one in found.figures if isinstance(one, figures.Pair)]
    assert {one.differs for one in pairs} == {""}
    assert {tuple(one.measures) for one in pairs} == {("wall", "cpu")}
