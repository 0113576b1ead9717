"""`nodegraph run`: make the plan, drive it, show it, and save what it makes."""

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

from ..errors import RunError, UserError
from ..events import Event, Outcome
from ..execution.execute import execute
from ..execution.provenance import texts
from ..execution.results import pictures
from ..graph.bundle import bundle
from ..graph.shipped import inputs
from ..planning.plan import Plan, plan
from ..savings import Shortages
from ..settings import Compute, Settings
from ..system.devices import slow
from ..tasks.totals import totals
from . import cache as stored
from . import kinds, params
from . import save as saving
from .display import Display, Lines, display
from .exits import FAILED, end, stoppable, warn
from .find import Found, find
from .results import shortages, told


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
    found = find(options.file)
    settings = settings_of(options, found)
    chosen = planned(options, found)
    saving.prepare(options.out)
    # Lines of JSON need no count, for which folders would be listed once more.
    view = Lines() if options.json else display(totals(chosen, settings.folders))
    with closing(stored.open_cache(options.cached, options.compute.budget)) as cache, stoppable():
        with view.watching():
            outcome = drive(execute(chosen, cache, settings), view)
        made = partial(texts, chosen, settings.signature())
        paths = _save(outcome, made, f"{found.name}-", options.out, view)
    _conclude(view, outcome, time.monotonic() - began, paths)


def planned(options: Options, found: Found) -> Plan:
    """Fill in what was set and plan it; say what will probably not do as meant."""
    registry = kinds.registry(options.compute.nodes)
    whole = bundle(found.workflow, registry, found.source, data_folders(options, found))
    registry = registry.knowing(whole)
    chosen = plan(params.fill(whole, options.assignments, registry), registry, options.only or None)
    for problem in chosen.warnings:
        warn(str(problem))
    return chosen


def data_folders(options: Options, found: Found) -> tuple[Path, ...]:
    """The folders that may be read from: beside the workflow, here, and where the user said."""
    data = (
        *options.compute.data,
        *found.inputs,
        Path.cwd(),
        *params.folders_of(options.assignments),
        *inputs(),
    )
    return tuple(dict.fromkeys(path.resolve() for path in data))


def settings_of(options: Options, found: Found) -> Settings:
    """Where and how to run."""
    compute = resolve(options.compute)
    return compute.settings(data_folders(options, found), options.out.resolve())


def resolve(compute: Compute) -> Compute:
    """Put in the devices and the number format of this machine; warn of a slow one."""
    compute = compute.resolved()
    if warning := slow(compute.dtype, compute.devices):
        warn(warning)
    return compute


T = TypeVar("T")


def drive(events: Generator[Event, None, T], view: Display) -> T:
    """Tell ``view`` every event, to the end; cancelled at whatever point this is interrupted."""
    with closing(events):
        while True:
            try:
                view.hear(next(events))
            except StopIteration as end:
                found: T = end.value
                return found


def _save(
    outcome: Outcome,
    made: Callable[[Mapping[str, str], Shortages], Mapping[str, str]],
    prefix: str,
    folder: Path,
    view: Display,
) -> list[Path]:
    paths = []
    for name, picture, result, item in pictures(outcome.results):
        several = f"[{item}]" if isinstance(outcome.results[result], list) else ""
        key = {result + several: outcome.keys[result][item]}
        try:
            said = made(key, outcome.shortages[result][item])
            path = saving.save(picture, said, folder, prefix + name)
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
                for line in told(name, value):
                    typer.echo(line)
        for said in shortages(outcome.degraded):
            warn(said)
    if outcome.failures:
        raise RunError(outcome.failures) from outcome.failures[0]
    if not paths and not outcome.results and not isinstance(view, Lines):
        print("done", file=sys.stderr)
