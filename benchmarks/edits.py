"""Edit scene 1 and run it again: our re-run against a diffusers script that re-runs everything.

    python benchmarks/edits.py [--rounds 3]

Both sides run the same edits in this one process, with everything loaded and one run behind them,
as somebody works who changes one thing and looks again. The script keeps its pipeline loaded and
loads again only what an edit replaces. Each edit is made once a round, with another value each
time. Before anything is timed, the pictures of both sides are compared.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.measure import Cost, Side, cost, turns
from benchmarks.models import hush
from benchmarks.plain import Scene, Script
from benchmarks.report.figures import Pair, pair, parser, record
from nodegraph import Registry, Workflow, load_registry, plan, run
from nodegraph.cache import Cache
from nodegraph.node import Folders
from nodegraph.settings import Settings

ROOT = Path(__file__).parent.parent
TINY = ROOT / "nodes" / "builtin" / "tiny"
INPUTS = ROOT / "workflows" / "inputs"
COLOURS = ("pink", "orange", "cyan", "purple", "green", "blue", "yellow", "red", "white")
COLUMNS = (1, 3, 4, 5, 6, 7, 8, 9, 10)
Edit: TypeAlias = Callable[[int], Scene]
MOST = len(COLOURS)  # rounds, of which each has another value


@dataclass(frozen=True)
class Ours:
    """The graph side: one registry, one cache in memory, the shipped workflow."""

    registry: Registry
    cache: Cache
    workflow: Workflow
    settings: Settings

    def run(self, scene: Scene) -> Mapping[str, object]:
        """Fill the workflow with ``scene``, plan it and run it."""
        filled = self.workflow.fill(
            prompt=list(scene.prompts),
            negative_prompt=scene.negative,
            model=str(scene.base),
            controlnet=str(scene.controlnet),
            picture=str(scene.picture),
            low_threshold=scene.low,
            high_threshold=scene.high,
            strength=scene.strength,
            seed=scene.seed,
            steps=scene.steps,
            guidance_scale=scene.guidance,
            columns=scene.columns,
        )
        return run(plan(filled, self.registry), self.cache, self.settings)


def ours() -> Ours:
    """Set up the graph side; the grid's columns become a param, the pictures a result."""
    shipped = Workflow.load(ROOT / "workflows" / "canny-portraits.json")
    document = shipped.model_dump(mode="json")
    document["params"]["columns"] = {"to": "sheet.columns"}
    document["results"] = {"grid": "sheet.image", "pictures": "sample.image"}
    settings = Settings(folders=Folders(data=(INPUTS, TINY, Path(tempfile.gettempdir()))))
    workflow = Workflow.model_validate(document)
    return Ours(load_registry(), Cache.in_memory(), workflow, settings)


def edits(scene: Scene, bases: list[Path], pictures: list[Path]) -> dict[str, Edit]:
    """Every edit by name: the scene after the i-th time it is made."""
    prompt = "a man wearing a {} shirt and black trousers on a white background"
    return {
        "nothing": lambda i: scene,  # noqa: ARG005
        "grid columns": lambda i: replace(scene, columns=COLUMNS[i]),
        "one of four prompts": lambda i: replace(
            scene, prompts=(*scene.prompts[:3], prompt.format(COLOURS[i]))
        ),
        "canny threshold, same edges": lambda i: replace(scene, low=90 - i, high=180 - i),
        "picture": lambda i: replace(scene, picture=pictures[i]),
        "strength": lambda i: replace(scene, strength=0.9 - i / 100),
        "seed": lambda i: replace(scene, seed=3 + i),
        "base model": lambda i: replace(scene, base=bases[i]),
    }


def changed_bases(folder: Path, count: int) -> Iterator[Path]:
    """Copies of the tiny base whose weights differ a little from it and from one another."""
    from safetensors.torch import load_file, save_file

    for i in range(count):
        copy = folder / f"base-{i}"
        shutil.copytree(TINY / "base", copy)
        file = copy / "unet" / "diffusion_pytorch_model.safetensors"
        weights = load_file(file)
        weights["conv_out.bias"] = weights["conv_out.bias"] + 0.001 * (i + 1)
        save_file(weights, file)
        yield copy


def agree(scene: Scene, graph: Ours, script: Script) -> int:
    """The largest difference of any pixel between both sides' pictures, in grey levels."""
    pictures = graph.run(scene)["pictures"]
    grid = np.asarray(script.run(scene)).astype(int)
    size, columns, worst = scene.size, scene.columns, 0
    assert isinstance(pictures, list)
    for i, picture in enumerate(pictures):
        y, x = i // columns * size, i % columns * size
        tile = grid[y : y + size, x : x + size]
        worst = max(worst, int(np.abs(tile - picture.pixels.astype(int)).max()))
    return worst


def figures(arguments: argparse.Namespace) -> Iterator[Pair]:
    """Every edit, after both sides were compared."""
    scene = Scene(TINY / "base", TINY / "controlnet-canny", INPUTS / "portrait-128.png")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "portrait-128.png"
        _shrink(INPUTS / "portrait.png", picture, scene.size)
        scene = replace(scene, picture=picture)
        pictures = [_moved(picture, i + 1) for i in range(arguments.rounds)]
        hush()
        graph, script = ours(), Script()
        levels = agree(scene, graph, script)
        wrong = "" if levels <= 1 else f"the pictures are {levels} of 255 apart"
        bases = list(changed_bases(Path(folder), arguments.rounds))
        for name, edit in edits(scene, bases, pictures).items():
            sides: dict[str, Side] = {
                "script": partial(_timed, script.run, edit),
                "ours": partial(_timed, graph.run, edit),
            }
            costs = turns(sides, arguments.rounds)
            script.run(scene)  # back to the first base, untimed
            yield pair(key_of(name), name, costs, differs=wrong)


def key_of(edit: str) -> str:
    """An edit's name as a key."""
    return edit.replace(",", "").replace(" ", "-")


def _timed(work: Callable[[Scene], object], edit: Edit, number: int) -> Cost:
    return cost(partial(work, edit(number)))


def main() -> None:
    """Measure, and print what is found."""
    arguments = parser(__doc__, 3).parse_args()
    arguments.rounds = min(arguments.rounds, MOST)
    record("edits", figures(arguments), arguments.json)


def _shrink(source: Path, target: Path, size: int) -> None:
    """Write ``source`` at the tiny model's size, so that both sides read the same pixels."""
    from PIL import Image

    with Image.open(source) as picture:
        picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS).save(target)


def _moved(picture: Path, pixels: int) -> Path:
    """A copy whose content lies so many pixels further to the right."""
    from PIL import Image, ImageChops

    path = picture.with_stem(f"{picture.stem}-{pixels}")
    with Image.open(picture) as opened:
        ImageChops.offset(opened, pixels, 0).save(path)
    return path


if __name__ == "__main__":
    main()
