"""Pinning: a workflow runs with the models it was made with, or says that they are others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nodegraph.cli.app import app
from nodegraph.graph.workflow import Workflow

from ..support.weights import TINY


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


def test_the_file_that_differs_is_named(file: Path) -> None:
    command("lock", "w.json")
    save_net(file.parent / "net", 2)

    done = command("run", "w.json")

    assert "…: diffusion_pytorch_model.safetensors differs); get that one" in done.stderr


def test_a_component_of_a_base_model_that_differs_is_named(file: Path) -> None:
    shutil.copytree(TINY / "base", file.parent / "base")
    node = {"type": "LoadBaseModel", "values": {"model": "base"}}
    file.write_text(json.dumps({"format": 1, "nodes": {"base": node}}))
    command("lock", "w.json")
    config = file.parent / "base/scheduler/scheduler_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "beta_end": 0.011}))
    vae = file.parent / "base/vae/config.json"
    vae.write_text(f"{vae.read_text()}\n")
    (file.parent / "base/tokenizer/more.txt").write_text("more")
    (file.parent / "base/tokenizer/merges.txt").unlink()

    done = command("lock", "w.json", "--check")

    assert done.exit_code == 1
    what = done.stdout.strip().split("; ")
    assert what[0].startswith("base: sha256 ")
    assert sorted(what[1:]) == [
        "scheduler/scheduler_config.json differs",
        "tokenizer/merges.txt is missing",
        "tokenizer/more.txt is new",
        "vae/config.json differs",
    ]


def snapshot(cache: Path, commit: str, number: int) -> None:
    """Put a ControlNet into the hub's cache, as its main branch."""
    repository = cache / "models--own--net"
    save_net(repository / "snapshots" / commit, number)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs/main").write_text(commit)


def test_another_revision_is_named(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    first, second = "1" * 40, "2" * 40
    snapshot(tmp_path / "hub", first, 1)
    node = {"type": "LoadControlNet", "values": {"model": "own/net"}}
    file.write_text(json.dumps({"format": 1, "nodes": {"net": node}}))
    command("lock", "w.json")
    snapshot(tmp_path / "hub", second, 2)

    still = command("run", "w.json")
    moved = command("run", "w.json", "--set", f"net.revision={second}")
    checked = command("lock", "w.json", "--check", "--set", f"net.revision={second}")

    assert Workflow.load(file).models["own/net"].revision == first
    assert still.exit_code == 0
    assert moved.exit_code == 1
    assert "…: revision 111111111111, here 222222222222; diffusion_pytorch" in moved.stderr
    assert "; revision 111111111111, here 222222222222; diffusion_pytorch" in checked.stdout


def test_locking_twice_changes_nothing(file: Path) -> None:
    command("lock", "w.json")
    text, before = file.read_bytes(), file.stat()

    done = command("lock", "w.json")

    assert done.exit_code == 0
    assert (file.read_bytes(), file.stat().st_ino) == (text, before.st_ino)


def test_checking_a_lock_writes_nothing(file: Path) -> None:
    text = file.read_bytes()

    unpinned = command("lock", "w.json", "--check")
    command("lock", "w.json")
    pinned = command("lock", "w.json", "--check")
    gone = command("lock", "w.json", "--check", "--set", "net.model=tiny-canny")

    assert (unpinned.exit_code, unpinned.stdout) == (1, "net: is not pinned\n")
    assert (pinned.exit_code, pinned.stdout) == (0, "w.json: all its models are those it pins\n")
    assert (gone.exit_code, gone.stdout) == (1, "net: is pinned, but not used\n")
    assert text != file.read_bytes()


def test_a_lock_that_notes_no_files_still_refuses(file: Path) -> None:
    command("lock", "w.json")
    document = json.loads(file.read_text())
    del document["models"]["net"]["files"]
    file.write_text(json.dumps(document))
    save_net(file.parent / "net", 2)

    done = command("run", "w.json")

    assert done.exit_code == 1
    assert "…); get that one, or pin this one" in done.stderr


def test_templates_in_files_stay_in_their_files(file: Path) -> None:
    part = json.loads(file.read_text())
    (file.parent / "part.json").write_text(json.dumps(part))
    file.write_text(json.dumps({"format": 1, "nodes": {"x": {"type": "part.json"}}}))

    command("lock", "w.json")
    (file.parent / "other").mkdir()
    command("lock", "w.json", "-o", "other/w.json")

    here, there = Workflow.load(file), Workflow.load(file.parent / "other/w.json")
    assert [*here.models] == [*there.models] == ["net"]
    assert (here.nodes["x"].type, here.templates) == ("part.json", {})
    assert (there.nodes["x"].type, [*there.templates]) == ("./part.json", ["./part.json"])


def test_a_model_that_another_node_names_is_said_not_to_be_pinned(file: Path) -> None:
    (file.parent / "nodes").mkdir()
    (file.parent / "nodes/name.py").write_text(
        "from nodegraph import Node, Output\n"
        "class Named(Output):\n    model: str\n"
        "class Name(Node):\n    'Name a model.'\n"
        "    def run(self) -> Named:\n        return Named(model='net')\n"
        "NODES = [Name]\n"
    )
    nodes = {
        "name": {"type": "Name"},
        "net": {"type": "LoadControlNet", "links": {"model": "name.model"}},
    }
    file.write_text(json.dumps({"format": 1, "nodes": nodes}))

    done = command("lock", "w.json", "--nodes", "nodes")

    assert "warning: net: another node says which model it loads" in done.stderr
    assert Workflow.load(file).models == {}


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
