"""How well weights follow prompts and controls on held-out scenes; also grids to look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from diffusers import (
    ControlNetModel,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
    UniPCMultistepScheduler,
)
from PIL import Image

from training.measures import edge_f1, foreground, iou, mottled, part_colours, sharpness
from training.ranks import Rank
from training.recognise import recognised
from training.scenes import Kind, Scene, canny, make_scene, render, sample_colours, skeleton
from training.scenes.caption import caption
from training.scenes.render import Pixels

HELD_OUT = 10**9  # the first of the seeds that nothing was trained on
STEPS, BATCH = 20, 8
Pipeline: TypeAlias = StableDiffusionPipeline | StableDiffusionControlNetPipeline


@dataclass(slots=True)
class Tally:
    """Numbers under names, and rows of pictures to look at."""

    numbers: dict[str, list[float]] = field(default_factory=dict)
    rows: dict[str, list[Pixels]] = field(default_factory=dict)

    def note(self, name: str, *values: float) -> None:
        """Add values under a name."""
        self.numbers.setdefault(name, []).extend(map(float, values))


def load_pipeline(weights: Path, kind: str | None = None) -> Pipeline:
    """The exported base with one ControlNet or none, in fp32, with UniPC."""
    options = {"dtype": torch.float32, "safety_checker": None}
    pipeline: Pipeline
    if kind is None:
        pipeline = StableDiffusionPipeline.from_pretrained(weights / "base", **options)
    else:
        folder = weights / f"controlnet-{kind}"
        control = ControlNetModel.from_pretrained(folder, dtype=torch.float32)
        pipeline = StableDiffusionControlNetPipeline.from_pretrained(
            weights / "base", controlnet=control, **options
        )
    pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def generate(
    pipeline: Pipeline,
    prompts: Sequence[str],
    hints: Sequence[Pixels] | None = None,
    guidance: float = 2.0,
) -> list[Pixels]:
    """One picture a prompt; picture number i has seed i."""
    pictures: list[Pixels] = []
    for start in range(0, len(prompts), BATCH):
        rows = range(start, min(start + BATCH, len(prompts)))
        extra = {} if hints is None else {"image": [Image.fromarray(hints[i]) for i in rows]}
        with torch.autocast("cpu", torch.bfloat16):
            images = pipeline(
                [prompts[i] for i in rows],
                num_inference_steps=STEPS,
                guidance_scale=guidance,
                height=128,
                width=128,
                generator=[torch.Generator().manual_seed(i) for i in rows],
                output_type="np",
                **extra,
            ).images
        pictures += [np.round(image * 255).astype(np.uint8) for image in images]
    return pictures


def held_out(kind: Kind | None, count: int, rank: Rank) -> list[Scene]:
    """This rank's share of the first ``count`` held-out scenes."""
    return [make_scene(HELD_OUT + i, kind, vary=False) for i in rank.share(range(count))]


def measure_text(weights: Path, scenes: Sequence[Scene], guidance: float, tally: Tally) -> None:
    """Prompts alone: is the named thing there?"""
    drawn = generate(load_pipeline(weights), [s.caption for s in scenes], guidance=guidance)
    for scene, picture in zip(scenes, drawn, strict=True):
        tally.note(f"text alone, {scene.layout.kind} recognised", recognised(picture, scene))
        tally.note(
            f"text alone, {scene.layout.kind}: the measure on true scenes",
            recognised(scene.picture.pixels, scene),
        )
    tally.rows |= {f"text-{scenes[0].layout.kind}": drawn}


def hint_of(kind: str, scene: Scene) -> Pixels:
    """The exact conditioning of a scene."""
    if kind == "canny":
        return canny(scene.picture.pixels)
    return skeleton(scene.layout.person.keypoints if scene.layout.person else None, 256)


def edge_score(drawn: Pixels, scene: Scene) -> float:
    """Edges against the scene's."""
    return edge_f1(drawn, scene.picture.pixels)


def person_score(drawn: Pixels, scene: Scene) -> float:
    """The silhouette against the scene's person."""
    return iou(foreground(drawn), scene.picture.parts > 0)


SCORES: dict[str, tuple[str, Callable[[Pixels, Scene], float]]] = {
    "canny": ("edge F1", edge_score),
    "openpose": ("person IoU", person_score),
}


def measure_control(
    weights: Path, kind: str, scenes: Sequence[Scene], guidance: float, tally: Tally
) -> None:
    """A hint beside the prompt: is it followed, and only because it is there?"""
    prompts, hints = [s.caption for s in scenes], [hint_of(kind, s) for s in scenes]
    others, repainted = hints[1:] + hints[:1], [repaint(s, i) for i, s in enumerate(scenes)]
    pipeline = load_pipeline(weights, kind)
    drawn = {
        "with control": generate(pipeline, prompts, hints, guidance),
        "without": generate(load_pipeline(weights), prompts, None, guidance),
        "shuffled controls": generate(pipeline, prompts, others, guidance),
        "new colours": generate(pipeline, [s.caption for s in repainted], hints, guidance),
    }
    name, score = SCORES[kind]
    for column, pictures in drawn.items():
        for scene, picture in zip(scenes, pictures, strict=True):
            tally.note(f"{kind}, {name}, {column}", score(picture, scene))
    for column, wanted in (("with control", scenes), ("new colours", repainted)):
        for scene, picture in zip(wanted, drawn[column], strict=True):
            tally.note(f"{kind}, part colours right, {column}", *part_colours(picture, scene))
    truth = {"truth": [s.picture.pixels for s in scenes], "hint": hints}
    for scene, picture in zip(scenes, drawn["with control"], strict=True):
        true = scene.picture.pixels
        tally.note(f"{kind}, sharpness of edges", sharpness(picture, true))
        tally.note(f"{kind}, sharpness of edges of the true scenes", sharpness(true, true))
        tally.note(f"{kind}, mottled share", mottled(picture, true))
    tally.rows |= {f"{kind}-{column}": pictures for column, pictures in (truth | drawn).items()}


def repaint(scene: Scene, seed: int) -> Scene:
    """The same layout in other colours."""
    colours = sample_colours(np.random.default_rng(seed), scene.layout)
    return Scene(
        scene.layout, colours, render(scene.layout, colours), caption(scene.layout, colours)
    )


@torch.no_grad()
def seconds_an_image(weights: Path, batch: int = 4) -> float:
    """Wall time of one image in a batch, fp32, canny control, text encoder and decoder included."""
    pipeline, scene = load_pipeline(weights, "canny"), make_scene(HELD_OUT, vary=False)
    hint = Image.fromarray(hint_of("canny", scene))
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


def evaluate(rank: Rank, weights: Path, count: int, guidance: float, grids: Path) -> None:
    """Measure this rank's share of the scenes and leave numbers and pictures in ``grids``."""
    grids.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    for kind in ("canny", "openpose"):
        scenes = held_out("person" if kind == "openpose" else None, count, rank)
        measure_control(weights, kind, scenes, guidance, tally)
    kinds: tuple[Kind, ...] = ("shape", "person")
    for shown in kinds:
        measure_text(weights, held_out(shown, count // 2, rank), guidance, tally)
    (grids / f"numbers-{rank.index}.json").write_text(json.dumps(tally.numbers))
    if rank.first:
        save_grids(tally, grids)


def save_grids(tally: Tally, folder: Path, columns: int = 12) -> None:
    """Control grids have a row for each kind of picture; text grids are just many pictures."""
    for kind in ("canny", "openpose"):
        rows = [r[:columns] for name, r in tally.rows.items() if name.startswith(kind)]
        Image.fromarray(np.vstack([np.hstack(row) for row in rows])).save(folder / f"{kind}.png")
    for kind in ("shape", "person"):
        drawn = tally.rows[f"text-{kind}"]
        whole = [drawn[i : i + 8] for i in range(0, len(drawn) // 8 * 8, 8)] or [drawn]
        Image.fromarray(np.vstack([np.hstack(row) for row in whole])).save(
            folder / f"text-{kind}.png"
        )


def table(grids: Path) -> dict[str, float]:
    """The mean of every number over all ranks."""
    parts = [json.loads(path.read_text()) for path in sorted(grids.glob("numbers-*.json"))]
    return {name: float(np.mean([v for part in parts for v in part[name]])) for name in parts[0]}
