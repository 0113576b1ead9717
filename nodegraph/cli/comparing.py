"""`nodegraph diff`: what differs between two workflows or pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from ..bundle import bundle
from ..diff import Made, diff
from ..errors import Problem, WorkflowError
from ..pictures import read_text
from ..plan import plan
from ..provenance import RESULTS, VERSIONS
from ..registry import Registry
from . import kinds
from .ending import DIFFERENT
from .files import Found, find
from .run import Options, data_folders


def diff_files(files: tuple[str, str], nodes: Sequence[Path], as_json: bool) -> None:
    """Print one line a difference.

    Raises:
        Exit: they differ.
    """
    registry = kinds.registry(nodes)
    before, after = (_made(name, registry) for name in files)
    found = diff(before, after, registry)
    if as_json:
        told = [{**asdict(one), "text": str(one)} for one in found]
        typer.echo(
            json.dumps({"same": not found, "differences": told}, indent=2, ensure_ascii=False)
        )
    else:
        typer.echo("\n".join(map(str, found)) or "the same graph")
    if found:
        raise typer.Exit(DIFFERENT)


def _made(name: str, registry: Registry) -> Made:
    found = find(name)
    folders = data_folders(Options(name), found)
    try:
        whole = bundle(found.workflow, registry, found.source, folders)
        plan(whole, registry)
    except WorkflowError as error:
        problems = [Problem(f"{found.path.name}: {p.where}", p.what) for p in error.problems]
        raise WorkflowError(problems) from error
    return Made(whole, _texts(found, VERSIONS), _texts(found, RESULTS))


def _texts(found: Found, keyword: str) -> Mapping[str, str]:
    """A text of a picture that is a JSON object of texts; nothing where it carries no such text."""
    text = read_text(found.path, keyword) if found.picture else None
    try:
        read = json.loads(text or "{}")
    except ValueError:
        return {}
    return {name: str(value) for name, value in read.items()} if isinstance(read, dict) else {}
