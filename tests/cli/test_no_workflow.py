"""Files that are no workflow: every command that reads one says what it is, in a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nodegraph.cli.exits import BAD

from ..support.foreign import FILES
from ..support.streams import encoded, run_on
from ..support.unprivileged import unprivileged

COMMANDS = {
    "run": ["run", "{}"],
    "check": ["check", "{}"],
    "explain": ["explain", "{}"],
    "show": ["show", "{}"],
    "lock": ["lock", "{}"],
    "workflows": ["workflows", "{}"],
    "help": ["run", "{}", "--help"],
    "before": ["diff", "{}", "canny-portraits"],
    "after": ["diff", "canny-portraits", "{}"],
}
"""Every place on the command line where a workflow is named."""


def refused(command: str, path: Path) -> str:
    """Name a file in a place; what is said of it."""
    arguments = [part.replace("{}", str(path)) for part in COMMANDS[command]]
    ended = run_on(arguments, encoded("utf-8"), encoded("utf-8"))
    assert (ended.code, ended.stdout) == (BAD, "")
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    content, words = FILES[name]
    (tmp_path / "w.json").write_bytes(content)

    said = refused("check", tmp_path / "w.json")

    assert words in said
    assert "w.json" in said or "format: " in said or "nodes: " in said
    assert "'list' object" not in said


def locked(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0)


def looped(path: Path) -> None:
    path.symlink_to(path)


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "is a folder; name a workflow file"),
    "pipe": (os.mkfifo, "is a pipe or a device; save the workflow to a file first"),
    "ring": (looped, "cannot be read: too many levels of symbolic links"),
    "gone": (lambda _: None, "no file"),
    "locked": (locked, "cannot be read: permission denied"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_said_by_every_command(
    tmp_path: Path, name: str, command: str
) -> None:
    make, words = UNREADABLE[name]
    make(tmp_path / "w.json")

    with unprivileged() as obeys:
        if name == "locked" and not obeys:
            pytest.skip("root may read everywhere")
        assert words in refused(command, tmp_path / "w.json")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_too_long_for_a_file_is_said(tmp_path: Path, command: str) -> None:
    assert "cannot be read: file name too long" in refused(command, tmp_path / ("w" * 5000))


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "model.json").open("wb") as file:
        file.write(b'\x08\0\0\0\0\0\0\0{"a":{}}')
        file.truncate(2**36)

    assert "is a model (safetensors)" in refused("check", tmp_path / "model.json")
