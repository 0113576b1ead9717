"""Figures of nodes whose results are files, texts and lists: cards that hold just what came out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image as Pictures
from pydantic import JsonValue

from nodegraph import Builder, Folders
from nodegraph.carriers.png import KEY
from nodegraph.execution.context import RunContext
from nodes.images import ListImages, LoadImage, LoadImages, SaveImage
from nodes.info import ImageInfo, ModelInfo
from nodes.layout import Grid
from nodes.models import LoadControlNet
from nodes.preprocessors import Canny
from nodes.sweeps import PromptsBySeeds, Sweep
from nodes.text import JoinText, LoadPrompts, PickText, Wildcard
from nodes.types import Image

from .frame import Figure, Panel, Row, card
from .inputs import (
    INPUTS,
    MAN,
    begun,
    context,
    control,
    memory_cache,
    photo,
    resized,
    sampled,
    settings,
    tiny,
)

POSES = "pose-*.png"
COLOURS = "scarlet\ngolden\nviolet\n"
PROMPTS = "# for the poster\na red heart\na green tree\n\na yellow moon\n"
TABLE = "prompt,seed\na red heart,1\na green tree,2\n"


def loaded() -> Figure:
    loaded = LoadImage(path=Path("portrait.png")).run(context())
    several = _loaded(LoadImage, path=Path(POSES))
    return [
        [
            Panel(card(150, ("path", "portrait.png"))),
            None,
            Panel(resized(loaded.image, 112), "image"),
            Panel(card(112, ("name", loaded.name))),
        ],
        [Panel(card(150, ("path", POSES))), None, *several],
    ]


def _loaded(kind: type[Any], **inputs: Any) -> list[Panel]:
    """Every picture that a node reads, with its name."""
    g = Builder()
    read = g.run(g.add("read", kind, **inputs), memory_cache(), settings())
    pairs = zip(read.image, read.name, strict=True)
    return [Panel(resized(image, 104), name) for image, name in pairs]


def loaded_in_order() -> Figure:
    options = card(150, ("path", POSES), ("reverse", "yes"), ("limit", "3"))
    panels = _loaded(LoadImages, path=Path(POSES), reverse=True, limit=3)
    return [[Panel(options), None, *panels]]


def listed() -> Figure:
    options = card(180, ("path", POSES), ("skip", "1"))
    paths = ListImages(path=Path(POSES), skip=1).run(context()).paths
    return [[Panel(options), None, Panel(card(180, *_list("paths", map(str, paths))))]]


def _list(name: str, entries: Any) -> list[tuple[str, str]]:
    """The entries of a card for a list: the name stands above the first."""
    return [("" if index else name, entry) for index, entry in enumerate(entries)]


def saved() -> Figure:
    g, picture, _ = begun("portrait.png")
    edges = g.add("edges", Canny, image=picture.image)
    written = g.add("saved", SaveImage, image=edges.image, pattern="{name}-{width}px-{number}")
    with tempfile.TemporaryDirectory() as folder:
        output = replace(settings(), folders=Folders(data=(INPUTS,), output=Path(folder)))
        path = g.run(written, memory_cache(), output).path
        with Pictures.open(path) as file:
            drawn, carried = Image.from_pil(file), dict(file.info)
    document = json.dumps(json.loads(carried.pop(KEY)))
    options = card(200, ("name", "image"), ("pattern", "{name}-{width}px-{number}"))
    about = [
        ("file", path.name),
        (KEY, f"{document[:180]} …"),
        ("and", "\n".join(sorted(map(str, carried)))),
    ]
    return [[Panel(drawn, "image"), Panel(options), None, Panel(card(270, *about))]]


def about_images() -> Figure:
    rows: list[Row] = []
    for image in (photo("park.jpg", 112), Canny(image=photo("astronaut.jpg", 112)).run().image):
        info = ImageInfo(image=image).run()
        rows.append(
            [Panel(image), None, Panel(card(300, ("colour", info.colour), ("text", info.text)))]
        )
    return rows


def about_models() -> Figure:
    rows: list[Row] = []
    net = LoadControlNet().run(context()).controlnet
    for model in (tiny(), net):
        info = ModelInfo(model=model).run()
        text = card(500, ("family", info.family), ("text", info.text))
        rows.append([Panel(card(110, ("model", model.name))), None, Panel(text)])
    return rows


def prompts_by_seeds() -> Figure:
    prompts, seeds = (
        ["a red heart on a white background", "a green tree on a yellow background"],
        [1, 2, 3],
    )
    grid = PromptsBySeeds(prompts=prompts, seeds=seeds).run()
    pairs = zip(grid.prompt, grid.seed, strict=True)
    images = [sampled(prompt, seed=seed) for prompt, seed in pairs]
    options = card(150, *_list("prompts", prompts), ("seeds", ", ".join(map(str, seeds))))
    return [[Panel(options), None, Panel(_sheet(images, grid.row_labels, grid.column_labels))]]


def swept() -> Figure:
    scales: list[JsonValue] = [1, 2, 4]
    strengths: list[JsonValue] = [0, 0.5, 1]
    grid = Sweep(x=scales, y=strengths, x_name="guidance", y_name="strength").run()
    edges = Canny(image=photo("portrait.png", 128)).run().image
    pairs: Any = zip(grid.x, grid.y, strict=True)
    images = [
        sampled(MAN, guidance_scale=x, controls=[control(edges, strength=y)]) for x, y in pairs
    ]
    options = card(
        150,
        ("x", ", ".join(map(str, scales))),
        ("x_name", "guidance"),
        ("y", ", ".join(map(str, strengths))),
        ("y_name", "strength"),
    )
    return [[Panel(options), None, Panel(_sheet(images, grid.row_labels, grid.column_labels))]]


def _sheet(images: Sequence[Any], rows: Sequence[str], columns: Sequence[str]) -> Any:
    cells = [image.pil().resize((104, 104)) for image in images]
    grid = Grid(
        images=[type(images[0]).from_pil(cell) for cell in cells],
        row_labels=list(rows),
        column_labels=list(columns),
        label_size=13,
    )
    return grid.run().image


def prompts_from_files() -> Figure:
    files = {"prompts.txt": PROMPTS, "prompts.csv": TABLE}
    rows: list[Row] = []
    with _holding(files) as there:
        for name, text in files.items():
            texts = LoadPrompts(path=Path(name)).run(there).texts
            file = Panel(card(200, (name, text.rstrip())))
            rows.append([file, None, Panel(card(200, *_list("texts", texts)))])
    return rows


@contextmanager
def _holding(files: Mapping[str, str]) -> Iterator[RunContext]:
    """A context whose input folder holds these files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        read = replace(settings(), folders=Folders(data=(Path(folder),)))
        yield replace(context(), settings=read)


def wildcards() -> Figure:
    text = "a {red|blue|white} heart on a __colours__ background"
    with _holding({"colours.txt": COLOURS}) as there:
        rows = [(f"seed {n}", Wildcard(text=text, seed=n).run(there).text) for n in range(4)]
    template = card(250, ("text", text), ("colours.txt", COLOURS.rstrip()))
    return [[Panel(template), None, Panel(card(330, *rows))]]


def picked() -> Figure:
    texts = ["a red heart", "a green tree", "a yellow moon"]
    rows = [("index 2", PickText(texts=texts, index=2).run().text)]
    rows += [(f"seed {n}", PickText(texts=texts, seed=n).run().text) for n in range(3)]
    return [[Panel(card(200, *_list("texts", texts))), None, Panel(card(200, *rows))]]


def joined() -> Figure:
    texts = ["a red heart", "", "oil on canvas", "soft light"]
    joined = JoinText(texts=texts).run().text
    entries = [text or "(empty)" for text in texts]
    return [[Panel(card(200, *_list("texts", entries))), None, Panel(card(320, ("text", joined)))]]


FIGURES: Mapping[str, Callable[[], Figure]] = {
    "LoadImage": loaded,
    "LoadImages": loaded_in_order,
    "ListImages": listed,
    "SaveImage": saved,
    "ImageInfo": about_images,
    "ModelInfo": about_models,
    "PromptsBySeeds": prompts_by_seeds,
    "Sweep": swept,
    "LoadPrompts": prompts_from_files,
    "Wildcard": wildcards,
    "PickText": picked,
    "JoinText": joined,
}
