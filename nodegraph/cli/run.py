"""`nodegraph run`: a plan made, driven to its end, shown meanwhile, its pictures saved."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import typer

from ..errors import RunError, UserError, WorkflowError
from ..events import Event, Outcome
from ..execution.execute import execute
from ..execution.provenance import texts
from ..execution.results import pictures
from ..graph.bundle import bundle
from ..graph.shipped import inputs
from ..inspection.files import find_unfit_files
from ..node import Folders
from ..planning.plan import plan
from ..planning.types import Plan
from ..savings import Shortages
from ..settings import Compute, Settings
from ..system.devices import slow
from ..tasks.totals import totals
from . import kinds, params
from .cache import open_cache
from .display import Display, Lines, display
from .exits import FAILED, end, say, stoppable, warn
from .find import WorkflowFile, find_workflow
from .results import result_lines, shortages
from .save import prepare_folder, save_picture


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the commands that plan a workflow; those that only look need the first four.

    Attributes:
        file: A workflow, a picture that carries one, or the name of a shipped one.
        assignments: Of values to params and inputs, each as ``name=value``.
        only: The results to make, if not all.
        out: The folder that pictures are saved to.
        cached: Whether results are read from disk and left there.
        json: Whether events are printed as JSON.
    """

    file: str
    assignments: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    compute: Compute = field(default_factory=Compute)
    out: Path = Path("output")
    cached: bool = True
    json: bool = False


def run_file(options: Options) -> None:
    """Run a workflow and save its pictures.

    Raises:
        RunError: a node failed; what could be made nevertheless is saved.
    """
    began = time.monotonic()
    file = find_workflow(options.file)
    settings = settings_of(options, file)
    plan = plan_file(options, file)
    if unfit := find_unfit_files(plan, settings):
        raise WorkflowError(unfit)
    prepare_folder(options.out)
    if plan.ends and not options.json:
        say(f"no results are named, so its end nodes give them: {', '.join(plan.results)}", "blue")
    # Lines of JSON need no count, for which folders would be listed once more.
    view = Lines() if options.json else display(totals(plan, settings.folders))
    with closing(open_cache(options.cached, options.compute.budget)) as cache, stoppable():
        with view.watching():
            outcome = drive(execute(plan, cache, settings), view)
        texts_of = partial(texts, plan, settings.signature())
        paths = _save(outcome, texts_of, f"{file.name}-", options.out, view)
    _conclude(view, outcome, time.monotonic() - began, paths)


def plan_file(options: Options, file: WorkflowFile) -> Plan:
    """Plan a workflow with what was set filled in; warn of what will probably not do as meant."""
    registry = kinds.load_kinds(options.compute.nodes)
    whole = bundle(file.workflow, registry, file.source, data_folders(options, file))
    registry = registry.with_templates_of(whole)
    filled = params.fill(whole, options.assignments, registry)
    folders = Folders(data_folders(options, file), None, options.compute.models)
    checked = plan(filled, registry, options.only or None, folders=folders)
    for problem in checked.warnings:
        warn(str(problem))
    return checked


def data_folders(options: Options, file: WorkflowFile) -> tuple[Path, ...]:
    """The folders that may be read from: beside the workflow, here, and where the user said."""
    data = (
        *options.compute.data,
        *file.inputs,
        Path.cwd(),
        *params.folders_of(options.assignments),
        *inputs(),
    )
    return tuple(dict.fromkeys(path.resolve() for path in data))


def settings_of(options: Options, file: WorkflowFile) -> Settings:
    """The settings of a run, for the devices of this machine."""
    compute = resolve(options.compute)
    return compute.settings(data_folders(options, file), options.out.resolve())


def resolve(compute: Compute) -> Compute:
    """Put in the devices and the number format of this machine; warn of a slow one."""
    compute = compute.resolved()
    if warning := slow(compute.dtype, compute.devices):
        warn(warning)
    return compute


T = TypeVar("T")


def drive(events: Generator[Event, None, T], view: Display) -> T:
    """Pass every event to ``view``; a run that is interrupted here is cancelled, wherever it is."""
    with closing(events):
        while True:
            try:
                view.hear(next(events))
            except StopIteration as end:
                outcome: T = end.value
                return outcome


def _save(
    outcome: Outcome,
    texts_of: Callable[[Mapping[str, str], Shortages], Mapping[str, str]],
    prefix: str,
    folder: Path,
    view: Display,
) -> list[Path]:
    paths = []
    for name, picture, result, item in pictures(outcome.results):
        several = f"[{item}]" if isinstance(outcome.results[result], list) else ""
        key = {result + several: outcome.keys[result][item]}
        # The key of the item alone: it says what this picture was made of, not the whole list.
        try:
            carried = texts_of(key, outcome.shortages[result][item])
            path = save_picture(picture, carried, folder, prefix + name)
        except UserError as error:
            end(FAILED, str(error))
        paths.append(path)
        if isinstance(view, Lines):
            view.tell("saved", result=name, path=str(path))
        else:
            typer.echo(path)
    return paths


def _conclude(view: Display, outcome: Outcome, seconds: float, paths: list[Path]) -> None:
    if isinstance(view, Lines):
        state = "failed" if outcome.failures else "done"
        view.tell("ended", state=state, seconds=round(seconds, 3))
    else:
        for name, value in outcome.results.items():
            if not any(pictures({name: value})):
                for line in result_lines(name, value):
                    typer.echo(line)
        for message in shortages(outcome.degraded):
            warn(message)
    if outcome.failures:
        raise RunError(outcome.failures) from outcome.failures[0]
    if not paths and not outcome.results and not isinstance(view, Lines):
        print("done", file=sys.stderr)
