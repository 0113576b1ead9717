"""The record of options of computing: from a command line, through JSON, to settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nodegraph import Settings
from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodegraph.settings import Compute


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "--device 'gpu': write cpu, cuda, cuda:1, or several with commas"),
        ({"dtype": "int8"}, "--dtype 'int8': it should be auto, float32, float16, bfloat16"),
        ({"batch": 0}, "--batch 0: it should be 1 or more"),
        ({"on_oom": "wait"}, "--on-oom 'wait': it should be degrade or fail"),
        ({"allow": frozenset({"ftp"})}, "--allow-ftp: no 'ftp'; it has pickle, http"),
    ],
)
def test_an_option_with_a_wrong_value_is_refused_in_a_sentence(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Compute(**options)

    assert message == str(caught.value)


@pytest.mark.parametrize("option", ["data", "models"])
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, option: str) -> None:
    folders: Any = {option: (tmp_path, tmp_path / "none")}

    with pytest.raises(UserError, match=f"--{option} '{tmp_path}/none': there is no such folder"):
        Compute("cpu", **folders).resolved()


@pytest.mark.parametrize("models", [None, (), (Path("/m"),)], ids=str)
def test_options_come_through_json_as_they_were(models: tuple[Path, ...] | None) -> None:
    options = Compute(
        device="cuda:0,cuda:1",
        dtype="float16",
        batch=2,
        on_oom="fail",
        budget="6GB",
        allow=frozenset({"pickle", "http"}),
        nodes=(Path("/n"),),
        data=(Path("/d"), Path("/e")),
        models=models,
    )

    assert Compute.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_auto_becomes_what_this_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodegraph.system.devices.gpus", lambda: 1)

    assert Compute().resolved() == Compute(device="cuda:0", dtype="float16")


def test_settings_have_the_folders_of_a_run_behind_their_own(tmp_path: Path) -> None:
    options = Compute("cpu", "float32", batch=3, data=(tmp_path,), models=())

    settings = options.settings([tmp_path / "inputs", tmp_path], tmp_path / "out")

    folders = Folders((tmp_path, tmp_path / "inputs"), tmp_path / "out", ())
    assert settings == Settings(("cpu",), "float32", 3, folders)
