"""Measures of what was trained on top of the base: the subject, the style, and still all else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from training.evaluation.controlled import (
    HELD_OUT,
    edge_score,
    held_out,
    is_person,
    is_single,
    note_scores,
)
from training.evaluation.measures import background_name, colour_name, foreground, lines
from training.evaluation.recognise import is_potato, recognised, shows
from training.evaluation.studio import Studio, load_pipeline, with_lora
from training.evaluation.tally import Tally
from training.recipes.lora import ink
from training.scenes import Scene, canny
from training.scenes.potato import make_potato
from training.scenes.render import Pixels

STRENGTHS = (0.0, 0.5, 1.0, 1.5)
TOKEN = "sks "  # the rare word, of all that the subject is called


def measure_potato(studio: Studio, block: slice, number: int, tally: Tally) -> None:
    """The new subject in the poses of edges, with a ControlNet that never saw it; and all else."""
    every = [make_potato(HELD_OUT + i) for i in range(number)]
    scenes, others = every[block], (every[1:] + every[:1])[block]
    prompts = [scene.caption for scene in scenes]
    hints, foreign = (
        [canny(scene.picture.pixels) for scene in shown] for shown in (scenes, others)
    )
    pipeline = load_pipeline(studio.weights, "canny", "potato")
    own, shuffled = (studio.draw(pipeline, prompts, shown) for shown in (hints, foreign))
    without, true = studio.alone(prompts, "potato"), [scene.picture.pixels for scene in scenes]
    note_scores(tally, "potato", edge_score, {
        "with": (own, scenes), "without": (without, scenes), "shuffled": (shuffled, scenes),
        "given": (shuffled, others), "true": (true, scenes),
    })  # fmt: skip
    tiny = studio.draw(load_pipeline(studio.weights, "canny"), prompts, hints)
    nameless = studio.alone([text.replace(TOKEN, "") for text in prompts], "potato")
    for name, pictures in {
        "with control": own, "alone": without, "without the token": nameless,
        "tiny with control": tiny, "tiny alone": studio.alone(prompts), "true": true,
    }.items():  # fmt: skip
        tally.note("potato", f"recognised, {name}", *map(is_potato, pictures, scenes))
    _measure_prior(studio, block, number, tally)
    tally.show("potato", hints, tiny, own, without)


def _measure_prior(studio: Studio, block: slice, number: int, tally: Tally) -> None:
    """Prompts of shapes and people: are they what they were, and no potatoes?"""
    for name, suits in (("shape", is_single), ("person", is_person)):
        scenes = held_out(suits, number)[block]
        prompts = [scene.caption for scene in scenes]
        for base in ("potato", "base"):
            drawn = studio.alone(prompts, base)
            tally.note("potato", f"{name}, {base}", *map(recognised, drawn, scenes))
            tally.note("potato", f"potato for a {name}, {base}", *map(is_potato, drawn, scenes))


def measure_ink(studio: Studio, block: slice, number: int, tally: Tally) -> None:
    """The style by its strength: dark lines, white paper, and is the named thing still there?"""
    half = -(-number // 2)
    shapes, people = (
        held_out(lambda scene, suits=suits: suits(scene) and _is_coloured(scene), half)  # type: ignore[misc]
        for suits in (is_single, is_person)
    )
    scenes = list(chain(*zip(shapes, people, strict=True)))[:number][block]
    rows = []
    for strength in STRENGTHS:
        pipeline = with_lora(load_pipeline(studio.weights), studio.weights, strength)
        rows.append(studio.draw(pipeline, [scene.caption for scene in scenes]))
        _note_style(tally, f"{strength:g}", rows[-1], scenes)
    _note_style(tally, "true", [ink(scene) for scene in scenes], scenes)
    tally.show("ink", *rows)


def _is_coloured(scene: Scene) -> bool:
    """Whether nothing named is black, like lines, or white, like paper."""
    return not {"black", "white"} & {scene.colours.background, *scene.colours.parts}


def _note_style(
    tally: Tally, name: str, pictures: Sequence[Pixels], scenes: Sequence[Scene]
) -> None:
    for picture, scene in zip(pictures, scenes, strict=True):
        silhouette, dark = foreground(picture), lines(picture)
        tally.note("ink", f"lines, {name}", dark.mean())
        tally.note("ink", f"paper, {name}", background_name(picture) == "white")
        tally.note("ink", f"{scene.layout.kind}, {name}", shows(silhouette, scene))
        fill = picture[silhouette & ~dark]
        if scene.layout.shapes and len(fill):
            tally.note("ink", f"colour, {name}", colour_name(fill) == scene.colours.parts[0])
