"""The pictures that the shipped workflows start from."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from training.scenes import make_scene, render, skeleton

PORTRAIT, SHAPES = 7029, 8016
POSES = (7018, 7020, 7033, 7012)


def write_inputs(folder: Path, size: int = 512) -> None:
    """Draw a portrait, two shapes, and four poses with their skeletons."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in [("portrait", PORTRAIT), *((f"pose-{n}", s) for n, s in enumerate(POSES, 1))]:
        scene = make_scene(seed, "person")
        Image.fromarray(render(scene.layout, scene.colours, size).pixels).save(
            folder / f"{name}.png"
        )
    pair = make_scene(SHAPES, "pair")
    Image.fromarray(render(pair.layout, pair.colours, size).pixels).save(folder / "shapes.png")
    for number, seed in enumerate(POSES, start=1):
        person = make_scene(seed, "person").layout.person
        assert person is not None
        drawn = skeleton(person.keypoints, size, size)
        Image.fromarray(drawn).save(folder / f"skeleton-{number}.png")
