"""Every command and option, wherever its output goes: the work is done, and no traceback is seen.

The commands and options are those that the command line itself lists, so a new one is tried here as
soon as there is one. Only an option that takes a value needs a line in ``VALUES``.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main

from nodegraph.cli.app import app
from nodegraph.cli.exits import BAD, DONE, FAILED, UNPRINTED
from nodegraph.cli.form import Command
from nodegraph.web import build

from ..support.commands import TOYS
from ..support.streams import Ended, runs

NAME = "写真 – “é”"
"""No encoding but Unicode's has all of it."""
WORKFLOW = {
    "format": 1,
    "title": f"{NAME} \x1b[2J",
    "nodes": {
        "say": {"type": "Speak", "values": {"text": NAME}},
        "paint": {"type": "Paint", "values": {"grey": [7, 9]}},
    },
    "params": {
        "text": {"to": "say.text", "help": NAME, "label": NAME},
        "grey": {"to": "paint.grey"},
    },
    "results": {"said": "say.text", "image": "paint.image"},
}
ARGUMENTS: Mapping[str, Sequence[str]] = {
    "nodes": ["Sample"],
    "diff": [f"{NAME}.json", "other.json"],
    "serve": [],
    "build-editor": [],
    "cache": [],
}
"""The arguments of commands that do not take one workflow."""
VALUES: Mapping[str, str] = {
    "--set": f"text={NAME} →",
    "--out": f"to {NAME}",
    "--only": "said",
    "--device": "cpu",
    "--dtype": "float32",
    "--budget": "1GB",
    "--batch": "2",
    "--on-oom": "fail",
    "--nodes": "nodes",
    "--data": ".",
    "--models": ".",
    "--format": "svg",
    "--output": f"{NAME}.svg",
    "--host": "127.0.0.1",
    "--port": "1",
    "--data-dir": "data",
    "--token-file": "token",
    "--database": "sqlite://",
    "--public-url": "https://example.org",
    "--queue": "3",
    "--time-limit": "5",
    "--check-time": "5",
    "--worker-memory": "4GB",
}
"""A value for every option that takes one."""
TREE: Any = typer.main.get_command(app)
RUNS = runs()


def ways(command: str) -> Iterator[tuple[str, list[str]]]:
    """A command without options, and with each of its own, each by its name."""
    arguments = ARGUMENTS.get(command, [f"{NAME}.json"])
    nodes = ["--nodes", "nodes"] if any(o.name == "nodes" for o in options(command)) else []
    base = [command, *arguments, *nodes]
    yield "", base
    yield "--help", [*base, "--help"]
    for option in options(command):
        name = option.opts[0]
        yield name, [*base, name, *([] if option.is_flag else [VALUES[name]])]


def options(command: str) -> list[Any]:
    return [p for p in TREE.commands[command].params if p.param_type_name == "option"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of workflows and toys, in which nothing ever runs for long."""
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "toys.py").write_text(TOYS.read_text())
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(build, "SOURCES", tmp_path)  # else it would build the page
    return tmp_path


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A port that is taken: a server that is started there ends at once."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening.getsockname()[1]


def tried(folder: Path, kind: str, arguments: Sequence[str], port: int) -> tuple[Ended, list[str]]:
    """Run a command on streams of a kind, in a folder of its own: how it ended, and its files."""
    here = folder / kind
    here.mkdir()
    (here / "nodes").symlink_to(folder / "nodes")
    for name in (NAME, "other"):
        (here / f"{name}.json").write_text(json.dumps(WORKFLOW))
    before, cwd = set(here.rglob("*")), Path.cwd()
    os.environ["NODEGRAPH_CACHE"] = str(here / "cache")
    more = ["--port", str(port)] if arguments[0] == "serve" else []
    os.chdir(here)
    try:
        ended = RUNS[kind]([*arguments, *more])
    finally:
        os.chdir(cwd)
    made = (path.relative_to(here) for path in set(here.rglob("*")) - before if path.is_file())
    return ended, sorted(str(path) for path in made if path.parts[0] != "cache")


def check(folder: Path, arguments: Sequence[str], kinds: Sequence[str], port: int) -> None:
    """Run a command on streams of these kinds, which changes nothing of what it does."""
    expected, files = tried(folder, "utf-8", arguments, port)
    assert "Traceback" not in expected.stderr
    assert "\x1b[2J" not in expected.stdout + expected.stderr
    for kind in kinds:
        ended, made = tried(folder, kind, arguments, port)

        lost = kind in ("closed", "full") and bool(expected.output)
        code = expected.code or UNPRINTED if lost else expected.code
        assert (kind, ended.code, made) == (kind, code, files)
        assert "Traceback" not in ended.stderr
        assert "\x1b[2J" not in ended.stdout + ended.stderr
        if kind == "full" and lost:
            assert "what was to be printed is lost: no space left on device" in ended.stderr


@pytest.mark.parametrize("command", TREE.commands)
@pytest.mark.parametrize("kind", [kind for kind in RUNS if kind != "utf-8"])
def test_a_command_does_the_same_wherever_its_output_goes(
    folder: Path, port: int, command: str, kind: str
) -> None:
    check(folder, next(ways(command))[1], [kind], port)


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(way, id=f"{c} {name}") for c in TREE.commands for name, way in ways(c) if name],
)
def test_every_option_does_the_same_wherever_its_output_goes(
    folder: Path, port: int, arguments: Sequence[str]
) -> None:
    check(folder, arguments, ["cp1252", "full"], port)


@pytest.mark.parametrize("command", TREE.commands)
def test_what_is_no_text_is_refused_in_a_sentence_by_every_option_that_takes_text(
    folder: Path, port: int, command: str
) -> None:
    broken = os.fsdecode(b"caf\xe9")
    assert isinstance(TREE.commands[command], Command)
    for option in options(command):
        if option.is_flag:
            continue
        arguments = [*next(ways(command))[1], option.opts[0], f"text={broken}"]

        ended, _ = tried(folder, "ascii", arguments, port)

        shutil.rmtree(folder / "ascii")

        # A folder of that name may be made; a text is never taken.
        assert ended.code in (DONE, FAILED, BAD), arguments
        assert "Traceback" not in ended.stderr
        if option.name in ("set_", "only", "device", "host", "database"):
            assert ended.stderr.splitlines()[-1] == (
                rf"{option.opts[0]} 'text=caf\udce9': is not text in UTF-8"
            )


@pytest.mark.parametrize("command", [c for c in TREE.commands if c not in ARGUMENTS])
def test_a_file_whose_name_is_no_text_is_read_all_the_same(
    folder: Path, port: int, command: str
) -> None:
    named = folder / os.fsdecode(b"caf\xe9.json")
    named.write_text(json.dumps(WORKFLOW))

    ended, _ = tried(folder, "ascii", [command, str(named), "--nodes", "nodes"], port)

    assert (ended.code, ended.stderr.count("Traceback")) == (DONE, 0), ended.stderr


def shell(line: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Run a line of a shell in which ``$N`` is the command line; its exit code and stderr."""
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={**os.environ, "N": f"{sys.executable} -m nodegraph", "PYTHONPATH": "", **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("$N run w.json --nodes nodes >&-", UNPRINTED, "is lost: bad file descriptor"),
        ("$N run w.json --nodes nodes >&- 2>&- <&-", UNPRINTED, ""),
        ("$N run w.json --nodes nodes >/dev/full", UNPRINTED, "is lost: no space left on device"),
        ("$N run w.json --nodes nodes >/dev/full 2>/dev/full", UNPRINTED, ""),
        ("$N run w.json --nodes nodes --json | head -n 1", DONE, ""),
        ("$N run w.json --nodes nodes | true", DONE, ""),
        ("LC_ALL=C $N run w.json --nodes nodes", DONE, ""),
        ("PYTHONIOENCODING=ascii $N run w.json --nodes nodes", DONE, ""),
    ],
)
def test_a_process_saves_everything_whatever_becomes_of_its_output(
    folder: Path, line: str, code: int, said: str
) -> None:
    (folder / "w.json").write_text(json.dumps(WORKFLOW))

    ended, errors = shell(line, folder)

    assert sorted(path.name for path in (folder / "output").iterdir()) == [
        "w-image-01.png",
        "w-image-02.png",
    ]
    assert ended == code
    assert said in errors
    assert not any(word in errors for word in ("Traceback", "Exception ignored"))
