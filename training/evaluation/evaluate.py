"""Weights held against prompts and controls of held-out scenes; also grids to look at."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image

from training.evaluation.added import measure_ink, measure_potato
from training.evaluation.controlled import (
    HELD_OUT,
    MEASURES,
    held_out,
    is_person,
    is_single,
    measure_control,
)
from training.evaluation.recognise import recognised
from training.evaluation.studio import STEPS, Studio, load_pipeline
from training.evaluation.tally import Figures, Tally, means, merged
from training.ranks import Rank, run_ranks
from training.scenes import control_image, make_scene

_log = logging.getLogger(__name__)
FIGURES = "figures.json"


@dataclass(frozen=True, slots=True)
class Trial:
    """What to measure: ``kinds`` of which weights, on how many scenes, and where grids go."""

    weights: Path
    kinds: tuple[str, ...]
    scenes: int = 64
    guidance: float = 2.0
    out: Path = Path()


def measure_text(studio: Studio, block: slice, number: int, tally: Tally) -> None:
    """Prompts alone: is the named thing there?"""
    rows = []
    for name, suits in (("shape", is_single), ("person", is_person)):
        scenes = held_out(suits, number)[block]
        drawn = studio.alone([scene.caption for scene in scenes])
        tally.note("text", name, *map(recognised, drawn, scenes))
        true = [scene.picture.pixels for scene in scenes]
        tally.note("text", f"{name}, true", *map(recognised, true, scenes))
        rows.append(drawn)
    tally.show("text", *rows)


OTHERS: Mapping[str, tuple[str, Callable[[Studio, slice, int, Tally], None]]] = {
    "text": ("base", measure_text),
    "potato": ("potato", measure_potato),
    "ink": ("ink.safetensors", measure_ink),
}
"""What is measured beside controls: the file or folder it needs, and by what."""

KINDS: tuple[str, ...] = (*MEASURES, *OTHERS)


def found(weights: Path) -> tuple[str, ...]:
    """The kinds that a folder has weights of."""
    return tuple(
        kind
        for kind in KINDS
        if (weights / (OTHERS[kind][0] if kind in OTHERS else f"controlnet-{kind}")).exists()
    )


def chosen(names: str, weights: Path) -> tuple[str, ...]:
    """The kinds of these names, separated by commas; all that have weights where there are none.

    Raises:
        ValueError: there is no such kind, or no weights of it.
    """
    there = found(weights)
    wanted = tuple(filter(None, (name.strip() for name in names.split(","))))
    if missing := [name for name in wanted if name not in there]:
        raise ValueError(f"no weights of {missing[0]!r} in {weights}; there are {', '.join(there)}")
    return wanted or there


def evaluate(trial: Trial, processes: int) -> Figures:
    """Measure, write grids, and put the figures beside those of other kinds in ``trial.out``."""
    trial.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        run_ranks(_examine, processes, trial, Path(folder))
        figures = means(sorted(Path(folder).glob("*.json")))
    for group in figures:
        figures[group] |= {"scenes": trial.scenes, "guidance": trial.guidance}
    merged(trial.out / FIGURES, figures | {"sizes": sizes(trial.weights)}, KINDS)
    return figures


def sizes(weights: Path) -> dict[str, float]:
    """How large each folder's or file's weights are, in megabytes (a million bytes)."""
    return {
        path.name: round(sum(map(_size, (path, *path.rglob("*")))) / 1e6, 2)
        for path in sorted(weights.iterdir())
        if path.is_dir() or path.suffix == ".safetensors"
    }


def _size(path: Path) -> int:
    return path.stat().st_size if path.suffix == ".safetensors" else 0


def _examine(rank: Rank, trial: Trial, folder: Path) -> None:
    """Measure this process's block of the scenes; the first process's block is what grids show."""
    start, stop = (trial.scenes * i // rank.count for i in (rank.index, rank.index + 1))
    tally, studio = Tally(), Studio(trial.weights, trial.guidance, start)
    for kind in trial.kinds:
        if kind in OTHERS:
            OTHERS[kind][1](studio, slice(start, stop), trial.scenes, tally)
            _log.info("%s measured", kind)
    for kind, measure in MEASURES.items():
        if kind in trial.kinds:
            scenes = held_out(measure.suits, trial.scenes)
            others = scenes[1:] + scenes[:1]
            measure_control(studio, kind, scenes[start:stop], others[start:stop], tally)
            _log.info("%s measured", kind)
    tally.save_numbers(folder / f"{rank.index}.json")
    if rank.first:
        tally.save_grids(trial.out)


@torch.no_grad()
def seconds_an_image(weights: Path, batch: int = 4) -> float:
    """Wall time of one image in a batch, fp32, canny control, text encoder and decoder included."""
    pipeline, scene = load_pipeline(weights, "canny"), make_scene(HELD_OUT, vary=False)
    hint = Image.fromarray(control_image(scene, "canny"))
    times = []
    for _ in range(2):
        start = time.perf_counter()
        pipeline(
            [scene.caption] * batch,
            image=[hint] * batch,
            num_inference_steps=STEPS,
            guidance_scale=2.0,
        )
        times.append((time.perf_counter() - start) / batch)
    return min(times)
