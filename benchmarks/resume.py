"""A control's window moved after a run: ours goes on from the first step that differs.

    python benchmarks/resume.py [--rounds 5]

Every round begins with a run of ours that is not timed, with a seed, prompts and a control image
of its own. Then the window is changed: ours runs the same graph again with the same cache, the
pipeline everything. The tiny model, 4 pictures of 128 x 128, 20 steps of UniPC, float32.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.measure import Cost, cost, turns
from benchmarks.report.figures import Pair, pair, parser, record
from benchmarks.sides import ROOMY, Apart, Job, Ours, Pipeline, apart, jobs, setup, working
from nodegraph.cache import Cache

COMPARED = 999  # the number of the job that is compared and not timed


@dataclass(frozen=True, slots=True)
class Move:
    """A window before and after: the fractions of the steps where it starts and ends."""

    key: str
    label: str
    before: tuple[float, float]
    after: tuple[float, float]


MOVES = (
    Move("end-1.0-0.8", "end 1.0 → 0.8", (0, 1.0), (0, 0.8)),
    Move("end-0.6-0.8", "end 0.6 → 0.8", (0, 0.6), (0, 0.8)),
    Move("start-0.3-0.4", "start 0.3 → 0.4", (0.3, 1.0), (0.4, 1.0)),
)


@dataclass(frozen=True)
class Moved:
    """Both sides under one move."""

    ours: Ours
    pipeline: Pipeline
    move: Move
    jobs: Callable[[int], Job]
    first: int

    def job(self, number: int) -> Job:
        return self.jobs(self.first + number)

    def after(self, number: int) -> Job:
        """The job after the move."""
        start, end = self.move.after
        return replace(self.job(number), start=start, end=end)

    def begin(self, number: int) -> None:
        """The run before the move."""
        start, end = self.move.before
        self.ours.run(replace(self.job(number), start=start, end=end))

    def again(self, number: int) -> Cost:
        self.begin(number)
        return cost(partial(self.ours.run, self.after(number)))

    def anew(self, number: int) -> Cost:
        return cost(partial(self.pipeline.run, self.after(number)))

    def apart(self) -> Apart:
        self.begin(COMPARED)
        job = self.after(COMPARED)
        return apart(self.pipeline.make(job), self.ours.make(job))


def figures(arguments: argparse.Namespace) -> Iterator[Pair]:
    """Every move, compared and timed."""
    with working(None) as (folder, models):
        used = setup("tiny", models)
        ours, pipeline = Ours(used, Cache.in_memory(ROOMY)), Pipeline(used)
        job = jobs(arguments.batch, arguments.steps, 128, folder, 2.0)
        for at, move in enumerate(MOVES):
            both = Moved(ours, pipeline, move, job, first=1000 * at)
            apartness = both.apart()
            costs = turns({"pipeline": both.anew, "ours": both.again}, arguments.rounds)
            wrong = "" if apartness.levels <= 1 else "the pictures are not the same"
            yield pair(move.key, move.label, costs, note=str(apartness), differs=wrong)


def main() -> None:
    """Measure, and print what is found."""
    options = parser(__doc__, 5)
    options.add_argument("--batch", type=int, default=4)
    options.add_argument("--steps", type=int, default=20)
    arguments = options.parse_args()
    warnings.filterwarnings("ignore")
    record("resume", figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
