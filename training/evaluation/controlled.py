"""Is a control followed, and only because it is there? Every kind by a measure that fits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np

from nodes.checkpoints.names import ControlKind
from training.evaluation.measures import edge_f1, foreground, iou, mottled, part_colours, sharpness
from training.evaluation.tally import Tally
from training.scenes import Scene, control_image, make_scene, render, sample_colours
from training.scenes.caption import caption
from training.scenes.conditionings import STRAIGHT
from training.scenes.render import Pixels

if TYPE_CHECKING:
    from training.evaluation.studio import Studio

HELD_OUT = 10**9  # the first of the seeds that nothing was trained on
Score = Callable[[Pixels, Scene], float]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a kind is measured by, and which scenes suit it."""

    score: Score
    suits: Callable[[Scene], bool]


def edge_score(drawn: Pixels, scene: Scene) -> float:
    """Edges against the scene's."""
    return edge_f1(drawn, scene.picture.pixels)


def silhouette_score(drawn: Pixels, scene: Scene) -> float:
    """What differs from the background against all things of the scene."""
    return iou(foreground(drawn), scene.picture.parts > 0)


def is_any(scene: Scene) -> bool:  # noqa: ARG001
    """Every scene: shapes, pairs and people as they come."""
    return True


def is_straight(scene: Scene) -> bool:
    """Whether everything in a scene has straight sides and nothing else."""
    shapes = scene.layout.shapes
    return bool(shapes) and all(shape.name in STRAIGHT for shape in shapes)


def is_single(scene: Scene) -> bool:
    """Whether a scene shows one shape."""
    return scene.layout.kind == "shape"


def is_person(scene: Scene) -> bool:
    """Whether a scene shows a person."""
    return scene.layout.person is not None


MEASURES: Mapping[ControlKind, Measure] = {
    "canny": Measure(edge_score, is_any),
    "hed": Measure(edge_score, is_any),
    "scribble": Measure(edge_score, is_any),
    "mlsd": Measure(edge_score, is_straight),
    "openpose": Measure(silhouette_score, is_person),
    "depth": Measure(silhouette_score, is_any),
    "normal": Measure(silhouette_score, is_any),
    "seg": Measure(silhouette_score, is_any),
}


def held_out(suits: Callable[[Scene], bool], number: int) -> list[Scene]:
    """The first held-out scenes that suit."""
    return list(islice(filter(suits, _scenes()), number))


def _scenes() -> Iterator[Scene]:
    return (make_scene(seed, vary=False) for seed in count(HELD_OUT))


def repaint(scene: Scene, seed: int) -> Scene:
    """The same layout in other colours."""
    colours = sample_colours(np.random.default_rng(seed), scene.layout)
    return Scene(
        scene.layout, colours, render(scene.layout, colours), caption(scene.layout, colours)
    )


def measure_control(
    studio: Studio,
    kind: ControlKind,
    scenes: Sequence[Scene],
    others: Sequence[Scene],
    tally: Tally,
) -> None:
    """Draw with its own control, without one, with that of another scene, and in new colours."""
    from training.evaluation.studio import load_pipeline

    prompts, hints, foreign = (
        [scene.caption for scene in scenes],
        *([control_image(scene, kind) for scene in chosen] for chosen in (scenes, others)),
    )
    repainted = [repaint(scene, studio.first + i) for i, scene in enumerate(scenes)]
    pipeline = load_pipeline(studio.weights, kind)
    own, shuffled = (studio.draw(pipeline, prompts, shown) for shown in (hints, foreign))
    without = studio.alone(prompts)
    recoloured = studio.draw(pipeline, [scene.caption for scene in repainted], hints)
    score = MEASURES[kind].score
    note_scores(tally, kind, score, {
        "with": (own, scenes), "without": (without, scenes), "shuffled": (shuffled, scenes),
        "given": (shuffled, others), "recoloured": (recoloured, scenes),
        "true": ([scene.picture.pixels for scene in scenes], scenes),
    })  # fmt: skip
    _note_looks(tally, kind, own, scenes)
    for scene, picture in zip(repainted, recoloured, strict=True):
        tally.note(kind, "new colours", *part_colours(picture, scene))
    tally.show(kind, hints, own, without, shuffled, recoloured)


def note_scores(
    tally: Tally,
    group: str,
    score: Score,
    columns: Mapping[str, tuple[Sequence[Pixels], Sequence[Scene]]],
) -> None:
    """Score every picture of every column against its scene."""
    for name, (pictures, scenes) in columns.items():
        tally.note(group, name, *map(score, pictures, scenes))


def _note_looks(
    tally: Tally, group: str, pictures: Sequence[Pixels], scenes: Sequence[Scene]
) -> None:
    for picture, scene in zip(pictures, scenes, strict=True):
        true = scene.picture.pixels
        tally.note(group, "colours", *part_colours(picture, scene))
        tally.note(group, "sharpness", sharpness(picture, true))
        tally.note(group, "sharpness of true scenes", sharpness(true, true))
        tally.note(group, "mottled", mottled(picture, true))
