"""Edit scene 1 and run it again: our re-run against a diffusers script that re-runs everything.

    python benchmarks/edits.py [--repeats 3]

Both sides run the same edits in this one process, with everything loaded and one run behind them,
as somebody works who changes one thing and looks again. The script keeps its pipeline loaded and
loads again only what an edit replaces. Each edit is made `repeats` times with another value each
time; the median is shown. Before anything is timed, the pictures of both sides are compared.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from plain import Scene, Script

from nodegraph import Registry, Workflow, load_registry, plan, run
from nodegraph.cache import Cache
from nodegraph.context import Settings
from nodegraph.node import Folders

ROOT = Path(__file__).parent.parent
TINY = ROOT / "nodes" / "tiny"
INPUTS = ROOT / "workflows" / "inputs"


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


def edits(scene: Scene, bases: list[Path]) -> dict[str, Callable[[int], Scene]]:
    """Every edit by name: the scene after the i-th time it is made."""
    other = "a man wearing a {} shirt and black trousers on a white background"
    colours = ("pink", "orange", "cyan", "purple", "green", "blue", "yellow", "red", "white")
    return {
        "nothing": lambda i: scene,  # noqa: ARG005
        "grid columns": lambda i: replace(scene, columns=(1, 3, 4)[i % 3]),
        "one of four prompts": lambda i: replace(
            scene, prompts=(*scene.prompts[:3], other.format(colours[i]))
        ),
        "canny threshold": lambda i: replace(scene, low=90 - i, high=180 - i),
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
        theirs = grid[y : y + size, x : x + size]
        worst = max(worst, int(np.abs(theirs - picture.pixels.astype(int)).max()))
    return worst


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    scene = Scene(TINY / "base", TINY / "controlnet-canny", INPUTS / "portrait-128.png")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "portrait-128.png"
        _shrink(INPUTS / "portrait.png", picture, scene.size)
        scene = replace(scene, picture=picture)
        graph, script = ours(), Script()
        print(f"largest difference between both sides: {agree(scene, graph, script)} of 255")
        bases = list(changed_bases(Path(folder), repeats))
        print(f"{'edit':24} {'script s':>10} {'ours s':>10} {'ratio':>8}")
        for name, edit in edits(scene, bases).items():
            theirs, mine = [], []
            for i in range(repeats):
                after = edit(i)
                theirs.append(timed(partial(script.run, after)))
                mine.append(timed(partial(graph.run, after)))
            script.run(scene)  # back to the first base, untimed
            a, b = median(theirs), median(mine)
            print(f"{name:24} {a:10.3f} {b:10.4f} {a / b:7.1f}x")


def _shrink(source: Path, target: Path, size: int) -> None:
    """Write ``source`` at the tiny model's size, so that both sides read the same pixels."""
    from PIL import Image

    with Image.open(source) as picture:
        picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS).save(target)


if __name__ == "__main__":
    main()
