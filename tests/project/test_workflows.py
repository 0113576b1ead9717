"""The shipped workflows: sound, in canonical form, said in words, and made on the tiny model."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from nodegraph import Workflow, plan
from nodegraph.cli.app import app
from nodegraph.cli.kinds import load_kinds
from nodegraph.errors import WorkflowError
from nodegraph.graph.inner_ports import param_values
from nodegraph.graph.registry import Template
from nodegraph.graph.shipped import shipped
from nodes.checkpoints.names import conditioning_of
from scripts.hub import BASE, HUB, arguments

NAMES = sorted(shipped())
CONTROLLED = {name for name, set_there in HUB.items() if "controlnet" in set_there}


def test_no_shipped_workflow_has_the_name_of_a_node() -> None:
    assert load_kinds(()).refused == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_is_sound_and_warns_of_nothing(name: str) -> None:
    planned = plan(Workflow.load(shipped()[name]), load_kinds(()))

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
    settings = [word for one in arguments(HUB[name]) for word in ("--set", one)]

    done = CliRunner().invoke(app, ["check", name, *settings])

    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(CONTROLLED))
def test_the_hub_is_known_by_name_to_read_what_the_tiny_controlnet_reads(name: str) -> None:
    controlnet = param_values(Workflow.load(shipped()[name]), load_kinds(()))["controlnet"]

    assert conditioning_of(str(HUB[name]["controlnet"])) == conditioning_of(str(controlnet))


@pytest.mark.parametrize("name", sorted(CONTROLLED))
def test_another_kind_of_controlnet_is_warned_of_or_nothing_is_known_of_its_image(
    name: str,
) -> None:
    given = name in ("control-to-image", "logo-to-scene", "scribble-to-drawing")
    other = "tiny-canny" if "canny" not in str(HUB[name]["controlnet"]) else "tiny-seg"

    warned = plan(Workflow.load(shipped()[name]).fill(controlnet=other), load_kinds(())).warnings

    assert bool(warned) != given


@pytest.mark.parametrize("name", sorted(CONTROLLED))
def test_models_of_two_families_are_refused_before_anything_runs(name: str) -> None:
    workflow = Workflow.load(shipped()[name]).fill(model=BASE)

    with pytest.raises(WorkflowError, match="is for tiny models, but the model is SD"):
        plan(workflow, load_kinds(()))


@pytest.mark.parametrize("name", NAMES)
def test_every_param_of_a_shipped_workflow_reaches_something_that_runs(name: str) -> None:
    workflow = Workflow.load(shipped()[name])
    running = {call.name.partition("/")[0] for call in plan(workflow, load_kinds(())).calls}

    targets = {node for param in workflow.params.values() for node, _ in param.targets}
    assert targets - running == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_is_a_node_too(name: str) -> None:
    kind = Template.load(shipped()[name]).name
    document = {"format": 1, "nodes": {"it": {"type": kind}}}

    assert plan(Workflow.load(json.dumps(document)), load_kinds(())).calls


@pytest.mark.parametrize("name", NAMES)
def test_what_a_shipped_workflow_starts_from_is_shipped_too(name: str) -> None:
    calls = plan(Workflow.load(shipped()[name]), load_kinds(())).calls
    paths = [call.values["path"] for call in calls if call.kind.__name__ == "LoadImage"]

    named = [one for path in paths for one in (path if isinstance(path, list) else [path])]
    inputs = shipped()[name].parent / "inputs"
    assert [path for path in named if not (inputs / str(path)).is_file()] == []
