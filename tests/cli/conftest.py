"""Commands with toy nodes, in a folder of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from nodegraph.cli.app import app

from ..support.commands import TOYS, Cli, Write


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """A folder with the toys' file."""
    folder = tmp_path / "nodes"
    folder.mkdir()
    (folder / "toys.py").write_text(TOYS.read_text())
    return folder


@pytest.fixture
def cli(tmp_path: Path, nodes: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command with the toys, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(command: str, *arguments: object, toys: bool = True) -> Result:
        more = ["--nodes", str(nodes)] if toys else []
        return CliRunner().invoke(app, [command, *map(str, arguments), *more])

    return call


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a workflow of these nodes to a file."""

    def call(name: str = "toy.json", **parts: Any) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"format": 1, **parts}))
        return str(path)

    return call
