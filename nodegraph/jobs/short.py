"""The beginning of all that may be long of a job, for lists and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .types import JobResult, Problem

RESULTS = 20
"""Results of a job that a list or an event shows."""
TEXT = 200
"""Characters of a value, or of one problem, in a list or an event."""
PROBLEMS = 20
"""Problems of a job that a list or an event shows."""
_KEPT = 20_000
"""Characters that all problems of a job may have together; the rest is counted."""


def short_results(results: Sequence[JobResult]) -> tuple[list[JobResult], bool]:
    """The first results with the beginnings of their texts; whether that leaves out any."""
    shown = [
        replace(result, text=f"{(result.text or '')[:TEXT]}…") if is_long(result.text) else result
        for result in results[:RESULTS]
    ]
    return shown, len(results) > RESULTS or any(is_long(result.text) for result in results)


def short_problems(problems: Sequence[Problem]) -> tuple[list[Problem], bool]:
    """The first problems with the beginnings of their sentences; whether that leaves out any."""
    shown = [_cut(problem, TEXT * 2) for problem in problems[:PROBLEMS]]
    return shown, shown != list(problems)


def kept_problems(problems: Sequence[Problem]) -> list[Problem]:
    """As many problems as a job keeps; how many more there were is one of their own."""
    left, kept = _KEPT, list[Problem]()
    for problem in problems:
        left -= len(problem["address"]) + len(problem["message"])
        if left < 0 and kept:
            more = len(problems) - len(kept)
            kept.append(Problem(address="", message=f"and {more} more problems"))
            break
        kept.append(_cut(problem, _KEPT))
    return kept


def is_long(text: str | None) -> bool:
    """Whether a list shows only the beginning of a text."""
    return text is not None and len(text) > TEXT


def _cut(problem: Problem, most: int) -> Problem:
    address, message = problem["address"], problem["message"]
    if len(address) + len(message) <= most:
        return problem
    return Problem(address=address[:TEXT], message=f"{message[:most]}…")
