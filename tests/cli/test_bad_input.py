"""One table of what goes wrong at the user's hands: each gets one sentence and an exit code."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nodegraph.cli.app import app

Nodes = Mapping[str, Any]

PHOTO = {"type": "LoadImage", "values": {"path": "ok.png"}}
BASE = {"type": "LoadBaseModel"}


def photo(path: str) -> Nodes:
    return {"end": {"type": "LoadImage", "values": {"path": path}}}


def edges(links: Nodes | None = None, **values: object) -> Nodes:
    links = {"image": "photo.image"} if links is None else links
    return {
        "photo": PHOTO,
        "base": BASE,
        "end": {"type": "Canny", "values": values, "links": links},
    }


def model(kind: str, name: str) -> Nodes:
    return {"end": {"type": kind, "values": {"model": name}}}


def sample(controls: Nodes | None = None, **values: object) -> Nodes:
    links: dict[str, object] = {"model": "base.model"}
    if controls is not None:
        links["controls"] = ["control.control"]
    end = {"type": "Sample", "values": {"steps": 1, **values}, "links": links}
    return {"base": BASE, **(controls or {}), "end": end}


def control(net: str) -> Nodes:
    return {
        "photo": PHOTO,
        "net": {"type": "LoadControlNet", "values": {"model": net}},
        "control": {
            "type": "Control",
            "links": {"image": "photo.image", "controlnet": "net.controlnet"},
        },
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, a text that says it is one, and one that says it is huge."""
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "ok.png")
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "huge.png").write_bytes(png_header(10_000, 10_000))
    (tmp_path / "net.pth").write_bytes(b"\x80\x02}q\x00.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IEND", b"")


def said(folder: Path, document: Mapping[str, object], *options: str) -> tuple[int, str]:
    """Run a workflow; the exit code and what was printed for the user."""
    (folder / "w.json").write_text(json.dumps(document))
    done = CliRunner().invoke(app, ["run", "w.json", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output
    return done.exit_code, done.stderr


def workflow(nodes: Nodes, output: str = "image") -> Mapping[str, object]:
    return {"format": 1, "nodes": nodes, "results": {"result": f"end.{output}"}}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (edges(high=3), "end.high: no 'high'; did you mean 'high_threshold'?"),
        (
            edges({"image": "photo.picture"}),
            "end.image: photo has no 'picture'; it has image, mask, name",
        ),
        ({"end": {"type": "Cany"}}, "end: no 'Cany'; did you mean 'Canny'?"),
        (edges(low_threshold=300), "end.low_threshold: 300 should be less than or equal to 255"),
        (edges({}), "end.image: needs a value or a link"),
        (
            edges({"image": "base.model"}),
            "end.image: takes Image, but base.model is DiffusionModel",
        ),
        (edges({"image": "end.image"}), "end: depends on itself: end -> end"),
        (
            sample(prompt=["a", "b"], seed=[1, 2, 3]),
            "end/denoise.prompt: end/prompt has 2 items but end/denoise.seed has 3",
        ),
        ({"end": {"type": "Sample"}}, "end.model: needs a value or a link"),
        (sample(width=100), "end.width: 100 is not a multiple of 8; use 96 or 104"),
        (sample(steps=0), "end.steps: 0 should be greater than or equal to 1"),
        (
            sample(control("lllyasviel/sd-controlnet-canny")),
            "end.controls: is for SD 1.x models, but the model is tiny",
        ),
    ],
)
def test_a_bad_workflow_is_refused_before_anything_runs(
    folder: Path, nodes: Nodes, message: str
) -> None:
    code, text = said(folder, workflow(nodes))

    assert (code, text) == (2, f"1 problem in the workflow\n  {message}\n")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"format": 2, "nodes": {}}, "format: 2 is newer than this version"),
        ({"format": 1, "nodez": {}}, "nodez: no 'nodez'; did you mean 'nodes'?"),
    ],
)
def test_a_document_that_is_no_workflow_is_refused(
    folder: Path, document: Mapping[str, object], message: str
) -> None:
    code, text = said(folder, document)

    assert code == 2
    assert message in text


@pytest.mark.parametrize(
    ("nodes", "output", "message"),
    [
        (photo("okk.png"), "image", "no file 'okk.png' in {folders}; did you mean 'ok.png'?"),
        (photo("/etc/passwd"), "image", "'/etc/passwd' lies outside the input folders ({folders})"),
        (photo("none-*.png"), "image", "no pictures match 'none-*.png' in {folders}"),
        (
            photo("http://pictures.invalid/a.png"),
            "image",
            "'http://pictures.invalid/a.png' is on the web; allow that with --allow-http,"
            " or save the picture here",
        ),
        (
            photo("text.png"),
            "image",
            "'text.png' is not a picture in a known format"
            " (PNG, JPEG, WEBP, GIF, BMP, TIFF, PPM, AVIF)",
        ),
        (
            photo("huge.png"),
            "image",
            "'huge.png' has 100 megapixels (10000 x 10000); at most 64 are read,"
            " so scale it down first",
        ),
        (
            model("LoadBaseModel", "tinny"),
            "model",
            "model: no 'tinny'; did you mean 'tiny'?; or give a hub id (owner/name),"
            " a folder or a file",
        ),
    ],
)
def test_a_node_that_cannot_use_what_it_is_given_says_so_in_a_sentence(
    folder: Path, nodes: Nodes, output: str, message: str
) -> None:
    code, text = said(folder, workflow(nodes, output))

    inputs = Path(__file__).parent.parent.parent / "workflows" / "inputs"
    kind = nodes["end"]["type"]
    expected = message.replace("{folders}", f"{folder}, {inputs}")
    assert code == 1
    assert f"end ({kind}) failed: {expected}\n" in text


def test_a_pickle_that_is_not_allowed_is_told_before_anything_runs(folder: Path) -> None:
    code, text = said(folder, workflow(model("LoadControlNet", "net.pth"), "controlnet"))

    assert code == 2
    assert (
        "net.pth' is a pickle, which can run code when it is read; use a .safetensors file,"
        " or allow it with --allow-pickle if you trust where it is from\n"
    ) in text


def test_a_hub_that_cannot_be_reached_is_said_with_what_to_do(folder: Path) -> None:
    code, text = said(folder, workflow(model("LoadBaseModel", "owner/name"), "model"))

    assert code == 1
    assert "and the hub cannot be reached; fetch it where it can (hf download owner/name)" in text
    assert "or use 'tiny', which needs no network" in text
