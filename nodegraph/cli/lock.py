"""`nodegraph lock`: pin the models that a workflow file uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import typer

from ..cache import Cache
from ..errors import NodeError, RunError, UserError
from ..graph.workflow import Workflow
from ..inspection.pins import find_drift, pin_models, unpinnable
from ..planning.plan import Plan
from .exits import FAILED, warn
from .find import Found, find
from .run import Options, planned, settings_of


def lock_file(options: Options, output: Path | None) -> None:
    """Write the workflow with its models pinned, into its own file unless ``output`` names another.

    Raises:
        RunError: a model cannot be found.
    """
    found = find(options.file)
    if output is None:
        _refuse_others(options.file, found)
    with _planned(options, found) as (chosen, cache):
        pinned = _written_so(pin_models(chosen, cache, settings_of(options, found)), found, output)
    target = output or found.path
    if output is not None or pinned != found.workflow:
        pinned.save(target)
    for name, pin in pinned.models.items():
        typer.echo(f"{name}  {pin.revision[:12] or 'local'}  sha256 {pin.sha256[:12]}…")
    if not pinned.models:
        typer.echo("nothing to pin: the models it uses come with nodegraph")
    typer.echo(target)


def check_lock(options: Options) -> None:
    """Say whether the models here are those that the workflow pins.

    Raises:
        Exit: some are not.
        RunError: a model cannot be found.
    """
    found = find(options.file)
    with _planned(options, found) as (chosen, cache):
        others = find_drift(chosen, cache, settings_of(options, found))
    for name, what in others.items():
        typer.echo(f"{name}: {'; '.join(what)}")
    if others:
        raise typer.Exit(FAILED)
    typer.echo(f"{found.path}: all its models are those it pins")


@contextmanager
def _planned(options: Options, found: Found) -> Iterator[tuple[Plan, Cache]]:
    """Plan a workflow to look at its models, with a cache that nothing stays in."""
    chosen = planned(options, found)
    for name in unpinnable(chosen):
        warn(f"{name}: another node says which model it loads, so that is not pinned")
    with closing(Cache.in_memory()) as cache:
        try:
            yield chosen, cache
        except NodeError as error:
            raise RunError([error]) from error


def _written_so(pinned: Workflow, found: Found, output: Path | None) -> Workflow:
    """Leave templates out again that the file finds beside itself."""
    here = output is None or output.resolve().parent == found.path.resolve().parent
    if not here or found.source is None:
        return pinned
    types = {name: call.type for name, call in found.workflow.nodes.items()}
    nodes = {
        name: call.model_copy(update={"type": types[name]}) for name, call in pinned.nodes.items()
    }
    return pinned.model_copy(update={"nodes": nodes, "templates": found.workflow.templates})


def _refuse_others(name: str, found: Found) -> None:
    if found.picture or not Path(name).is_file():
        what = "a picture" if found.picture else "a shipped workflow"
        raise UserError(f"{name!r} is {what}; say with --output which file to write")
