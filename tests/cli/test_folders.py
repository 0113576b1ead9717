"""Folders that cannot be read or written, vanish or are full: said in a sentence, nothing lost."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nodegraph.cli.exits import BAD, DONE, FAILED

from ..support.streams import Ended, encoded, run_on
from ..support.unprivileged import unprivileged

PHOTO = {"type": "LoadImage", "values": {"path": "portrait.png"}}
NODES = '''
import shutil
from pathlib import Path
from nodegraph import Node, Output

class Said(Output):
    """What was said."""
    text: str

class Vanish(Node):
    """Remove the output folder while a run goes on."""
    leave: str = ""

    def run(self) -> Said:
        shutil.rmtree("output")
        if self.leave:
            Path("output").write_text("a file")
        return Said(text="gone")

NODES = [Vanish]
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(nodes: dict[str, Any], results: dict[str, str], *options: str) -> Ended:
    """Run a workflow of these nodes."""
    Path("w.json").write_text(json.dumps({"format": 1, "nodes": nodes, "results": results}))
    ended = run_on(["run", "w.json", *options], encoded("utf-8"), encoded("utf-8"))
    assert "Traceback" not in ended.stderr
    assert "Errno" not in ended.stderr
    return ended


@pytest.fixture
def locked(folder: Path) -> Iterator[None]:
    """A folder whose content nobody may look at, and its right to do so nevertheless taken away."""
    (folder / "locked").mkdir(mode=0)
    with unprivileged() as obeys:
        if not obeys:
            pytest.skip("root may read everywhere")
        yield


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"type": "LoadImage", "values": {"path": "locked/a.png"}}, "locked/a.png'"),
        ({"type": "LoadImage", "values": {"path": "locked"}}, "locked'"),
        ({"type": "LoadImage", "values": {"path": "locked/*.png"}}, "locked/*.png'"),
        ({"type": "LoadPrompts", "values": {"path": "locked/a.txt"}}, "locked/a.txt'"),
        ({"type": "LoadPrompts", "values": {"path": "locked/a.csv"}}, "locked/a.csv'"),
        ({"type": "Wildcard", "values": {"text": "__locked/a__"}}, "locked/a.txt'"),
    ],
)
def test_a_file_that_nobody_may_read_is_named(
    folder: Path, node: dict[str, Any], said: str
) -> None:
    output = {"LoadImage": "image", "LoadPrompts": "texts", "Wildcard": "text"}[node["type"]]

    ended = run({"end": node}, {"result": f"end.{output}"})

    assert ended.code in (FAILED, BAD)
    assert f"cannot read '{folder}/{said}: permission denied" in ended.stderr.replace("''", "'")


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("cache", ["locked", "w.json", "w.json/below", "/proc/none"])
def test_a_cache_that_cannot_be_written_stops_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, cache: str
) -> None:
    monkeypatch.setenv("NODEGRAPH_CACHE", cache)

    ended = run({"end": PHOTO}, {"photo": "end.image"})

    assert (ended.code, ended.stdout) == (DONE, "output/w-photo.png\n")
    assert f"results are kept in memory only: {cache}: " in caplog.text


@pytest.mark.parametrize("leave", ["", "a file"])
def test_an_output_folder_that_vanishes_is_made_again_where_it_can_be(leave: str) -> None:
    Path("nodes").mkdir()
    Path("nodes/vanish.py").write_text(NODES)
    nodes = {"photo": PHOTO, "gone": {"type": "Vanish", "values": {"leave": leave}}}
    results = {"photo": "photo.image", "said": "gone.text"}

    ended = run(nodes, results, "--nodes", "nodes")

    assert "said = 'gone'" in ended.stdout
    if leave:
        assert ended.code == FAILED
        assert ended.stderr.splitlines()[-1].startswith(
            "'output' is not a folder; name one with --out; what was made is kept"
        )
    else:
        assert (ended.code, os.listdir("output")) == (DONE, ["w-photo.png"])


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk with room for a small picture; only root may make one."""
    (folder / "disk").mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", b"disk", b"tmpfs", 0, b"size=64k") != 0:
        pytest.skip("cannot mount a small disk")
    yield folder / "disk"
    libc.umount2(os.fsencode(folder / "disk"), 2)


def test_on_a_full_disk_what_fits_is_saved_and_the_rest_is_saved_by_the_next_run(
    small_disk: Path,
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save("noise.png")
    nodes = {
        "big": {"type": "LoadImage", "values": {"path": "noise.png"}},
        "small": {"type": "LoadImage", "values": {"path": "noise.png"}},
        "cut": {"type": "Resize", "values": {"width": 8}, "links": {"image": "small.image"}},
    }
    results = {"big": "big.image", "small": "cut.image"}

    ended = run(nodes, results, "--out", "disk/out")

    assert (ended.code, ended.stdout) == (FAILED, "disk/out/w-small.png\n")
    assert ended.stderr.splitlines()[-1] == (
        "the disk of 'disk/out' is full; what was made is kept, and the same command saves it"
    )
    assert os.listdir(small_disk / "out") == ["w-small.png"]
    assert run(nodes, results, "--out", "out").code == DONE


def test_a_current_folder_that_is_gone_is_said() -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()

    ended = run_on(["check", "canny-portraits"], encoded("utf-8"), encoded("utf-8"))

    assert ended.code == BAD
    assert ended.stderr == "the current folder: no such file or directory\n"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 70, "é..x", "fe80::1%nope", "::g"])
def test_a_host_that_is_none_is_said(host: str) -> None:
    arguments = ["serve", "--port", "0", "--data-dir", "data", "--host", host]

    ended = run_on(arguments, encoded("utf-8"), encoded("utf-8"))

    assert ended.code == BAD
    assert ended.stderr.startswith(f"--host {host} --port 0: ")
