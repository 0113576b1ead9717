"""The words of docs/performance.md around its tables, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.report.figures import Measure


class Section(NamedTuple):
    """A heading with its suites; ``plots`` are shown where what they draw was measured."""

    title: str
    about: str
    suites: tuple[str, ...]
    plots: Mapping[str, str] = {}


INTRODUCTION = """\
# Performance

How long things take and how much memory, against diffusers' own
`StableDiffusionControlNetPipeline` where it can do the same. Everything on this page was measured
by `make bench` on the machine that is named below, and written by it; nothing is added by hand.
`make bench-quick` takes a few minutes, and leaves this page as it is.
"""
SECTIONS = (
    Section(
        "Sampling",
        "From prompts and a control image to pictures, with UniPC, and with the weights of both "
        "sides loaded. Every round has a seed, prompts and a control image of its own, so nothing "
        "but the weights is known beforehand. `tiny` is the embedded model; the others have the "
        "layout of Stable Diffusion 1.5 with random weights, which take as long as trained ones, "
        "and a ControlNet whose zero convolutions are filled: else it would add nothing.",
        ("tiny", "small", "sd15", "sd15-half"),
        {"ratios": "How many times as long the pipeline takes, by case, with the aims"},
    ),
    Section(
        "A window moved after a run",
        "A run, and then the same with another start or end of its control (tiny, 4 pictures, "
        "20 steps). Ours goes on from the first step that differs; the pipeline runs them all.",
        ("resume",),
    ),
    Section(
        "Edits",
        "Four portraits from one picture's edges, made once; then one thing is changed and they "
        "are made again. The script is what one writes with diffusers: it keeps its pipeline "
        "loaded, and loads again only what an edit replaces.",
        ("edits",),
        {"edits": "Seconds that each edit takes, in the script and in ours"},
    ),
    Section(
        "The first run",
        "The same four portraits in a new process, from starting Python to the saved sheet, "
        "with an empty cache.",
        ("cold",),
    ),
    Section(
        "Memory",
        "The most memory that a new process had resident while it loaded a model and made "
        "pictures once, with what Python and PyTorch take themselves.",
        ("memory",),
        {"memory": "The peak of memory of both sides, by model"},
    ),
    Section(
        "The engine",
        "What the engine costs by itself: microseconds a node on graphs of nodes that add two "
        "numbers, of several shapes. The best of the repeats is shown, and for each quantity the "
        "slowest shape.",
        ("engine", "explain"),
        {"growth": "Milliseconds by the number of nodes; a dashed line is linear growth"},
    ),
    Section(
        "Writing to disk",
        "Results are written by a thread of their own while the run goes on. Four pictures of the "
        "tiny model, each round others, with a cache in memory against one that writes to disk; "
        "and products of matrices on all cores, alone against beside a large value that is being "
        "written. A ratio of 1 says that writing costs the run nothing.",
        ("disk",),
    ),
    Section("Commands", "Commands that compute nothing, each in a new process.", ("startup",)),
    Section(
        "The server",
        "`nodegraph serve` in a process and a data folder of its own, with jobs that join two "
        "words: each is acknowledged, run by the worker and recorded on disk.",
        ("server",),
    ),
)
METHOD = """\
## How it is measured

- The two sides take turns in every round, and the one that begins changes from round to round.
  What changes meanwhile meets both alike.
- A ratio is made within each round; shown is the median of the rounds, and in brackets the least
  and the largest. Above 1: ours takes less.
- Wall time is what somebody waits, and what the aims are held against. CPU time is what all cores
  together worked; its ratio stands beside.
- The pictures of both sides are compared before anything is timed. With float32 on the same
  weights they differ by rounding alone; a comparison in which they differ by more does not count.
- What other programs did meanwhile is taken from the system's own account, and said above if it
  was more than a little.
- Peaks of memory are the system's, of a process that did nothing else.
- Each suite is a script that runs alone: `python benchmarks/sampling.py --help` tells more. What
  they find lies in `benchmarks/results/`, the aims in `benchmarks/aims.toml`;
  `python -m benchmarks.bench --page` writes this page again from both.

## What is not measured

- **A GPU.** No figure on this page was made on one, and nothing here says how either side does
  there.
- **Trained weights of Stable Diffusion 1.5.** The sizes are true, the weights random: time and
  memory are the same, pictures mean nothing.
- **Other systems.** The only other side is diffusers' pipeline, called as its documentation does.
"""

MEASURES: Mapping[Measure, str] = {"wall": "wall time", "cpu": "CPU time", "peak": "peak memory"}
CURVES = {
    "plan": "planning",
    "cold": "planning and running, nothing known",
    "cached": "planning and running, all known",
    "execute": "running, all known",
    "peak": "peak of Python's memory, nothing known",
    "known": "explain, all known",
    "new": "explain, nothing known",
    "edited": "explain, one value changed",
}
"""What each curve is called, by its key."""
DRAWS = {
    "ratios": ("tiny", "small", "sd15", "sd15-half", "resume"),
    "edits": ("edits",),
    "memory": ("memory",),
    "growth": ("engine",),
}
"""Of which suites each plot shows something."""
