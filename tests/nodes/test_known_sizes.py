"""Sizes of pictures are known before a run, and one that nobody wants drawn is warned of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from nodegraph.errors import Fix, Problem
from nodegraph.graph.registry import Registry
from nodegraph.graph.workflow import Call, Workflow
from nodegraph.node import Folders
from nodegraph.planning.plan import plan
from nodes import NODES
from nodes.files.sizes import largest

from ..support.pictures import Hand, flat

REGISTRY = Registry.of(*NODES)
Links = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of twelve megapixels, one taken sideways, and a small picture."""
    place = tmp_path_factory.mktemp("photographs")
    photo = Pictures.new("RGB", (4000, 3000))
    photo.save(place / "photo.jpg")
    turned = Pictures.Exif()
    turned[0x0112] = 6
    photo.save(place / "sideways.jpg", exif=turned)
    (place / "album").mkdir()
    photo.save(place / "album" / "1.jpg")
    Pictures.new("RGB", (128, 96)).save(place / "album" / "2.png")
    Pictures.new("RGB", (128, 96)).save(place / "small.png")
    (place / "broken.png").write_bytes(b"no picture")
    return place


def warnings(folder: Path | None, photo: Any, **more: Call) -> list[Problem]:
    calls = {
        "photo": Call(type="LoadImage", values={"path": photo}),
        "base": Call(type="LoadBaseModel", values={"model": "tiny"}),
        "net": Call(type="LoadControlNet", values={"model": "tiny-canny"}),
        **more,
    }
    folders = None if folder is None else Folders((folder,))
    return list(plan(Workflow(nodes=calls), REGISTRY, folders=folders).warnings)


def call(kind: str, links: Links, **values: Any) -> Call:
    return Call(type=kind, values=values, links=links)


EDGES = call("Canny", {"image": "photo.image"})
CONTROL = call("Control", {"image": "edges.image", "controlnet": "net.controlnet"})
SAMPLE = call("Sample", {"model": "base.model", "controls": ["control.control"]}, prompt="a man")
STEERED = {"edges": EDGES, "control": CONTROL, "sample": SAMPLE}


def test_a_photograph_that_steers_is_warned_of_with_a_size_that_would_do(folder: Path) -> None:
    (warning,) = warnings(folder, "photo.jpg", **STEERED)

    assert warning == Problem(
        "sample.width",
        "is the control image's where it is empty, 4000 x 3000 pixels, 732 times the 128 x 128 that"
        " the model was made for: this takes long, and much memory; set width and height, to"
        " 144 x 112 say",
        "warning",
        Fix("Use 144 x 112 pixels", {"width": 144, "height": 112}),
    )


@pytest.mark.parametrize("path", ["album", "album/1.jpg", ["small.png", "photo.jpg"]])
def test_one_large_picture_of_several_is_enough(folder: Path, path: str | list[str]) -> None:
    assert [w.address for w in warnings(folder, path, **STEERED)] == ["sample.width"]


def test_the_fix_ends_the_warning(folder: Path) -> None:
    (warning,) = warnings(folder, "photo.jpg", **STEERED)
    assert warning.fix is not None
    values = {**SAMPLE.values, **warning.fix.inputs}

    mended = {**STEERED, "sample": SAMPLE.model_copy(update={"values": values})}

    assert warnings(folder, "photo.jpg", **mended) == []


def test_a_side_that_was_asked_for_is_as_it_was_meant(folder: Path) -> None:
    large = SAMPLE.model_copy(update={"values": {"width": 2048, "height": 2048}})

    assert warnings(folder, "photo.jpg", **{**STEERED, "sample": large}) == []


@pytest.mark.parametrize("path", ["small.png", "broken.png", "missing.png", "*.jpg", "http://x/y"])
def test_nothing_is_said_of_what_is_small_or_not_known(folder: Path, path: str) -> None:
    assert warnings(folder, path, **STEERED) == []


def test_without_folders_no_file_is_looked_at(folder: Path) -> None:
    assert warnings(None, str(folder / "photo.jpg"), **STEERED) == []


REDRAWING = {
    "ImageToImage": call("ImageToImage", {"model": "base.model", "image": "photo.image"}),
    "Inpaint": call(
        "Inpaint", {"model": "base.model", "image": "photo.image", "mask": "photo.mask"}
    ),
    "Hires": call("Hires", {"model": "base.model", "image": "photo.image"}),
    "EncodeImage": call("EncodeImage", {"model": "base.model", "image": "photo.image"}),
}


@pytest.mark.parametrize("kind", REDRAWING)
def test_a_photograph_that_is_redrawn_is_warned_of_where_it_is_linked(
    folder: Path, kind: str
) -> None:
    (warning,) = warnings(folder, "photo.jpg", redraw=REDRAWING[kind])

    assert warning.address == "redraw.image"
    assert "4000 x 3000 pixels, 732 times the 128 x 128" in warning.message
    assert warning.message.endswith("Resize it first, to 144 x 112 say")


def test_a_control_image_beside_latents_decides_no_size(folder: Path) -> None:
    small = call("LoadImage", {}, path="small.png")
    redraw = call(
        "ImageToImage",
        {"model": "base.model", "image": "small.image", "controls": ["control.control"]},
    )

    more = {"edges": EDGES, "control": CONTROL, "small": small, "redraw": redraw}
    assert warnings(folder, "photo.jpg", **more) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("photo.jpg", (4000, 3000)), ("sideways.jpg", (3000, 4000)), ("broken.png", None)],
)
def test_a_picture_is_as_large_as_it_is_shown(
    folder: Path, name: str, expected: tuple[int, int] | None
) -> None:
    assert largest(Path(name), Folders((folder,))) == expected


# What a node tells beforehand is what it makes. The picture is 96 x 64.
CHANGES = [
    call("Resize", {}, width=200),
    call("Resize", {}, width=200, height=40, multiple_of=16),
    call("Resize", {}, height=201),
    call("Resize", {}),
    call("Crop", {}, width=50),
    call("Crop", {}, width=0.5, height=0.25, unit="fraction"),
    call("Pad", {}, left=3, right=4, top=5, bottom=6),
    call("Flip", {}, direction="vertical"),
    call("Rotate", {}, angle=90),
    call("Rotate", {}, angle=30),
    call("Rotate", {}, angle=30, expand=False),
    call("Adjust", {}, brightness=0.5),
    call("Invert", {}),
    call("Grey", {}),
    call("Threshold", {}),
    call("Blur", {}),
    call("Sharpen", {}),
    call("Canny", {}),
    call("Canny", {}, detect_resolution=128),
    call("Canny", {}, image_resolution=128),
    call("Canny", {}, detect_resolution=64, image_resolution=128),
    call("SoftEdge", {}, detect_resolution=64, image_resolution=192),
    call("StraightLines", {}, detect_resolution=64),
    call("Depth", {}, image_resolution=128),
    call("NormalMap", {}),
    call("Segment", {}, image_resolution=64),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: f"{c.type} {c.values}")
def test_the_size_told_before_a_run_is_the_size_that_comes_out(change: Call) -> None:
    kind: Any = REGISTRY.nodes[change.type]
    image = flat((9, 99, 199), 96, 64)
    node = kind(image=image, **change.values)

    told = kind.facts(dict(node), {"image": [{"size": "96x64"}]})["image"]["size"]

    made = node.run(*[Hand()][: kind.run.__code__.co_argcount - 1])
    assert told == "x".join(map(str, made.image.size))


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: f"{c.type} {c.values}")
def test_where_nothing_is_known_no_size_is_told(change: Call) -> None:
    kind: Any = REGISTRY.nodes[change.type]
    node = kind(image=flat((9, 99, 199), 96, 64), **change.values)

    told = kind.facts(dict(node), {"image": [{}]})["image"]

    asked = {"width", "height"} <= change.values.keys() and change.type == "Resize"
    assert ("size" in told) == asked


def test_pixels_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> np.ndarray[Any, Any]:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)

    assert largest(Path("photo.jpg"), Folders((folder,))) == (4000, 3000)
