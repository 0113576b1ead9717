"""The package's own names: each has a home, which is loaded when the name is asked for."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import nodegraph


def declared() -> dict[str, str]:
    """What type checkers are told, by name."""
    tree = ast.parse(Path(nodegraph.__file__ or "").read_text(encoding="utf-8"))
    block = next(part for part in tree.body if isinstance(part, ast.If))
    return {
        alias.name: f".{part.module}"
        for part in block.body
        if isinstance(part, ast.ImportFrom)
        for alias in part.names
    }


def test_type_checkers_and_python_are_told_the_same() -> None:
    assert dict(nodegraph._HOMES) == declared()


@pytest.mark.parametrize(("name", "home"), declared().items())
def test_every_name_is_that_of_its_home(name: str, home: str) -> None:
    assert getattr(nodegraph, name) is getattr(import_module(home, "nodegraph"), name)
    assert name in dir(nodegraph)


def test_another_name_is_none_of_the_package_s() -> None:
    with pytest.raises(AttributeError, match="module 'nodegraph' has no attribute 'Bilder'"):
        nodegraph.Bilder  # noqa: B018


def test_the_command_line_answers_ctrl_c_while_it_is_loaded() -> None:
    code = (
        "import signal, sys\n"
        "class Loading:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'pydantic': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Loading())\n"
        "sys.argv[1:] = ['check', 'canny-portraits']\n"
        "from nodegraph.cli import main\n"
        "main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "cancelled\n")
