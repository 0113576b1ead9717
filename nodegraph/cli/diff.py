"""`nodegraph diff`: what differs between two workflows or pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from ..errors import Problem, WorkflowError
from ..execution.provenance import RESULTS, VERSIONS
from ..graph.bundle import bundle
from ..graph.registry import Registry
from ..inspection.diff import Snapshot, diff
from ..planning.plan import plan
from . import kinds
from .exits import DIFFERENT
from .find import find
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


def _made(name: str, registry: Registry) -> Snapshot:
    found = find(name)
    folders = data_folders(Options(name), found)
    try:
        whole = bundle(found.workflow, registry, found.source, folders)
        plan(whole, registry)
    except WorkflowError as error:
        problems = [Problem(f"{found.path.name}: {p.address}", p.message) for p in error.problems]
        raise WorkflowError(problems) from error
    versions, keys = (_texts(found.carried(keyword)) for keyword in (VERSIONS, RESULTS))
    degraded = {name: ", ".join(words) for name, words in found.shortages.items()}
    return Snapshot(whole, versions, keys, degraded)


def _texts(read: Mapping[str, object]) -> Mapping[str, str]:
    return {name: str(value) for name, value in read.items()}
