"""`nodegraph run`: a plan made, driven to its end, shown meanwhile, its pictures saved."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..errors import RunError, WorkflowError
from ..events import Event, Interrupted, Outcome
from ..execution.execute import execute
from ..execution.provenance import texts
from ..execution.results import pictures
from ..graph.bundle import bundle
from ..graph.shipped import inputs
from ..inspection.files import find_unfit_files
from ..node import Folders
from ..planning.plan import plan
from ..planning.types import Plan
from ..settings import Compute, Settings
from ..system.devices import slow
from ..tasks.totals import totals
from . import kinds, params
from .cache import open_cache
from .display import Display, Lines, display
from .exits import CANCELLED, FAILED, end, say, stoppable, unhurried, warn
from .find import WorkflowFile, find_workflow
from .output import echo
from .results import result_lines, shortages
from .save import Saved, prepare_folder, save_pictures


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
        Exit: it was stopped, and what had been finished is saved; or not all could be saved.
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
        outcome, stopped = _outcome_of(execute(plan, cache, settings), view)
        with unhurried():
            texts_of = partial(texts, plan, settings.signature())
            # All of them before a line is printed: whoever reads that cannot keep them waiting.
            saved = save_pictures(outcome, texts_of, options.out, f"{file.name}-")
            _tell(view, saved, outcome, time.monotonic() - began, stopped)
    _conclude(saved, outcome, stopped, options)


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


def _outcome_of(events: Generator[Event, None, Outcome], view: Display) -> tuple[Outcome, bool]:
    """Drive a run to its end, or until it is stopped: what was made, and whether it was."""
    outcome = None
    try:
        with view.watching():
            outcome = drive(events, view)
    except Interrupted as stop:
        return stop.outcome, True
    except KeyboardInterrupt:
        if outcome is None:
            raise
        return outcome, True
    return outcome, False


T = TypeVar("T")


def drive(events: Generator[Event, None, T], view: Display) -> T:
    """Pass every event to ``view``; a run that is interrupted here is cancelled, wherever it is.

    Raises:
        Interrupted: it was; with what had been finished.
    """
    with closing(events):
        while True:
            try:
                view.hear(next(events))
            except StopIteration as end:
                outcome: T = end.value
                return outcome
            except Interrupted:
                raise
            except KeyboardInterrupt as stop:  # outside of the run, which knows what is finished
                events.throw(stop)
                raise


def _tell(view: Display, saved: Saved, outcome: Outcome, seconds: float, stopped: bool) -> None:
    """Print which files there are now, and the results that are no pictures."""
    if isinstance(view, Lines):
        for name, path in saved.paths:
            view.tell("saved", result=name, path=str(path))
        failed = bool(outcome.failures or saved.problems)
        state = "cancelled" if stopped else "failed" if failed else "done"
        view.tell("ended", state=state, seconds=round(seconds, 3))
        return
    for _, path in saved.paths:
        echo(path)
    for name, value in outcome.results.items():
        cut = stopped and isinstance(value, list) and any(entry is None for entry in value)
        if not cut and not any(pictures({name: value})):
            for line in result_lines(name, value):
                echo(line)
    for message in shortages(outcome.degraded):
        warn(message)
    if not saved.paths and not outcome.results and not outcome.failures and not stopped:
        print("done", file=sys.stderr)


def _conclude(saved: Saved, outcome: Outcome, stopped: bool, options: Options) -> None:
    """End with a sentence, unless all went well."""
    hint = "; what was made is kept, and the same command saves it" if options.cached else ""
    problems = [f"{problem}{hint}" for problem in saved.problems]
    if outcome.failures:
        for problem in problems:
            say(problem, "red")
        raise RunError(outcome.failures) from outcome.failures[0]
    if problems:
        end(FAILED, "\n".join(problems))
    if stopped:
        count = len(saved.paths)
        some = f"; {count} finished picture{'s are' if count > 1 else ' is'} saved" if count else ""
        more = "; what was finished is kept, and the same command goes on from there"
        end(CANCELLED, f"cancelled{some}{more if options.cached else ''}")
