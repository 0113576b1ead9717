"""Sampling: our graph against diffusers' pipeline, from prompt and control image to picture.

    python benchmarks/sampling.py                    # the tiny model, 4 pictures, 20 steps
    python benchmarks/sampling.py --model small      # random weights, 256 pixels
    python benchmarks/sampling.py --model sd15       # Stable Diffusion 1.5's size, random weights
    python benchmarks/sampling.py --model sd15 --dtype bfloat16 --size 512 --steps 1

Both sides have their weights loaded. Every round has its own seed, prompts and control image, so
nothing else is known to either. The pictures are compared first; then the two sides take turns.
A ratio above 1: ours takes less.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.measure import Cost, Side, cost, turns
from benchmarks.models import Name
from benchmarks.report.figures import Pair, pair, parser, record
from benchmarks.sides import (
    ROOMY,
    Apart,
    Job,
    Ours,
    Pipeline,
    add_model,
    apart,
    jobs,
    setup,
    working,
)
from nodegraph.cache import Cache

FAR = 1e-2
"""Of the latents' spread: beyond it, two float32 runs did not do the same work."""
COMPARED = 999  # the number of the job that is compared and not timed


@dataclass(frozen=True, slots=True)
class Case:
    """A change of a job."""

    key: str
    label: str
    strength: float = 1.0
    end: float = 1.0
    guidance: float | None = None

    def of(self, job: Job) -> Job:
        guidance = job.guidance if self.guidance is None else self.guidance
        return replace(job, strength=self.strength, end=self.end, guidance=guidance)


WHOLE = Case("whole", "one ControlNet")
WINDOW = Case("window", "until 0.6 of the steps", end=0.6)
OFF = Case("off", "at strength 0", strength=0.0)
UNGUIDED = Case("unguided", "without guidance", guidance=1.0)


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes and counts for a model, where no option says otherwise."""

    batch: int
    steps: int
    size: int
    guidance: float
    rounds: int
    cases: tuple[Case, ...]


PRESETS: Mapping[Name, Preset] = {
    "tiny": Preset(4, 20, 128, 2.0, 5, (WHOLE, WINDOW, OFF, UNGUIDED)),
    "small": Preset(4, 4, 256, 7.5, 5, (WHOLE, WINDOW)),
    "sd15": Preset(1, 2, 256, 7.5, 5, (WHOLE,)),
}


def name_of(arguments: argparse.Namespace) -> str:
    """What the suite is called: the model, and ``-half`` in half precision."""
    return arguments.model if arguments.dtype == "float32" else f"{arguments.model}-half"


def differs(apartness: Apart, arguments: argparse.Namespace) -> str:
    """Why the two results are not the same picture; half precision rounds too much to tell."""
    exact = apartness.levels <= 1 if arguments.model == "tiny" else apartness.latents <= FAR
    return "" if exact or arguments.dtype != "float32" else "the pictures are not the same"


def figures(arguments: argparse.Namespace, preset: Preset) -> Iterator[Pair]:
    """Every case of a model, compared and timed."""
    with working(arguments.made) as (folder, models):
        used = setup(arguments.model, models, arguments.dtype, arguments.device)
        ours, pipeline = Ours(used, Cache.in_memory(ROOMY)), Pipeline(used)
        job = jobs(preset.batch, preset.steps, preset.size, folder, preset.guidance)
        for at, case in enumerate(preset.cases):
            first = 1000 * at
            compared_job = case.of(job(first + COMPARED))
            apartness = apart(pipeline.make(compared_job), ours.make(compared_job))
            sides: dict[str, Side] = {
                "pipeline": partial(_timed, pipeline.run, job, case, first),
                "ours": partial(_timed, ours.run, job, case, first),
            }
            costs = turns(sides, arguments.rounds or preset.rounds)
            note, wrong = str(apartness), differs(apartness, arguments)
            yield pair(case.key, case.label, costs, note=note, differs=wrong)


def _timed(
    work: Callable[[Job], object], job: Callable[[int], Job], case: Case, first: int, number: int
) -> Cost:
    return cost(partial(work, case.of(job(first + number))))


def options() -> argparse.ArgumentParser:
    arguments = parser(__doc__, None)
    add_model(arguments)
    for name in ("batch", "steps", "size"):
        arguments.add_argument(f"--{name}", type=int, help="the model's own unless told otherwise")
    return arguments


def main() -> None:
    """Measure one model and print what is found."""
    arguments = options().parse_args()
    warnings.filterwarnings("ignore")
    preset = PRESETS[arguments.model]
    sizes = {name: getattr(arguments, name) for name in ("batch", "steps", "size")}
    preset = replace(preset, **{name: number for name, number in sizes.items() if number})
    record(name_of(arguments), figures(arguments, preset), arguments.json)


if __name__ == "__main__":
    main()
