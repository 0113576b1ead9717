"""A saved picture, run again somewhere else, is the same picture bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nodegraph.carriers.picture import read_text
from nodegraph.cli.app import app
from nodegraph.execution.provenance import VERSIONS

SAMPLE = {
    "format": 1,
    "nodes": {
        "base": {"type": "LoadBaseModel"},
        "sample": {"type": "Sample", "values": {"steps": 2}, "links": {"model": "base.model"}},
    },
    "params": {"prompt": {"to": "sample.prompt"}, "seed": {"to": "sample.seed"}},
    "results": {"image": "sample.image"},
}
OUTER = {
    "format": 1,
    "nodes": {"red": {"type": "./parts/sample.json", "values": {"prompt": "a red circle"}}},
    "params": {"seed": {"to": "red.seed"}},
    "results": {"image": "red.image"},
}


def command(*arguments: str) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.slow
def test_a_picture_makes_the_same_picture_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "parts").mkdir(parents=True)
    second.mkdir()
    (first / "parts/sample.json").write_text(json.dumps(SAMPLE))
    (first / "outer.json").write_text(json.dumps(OUTER))
    monkeypatch.chdir(first)
    command("run", "outer.json", "--set", "seed=5", "--no-cache")
    picture = (first / "output/outer-image.png").rename(second / "picture.png")
    (first / "parts/sample.json").unlink()

    monkeypatch.chdir(second)
    command("run", "picture.png", "--no-cache")

    again = second / "output/picture-image.png"
    assert picture.read_bytes() == again.read_bytes()
    assert {"torch", "diffusers", "device"} <= json.loads(read_text(again, VERSIONS) or "").keys()
    assert command("diff", "picture.png", str(again)).stdout == "the same graph\n"
