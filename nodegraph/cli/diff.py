"""`nodegraph diff`: what differs between two workflows or pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from .find import find_workflow
from .output import echo, echo_json
from .run import Options, data_folders


def diff_files(files: tuple[str, str], nodes: Sequence[Path], as_json: bool) -> None:
    """Print one line a difference.

    Raises:
        Exit: they differ.
    """
    registry = kinds.load_kinds(nodes)
    before, after = (_snapshot(name, registry) for name in files)
    differences = diff(before, after, registry)
    if as_json:
        rows = [
            {
                "sort": entry.sort,
                "where": entry.address,
                "before": entry.before,
                "after": entry.after,
                "text": str(entry),
            }
            for entry in differences
        ]
        echo_json({"same": not differences, "differences": rows}, indent=2)
    else:
        echo("\n".join(map(str, differences)) or "the same graph")
    if differences:
        raise typer.Exit(DIFFERENT)


def _snapshot(name: str, registry: Registry) -> Snapshot:
    file = find_workflow(name)
    folders = data_folders(Options(name), file)
    try:
        whole = bundle(file.workflow, registry, file.source, folders)
        plan(whole, registry)
    except WorkflowError as error:
        problems = [Problem(f"{file.path.name}: {p.address}", p.message) for p in error.problems]
        raise WorkflowError(problems) from error
    versions, keys = (_texts(file.carried(keyword)) for keyword in (VERSIONS, RESULTS))
    degraded = {name: ", ".join(words) for name, words in file.shortages.items()}
    return Snapshot(whole, versions, keys, degraded)


def _texts(values: Mapping[str, object]) -> Mapping[str, str]:
    return {name: str(value) for name, value in values.items()}
