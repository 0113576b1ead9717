"""Pictures that `nodegraph run` saves: their names, and the texts they carry."""

from __future__ import annotations

import errno
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from nodegraph.base import files
from nodegraph.carriers.picture import read_text, read_workflow
from nodegraph.execution.provenance import PARAMS, RESULTS, VERSIONS

from ..support.commands import Cli, Write, painting
from ..support.unprivileged import unprivileged


def test_a_picture_is_saved_under_the_names_of_workflow_and_result(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    done = cli("run", write(**painting()))

    assert (done.exit_code, done.stdout.splitlines()) == (0, ["output/toy-image.png"])
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == ["toy-image.png"]


def test_a_saved_picture_carries_the_workflow_as_it_was_run(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    cli("run", write(**painting()), "--set", "grey=9")

    carried = json.loads(read_workflow(tmp_path / "output/toy-image.png") or "")
    assert carried["nodes"]["paint"]["values"] == {"grey": 9}


def test_a_saved_picture_carries_its_params_versions_and_key(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    done = cli("run", write(**painting([7, 9])), "--json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    keys = [event["key"] for event in events if event["event"] == "finished"]
    carried = {
        keyword: json.loads(read_text(tmp_path / "output/toy-image-02.png", keyword) or "")
        for keyword in (PARAMS, VERSIONS, RESULTS)
    }
    assert carried == {
        PARAMS: {"grey": [7, 9]},
        VERSIONS: {"nodegraph": version("nodegraph-diffusion"), "node Paint": "1"},
        RESULTS: {"image[1]": keys[1]},
    }


def test_a_saved_picture_can_be_run_again(cli: Cli, write: Write) -> None:
    cli("run", write(**painting()), "--set", "grey=9", "--out", "first")

    done = cli("run", "first/toy-image.png", "--out", "second")

    assert done.stdout.splitlines() == ["second/toy-image-image.png"]
    first, second = Path("first/toy-image.png"), Path("second/toy-image-image.png")
    assert first.read_bytes() == second.read_bytes()


def test_a_picture_made_with_a_template_in_a_file_can_be_run_again_anywhere(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    (tmp_path / "parts").mkdir()
    write("parts/dot.json", **painting())
    nodes = {"dot": {"type": "./parts/dot.json", "values": {"grey": 9}}}
    file = write(nodes=nodes, params={"grey": {"to": "dot.grey"}}, results={"image": "dot.image"})
    cli("run", file, "--set", "grey=11", "--out", "elsewhere")
    (tmp_path / "parts/dot.json").unlink()

    done = cli("run", "elsewhere/toy-image.png", "--out", "again")

    assert (done.exit_code, done.stdout) == (0, "again/toy-image-image.png\n")
    first, second = Path("elsewhere/toy-image.png"), Path("again/toy-image-image.png")
    assert first.read_bytes() == second.read_bytes()


def test_the_same_picture_keeps_its_file_and_another_gets_a_number(cli: Cli, write: Write) -> None:
    file = write(**painting())

    said = [cli("run", file, "--set", f"grey={grey}").stdout.strip() for grey in (1, 1, 2, 2, 1)]

    one, two = "output/toy-image.png", "output/toy-image-2.png"
    assert said == [one, one, two, two, one]


def test_several_pictures_are_numbered(cli: Cli, write: Write) -> None:
    done = cli("run", write(**painting([1, 2])))

    assert done.stdout.splitlines() == ["output/toy-image-01.png", "output/toy-image-02.png"]


def test_a_folder_that_cannot_be_written_is_found_before_anything_runs(
    cli: Cli, write: Write
) -> None:
    Path("locked").mkdir(mode=0o500)

    with unprivileged() as obeys:
        if not obeys:
            pytest.skip("root may write everywhere")
        done = cli("run", write(**painting()), "--out", "locked/inner")

    assert done.exit_code == 2
    assert "cannot write to 'locked/inner': permission denied" in done.stderr


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing_half_written(
    cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *content: Any) -> int:
        if path.parent.name != "output":
            return create(path, *content)
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    create = files.create
    monkeypatch.setattr(files, "create", full)
    done = cli("run", write(**painting()))

    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1,
        "the disk of 'output' is full; what was made is kept, and the same command saves it",
    )
    assert list(Path("output").iterdir()) == []
