"""Pinning: a workflow runs with the models it was made with, or says that they are others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nodegraph.cli.app import app
from nodegraph.workflow import Workflow

from .weights import TINY


def save_net(folder: Path, number: int) -> None:
    """Save a ControlNet that differs from others by a number."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(TINY / "controlnet-canny", folder, dirs_exist_ok=True)
    file = folder / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["conv_in.bias"] = weights["conv_in.bias"] + number
    save_file(weights, file)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workflow that loads a ControlNet from a folder beside it."""
    monkeypatch.chdir(tmp_path)
    save_net(tmp_path / "net", 1)
    node = {"type": "LoadControlNet", "values": {"model": "net"}}
    document = {"format": 1, "nodes": {"net": node}, "results": {"net": "net.controlnet"}}
    (tmp_path / "w.json").write_text(json.dumps(document))
    return tmp_path / "w.json"


def test_locking_notes_the_hash_of_every_model(file: Path) -> None:
    done = command("lock", "w.json")

    assert done.exit_code == 0
    assert [*Workflow.load(file).models] == ["net"]
    assert len(Workflow.load(file).models["net"].sha256) == 64


@pytest.mark.usefixtures("file")
def test_a_locked_workflow_runs_with_the_same_files() -> None:
    command("lock", "w.json")

    assert command("run", "w.json").exit_code == 0


def test_a_locked_workflow_refuses_other_files(file: Path) -> None:
    command("lock", "w.json")
    save_net(file.parent / "net", 2)

    done = command("run", "w.json")

    assert done.exit_code == 1
    assert "model: 'net' is not the one this workflow was made with (sha256 " in done.stderr
    assert "or pin this one with `nodegraph lock`" in done.stderr


def test_explaining_a_locked_workflow_tells_of_other_files_too(file: Path) -> None:
    command("lock", "w.json")
    save_net(file.parent / "net", 2)

    done = command("explain", "w.json")

    assert "fails" in done.stdout
    assert "model: 'net' is not the one this workflow was made with (sha256 " in done.stdout


def test_locking_again_pins_what_is_there_now(file: Path) -> None:
    command("lock", "w.json")
    save_net(file.parent / "net", 2)

    command("lock", "w.json")

    assert command("run", "w.json").exit_code == 0


def test_built_in_models_need_no_pin(file: Path) -> None:
    done = command("lock", "canny-portraits", "-o", "tiny.json")

    assert done.exit_code == 0
    assert Workflow.load(file.parent / "tiny.json").models == {}


def test_a_shipped_workflow_is_not_written_into() -> None:
    done = command("lock", "canny-portraits")

    assert done.exit_code == 2
    assert "is a shipped workflow; say with --output which file to write" in done.stderr


@pytest.mark.usefixtures("file")
def test_a_model_that_cannot_be_found_is_said() -> None:
    done = command("lock", "w.json", "--set", "net.model=gone/net/x.safetensors")

    assert done.exit_code == 1
    assert "net (LoadControlNet) failed: model: no file or folder" in done.stderr
