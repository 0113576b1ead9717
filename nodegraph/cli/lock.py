"""`nodegraph lock`: the models of a workflow file pinned in it, or compared with its pins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import typer

from ..cache import Cache
from ..errors import NodeError, RunError, UserError
from ..graph.workflow import Workflow
from ..inspection.pins import find_drift, pin_models, unpinnable
from ..planning.types import Plan
from .exits import FAILED, warn, writing
from .find import WorkflowFile, find_workflow, keep_from_loss
from .output import echo
from .run import Options, plan_file, settings_of


def lock_file(options: Options, output: Path | None) -> None:
    """Write the workflow with its models pinned, into its own file unless ``output`` names another.

    Raises:
        RunError: a model cannot be found.
    """
    file = find_workflow(options.file)
    if output is None:
        _refuse_others(options.file, file)
    else:
        with writing(output):
            keep_from_loss(output, ("a workflow",))
    with _plan_models(options, file) as (plan, cache):
        pinned = _written_so(pin_models(plan, cache, settings_of(options, file)), file, output)
    target = output or file.path
    if output is not None or pinned != file.workflow:
        with writing(target):
            pinned.save(target)
    for name, pin in pinned.models.items():
        echo(f"{name}  {pin.revision[:12] or 'local'}  sha256 {pin.sha256[:12]}…")
    if not pinned.models:
        echo("nothing to pin: the models it uses come with nodegraph")
    echo(target)


def check_lock(options: Options) -> None:
    """Compare the models here with those that the workflow pins.

    Raises:
        Exit: some are not.
        RunError: a model cannot be found.
    """
    file = find_workflow(options.file)
    with _plan_models(options, file) as (plan, cache):
        changes = find_drift(plan, cache, settings_of(options, file))
    for name, differences in changes.items():
        echo(f"{name}: {'; '.join(differences)}")
    if changes:
        raise typer.Exit(FAILED)
    echo(f"{file.path}: all its models are those it pins")


@contextmanager
def _plan_models(options: Options, file: WorkflowFile) -> Iterator[tuple[Plan, Cache]]:
    """Plan a workflow to look at its models, with a cache that nothing stays in."""
    plan = plan_file(options, file)
    for name in unpinnable(plan):
        warn(f"{name}: another node says which model it loads, so that is not pinned")
    with closing(Cache.in_memory()) as cache:
        try:
            yield plan, cache
        except NodeError as error:
            raise RunError([error]) from error


def _written_so(pinned: Workflow, file: WorkflowFile, output: Path | None) -> Workflow:
    """Leave templates out again that the file finds beside itself."""
    here = output is None or output.resolve().parent == file.path.resolve().parent
    if not here or file.source is None:
        return pinned
    types = {name: call.type for name, call in file.workflow.nodes.items()}
    nodes = {
        name: call.model_copy(update={"type": types[name]}) for name, call in pinned.nodes.items()
    }
    return pinned.model_copy(update={"nodes": nodes, "templates": file.workflow.templates})


def _refuse_others(name: str, file: WorkflowFile) -> None:
    if file.picture or not Path(name).is_file():
        source = "a picture" if file.picture else "a shipped workflow"
        raise UserError(f"{name!r} is {source}; say with --output which file to write")
