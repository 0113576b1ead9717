"""Modules that lay elsewhere in 0.1.0: who names them by the old address is told the new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import nodegraph._moved
import nodes._moved
from nodegraph.errors import WorkflowError
from nodegraph.graph.registry import load_registry
from nodegraph.graph.workflow import Workflow
from nodegraph.planning.plan import plan

from ..support.toys import TOYS

ROOT = Path(__file__).parents[2]
MOVED = {**nodegraph._moved.MOVED, **nodes._moved.MOVED}

# Without nodegraph.web.reference, a generator of documentation: that is a script now.
# fmt: off
MODULES: Mapping[str, str] = {
    "nodegraph": """
        __main__ admission alike builder bundle cache checks cli collector context device
        diff dispatch errors events execute explain foresight frontier insides items jobs
        jpeg keys lanes lock migrations node order paths perform pictures plan planned
        planner png ports prefetch provenance queues registry schema shipped shown skeleton
        spell task_keys tasks templates tensors threads thrift totals values wanted web webp
        worker workflow xmp
    """,
    "nodegraph.cache": """
        budget cache claims files keyring mapped memory needs notes pages payload pool
        record space store tiers writer
    """,
    "nodegraph.cli": """
        app board check comparing display ending files form kinds layout listing locking
        params run saving serve serving show sketch stored svg telling tree
    """,
    "nodegraph.jobs": """
        assets database events keeper leases migrations owners pixels publish queue rows
        store tables types upgrade
    """,
    "nodegraph.jobs.migrations": """
        env versions
    """,
    "nodegraph.jobs.migrations.versions": """
        v0001_first v0002_degraded
    """,
    "nodegraph.web": """
        access answers app bodies build client errors graphs guard heads hub library limits
        mailbox metrics models names page routes_assets routes_graphs routes_jobs
        routes_system routes_workflows routing services strict turns websocket
    """,
    "nodegraph.worker": """
        __main__ child frames kit options previews process running session station
        supervisor telling
    """,
    "nodes": """
        _addons _addresses _attention _blend _blocks _boxes _build _capture _catalogue
        _checks _compare _controlnet_aux _counting _decode _decoder _dense _describe
        _estimate _fetch _files _folders _hub _identity _info _inputs _known _layers _ldm
        _lines _loop _lora _mapped _masks _memos _movenet _names _nets _offload _packages
        _palette _patches _pickles _pictures _pins _pose_nets _poses _predict _prepare
        _preview _prompts _quiet _recorded _resize _resolve _retouch _save _schedulers
        _sheet _single _sizes _skeleton _solvers _start _steering _surfaces _tables _text
        _theirs _things _tiles _told _trail _transformers _turn _unet _views _vocabulary
        _ways _weights _wildcards combine geometry images info latents layout masks models
        preprocessors redraw retouch sampling surfaces sweeps text types
    """,
}
# fmt: on
"""Every module of 0.1.0, by its package."""


def exists(module: str) -> bool:
    place = ROOT / Path(*module.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


@pytest.mark.parametrize("package", MODULES)
def test_every_module_of_the_first_version_is_here_or_has_moved(package: str) -> None:
    old = [f"{package}.{name}" for name in MODULES[package].split()]

    assert [name for name in old if not exists(name) and name not in MOVED] == []


def test_every_place_that_a_module_moved_to_exists() -> None:
    places = {place for places in MOVED.values() for place in places.split(" and ")}

    assert [place for place in sorted(places) if not exists(place)] == []


def test_only_modules_that_there_were_have_moved() -> None:
    old = {f"{package}.{name}" for package, names in MODULES.items() for name in names.split()}

    assert sorted(MOVED.keys() - old) == []


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("from nodes._files import found", "nodes._files is now nodes.files.find"),
        ("import nodes._masks", "nodes._masks is now nodes.pixels.masks"),
        ("from nodes import _masks", "nodes._masks is now nodes.pixels.masks"),
        ("from nodegraph.plan import plan", "nodegraph.plan is now nodegraph.planning.plan"),
        ("from nodegraph.tasks import Task", "nodegraph.tasks is now nodegraph.tasks.task"),
        (
            "from nodegraph.context import Settings",
            "nodegraph.context is now nodegraph.settings and nodegraph.execution.context",
        ),
        (
            "from nodegraph.builder import every",
            "nodegraph.builder is now nodegraph.builder and nodegraph.graph.drawing",
        ),
    ],
)
def test_a_node_file_that_imports_an_old_module_is_told_the_new_place(
    line: str, place: str, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text(line)

    registry = load_registry([tmp_path])

    assert [str(problem) for problem in registry.refused] == [f"{tmp_path}/a.py: {place}"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("import nodes.nowhere", "ModuleNotFoundError: No module named 'nodes.nowhere'"),
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise ImportError('no paint')", "ImportError: no paint"),
    ],
)
def test_a_module_that_never_was_is_called_missing(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(line)

    registry = load_registry([tmp_path])

    assert [str(problem) for problem in registry.refused] == [f"{tmp_path}/a.py: {reason}"]


@pytest.mark.parametrize("type", ["nodes._masks.Add", "nodes.masks.Add", "tests.support.toys.Add"])
def test_a_type_is_written_without_its_module(type: str) -> None:
    workflow = Workflow.model_validate({"nodes": {"x": {"type": type}}})

    with pytest.raises(WorkflowError) as caught:
        plan(workflow, TOYS)

    assert [str(problem) for problem in caught.value.problems] == [
        "x: types are written without their module: 'Add'"
    ]
