"""Files that a plan names, looked at before it runs: what cannot be used is told at its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ..errors import Problem
from ..graph.ports import ports
from ..planning.types import Plan, Planned
from ..settings import Settings

MOST = 1000
"""Items whose files are looked at; of any beyond, the run will tell."""


def find_unfit_files(plan: Plan, settings: Settings) -> list[Problem]:
    """Find what nodes know against the files that their values name, which are not read whole."""
    calls = (call for call in plan.calls if ports(call.kind).examines)
    items = ((call, entry, values) for call in calls for entry, values in _entries(call))
    problems = (problem for item in islice(items, MOST) for problem in _problems(*item, settings))
    return list(dict.fromkeys(problems))


def _problems(
    call: Planned, entry: int, values: Mapping[str, Any], settings: Settings
) -> Iterator[Problem]:
    try:
        for input, message in call.kind.check_files(values, settings):
            at = f"{input}[{entry}]" if input in call.mapped else input
            yield Problem(f"{call.name}.{at}", message)
    except Exception as error:  # a node's own code: whether it can run, the run will tell
        message = f"its files cannot be looked at: {type(error).__name__}: {error}"
        yield Problem(call.name, message)


def _entries(call: Planned) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The values of each item, as far as they are constants; just one where nothing maps."""
    single = {n: value for n, value in call.values.items() if n not in call.mapped}
    if not call.mapped:
        yield 0, single
        return
    lists = {n: value for n in call.mapped if isinstance(value := call.values[n], list)}
    for item in range(max(map(len, lists.values()), default=0)):
        # Lists of different lengths are a mistake of their own.
        yield item, {**single, **{n: values[item % len(values)] for n, values in lists.items()}}
