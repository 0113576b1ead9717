"""The shipped workflows: sound, in canonical form, said in words, and made on the tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nodegraph import Workflow, plan
from nodegraph.cli.app import app
from nodegraph.cli.kinds import registry
from nodegraph.pictures import read_workflow
from nodegraph.shipped import shipped

NAMES = sorted(shipped())

BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
HUB = {
    "canny-portraits": [BASE, "lllyasviel/sd-controlnet-canny"],
    "picture-from-edges": [BASE, "lllyasviel/sd-controlnet-canny"],
    "prompts-seeds-sheet": [BASE, "lllyasviel/sd-controlnet-canny"],
    "sweep-guidance-strength": [BASE, "lllyasviel/sd-controlnet-canny"],
    "two-controls": [BASE, "lllyasviel/sd-controlnet-canny"],
    "pose-transfer": ["andite/anything-v4.0", "fusing/stable-diffusion-v1-5-controlnet-openpose"],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_is_sound_and_warns_of_nothing(name: str) -> None:
    planned = plan(Workflow.load(shipped()[name]), registry(()))

    assert planned.results
    assert planned.warnings == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_is_written_as_it_would_be_saved(name: str) -> None:
    assert Workflow.load(shipped()[name]).to_json() == shipped()[name].read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_param_of_a_shipped_workflow_says_what_it_is(name: str) -> None:
    params = Workflow.load(shipped()[name]).params

    assert [name for name, param in params.items() if not (param.label and param.help)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_takes_models_of_the_hub(name: str) -> None:
    model, controlnet = HUB[name]
    settings: dict[str, object] = {
        "model": model,
        "controlnet": controlnet,
        "size": 512,
        "guidance_scale": 7.5,
    }
    if name == "two-controls":
        settings["pose_controlnet"] = "lllyasviel/sd-controlnet-openpose"

    arguments = [word for each in settings.items() for word in ("--set", "{}={}".format(*each))]
    done = CliRunner().invoke(app, ["check", name, *arguments])

    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_is_a_node_too(name: str) -> None:
    kind = "".join(part.capitalize() for part in name.split("-"))
    document = {"format": 1, "nodes": {"it": {"type": kind}}}

    assert plan(Workflow.load(json.dumps(document)), registry(())).calls


@pytest.mark.parametrize("name", NAMES)
def test_what_a_shipped_workflow_starts_from_is_shipped_too(name: str) -> None:
    nodes = Workflow.load(shipped()[name]).nodes.values()
    paths = [call.values["path"] for call in nodes if call.type == "LoadImage"]

    named = [one for path in paths for one in (path if isinstance(path, list) else [path])]
    inputs = shipped()[name].parent / "inputs"
    assert [path for path in named if not (inputs / str(path)).is_file()] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_makes_its_pictures_on_the_tiny_model(name: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["run", name, "--out", str(tmp_path), "--set", "steps=2"])

    made = {path.stem.removeprefix(f"{name}-") for path in tmp_path.glob("*.png")}
    assert done.exit_code == 0, done.output
    assert made == set(Workflow.load(shipped()[name]).results)
    assert all(read_workflow(path) for path in tmp_path.glob("*.png"))


def computed(*arguments: str) -> dict[str, int]:
    """How many items of each node were computed, not looked up."""
    done = CliRunner().invoke(
        app, ["run", "canny-portraits", "--set", "steps=2", "--json", *arguments]
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [e["name"] for e in events if e["event"] == "finished" and not e["cached"]]
    return {name: names.count(name) for name in sorted(set(names))}


@pytest.mark.slow
@pytest.mark.usefixtures("cache_folder")
def test_one_changed_prompt_of_four_costs_one_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    prompts = [f"a man wearing a {colour} shirt" for colour in ("red", "green", "blue", "white")]
    settings = [word for prompt in prompts for word in ("--set", f"prompt={prompt}")]

    first = computed(*settings)
    second = computed(*settings)
    third = computed(*settings[:-1], "prompt=a man wearing a black shirt")

    assert first["sample/denoise"] == 4
    assert "sample/denoise" not in second
    assert (third["sample/denoise"], third["sample/decode"], third["sheet"]) == (1, 1, 1)
