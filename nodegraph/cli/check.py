"""`nodegraph check`, `explain` and `workflows`: workflows looked at without running them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import groupby

import typer

from ..errors import NodeGraphError, WorkflowError
from ..graph.shipped import shipped
from ..graph.workflow import Workflow
from ..inspection.explain import Line, explain
from ..inspection.files import find_unfit_files
from .cache import open_cache
from .exits import warn
from .find import find_workflow
from .output import echo, echo_dim
from .run import Options, plan_file, settings_of

_COLOURS = {"cached": "blue", "runs": "cyan", "waits": "yellow", "fails": "red"}


def check_file(options: Options) -> None:
    """Plan a workflow; every mistake is raised at once."""
    file = find_workflow(options.file)
    plan = plan_file(options, file)
    if unfit := find_unfit_files(plan, settings_of(options, file)):
        raise WorkflowError(unfit)
    count = len(plan.workflow.nodes)
    of_ends = " (of its end nodes: it names none)" if plan.ends else ""
    echo(
        f"{file.path}: sound; {count} node{'s' * (count != 1)},"
        f" results {', '.join(plan.results) or 'none'}{of_ends}"
    )


def explain_file(options: Options) -> None:
    """Print what every node would do, items that would do the same in one line."""
    file = find_workflow(options.file)
    settings = settings_of(options, file).offline()
    plan = plan_file(options, file)
    with closing(open_cache()) as cache:
        lines = explain(plan, cache, settings)
    width = max((len(line.name) for line in lines), default=0)
    for (name, state, reason), same in groupby(lines, key=_shared):
        items = _items([*same])
        echo(
            f"{name.ljust(width)}  {typer.style(state.ljust(6), fg=_COLOURS[state])}"
            f"  {items}{reason}"
        )
    runs = len({line.name for line in lines if line.state != "cached"})
    echo_dim(f"{runs} of {len({line.name for line in lines})} nodes would run")


def _shared(line: Line) -> tuple[str, str, str]:
    """The part of a line that its items share: without the item that each needs of another node."""
    own = "".join(f"[{index}]" for index in line.items)
    return line.name, line.state, line.reason.removesuffix(own) if own else line.reason


def _items(lines: Sequence[Line]) -> str:
    """``items 0-3: `` for the items that share a line."""
    numbers = [index for line in lines for index in line.items]
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"item {numbers[0]}: "
    together = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"items {f'{numbers[0]}-{numbers[-1]}' if together else ', '.join(map(str, numbers))}: "


def list_workflows() -> None:
    """Print the shipped workflows, with the params each has."""
    for name, path in shipped().items():
        try:
            workflow = Workflow.load(path)
        except NodeGraphError as error:
            warn(f"{path}: {error}")
            continue
        echo(f"{typer.style(name, fg='cyan', bold=True)}  {workflow.title}")
        width = max(map(len, workflow.params), default=0)
        for param, about in workflow.params.items():
            echo(f"    {param.ljust(width)}  {about.help or about.label}")
    echo_dim("\n`nodegraph run NAME --set PARAM=VALUE` runs one of them.")
