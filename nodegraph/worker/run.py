"""Run one job: a generator of messages that ends with how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from io import BytesIO
from itertools import chain, islice
from typing import Any

from ..carriers.png import with_texts
from ..errors import NodeError, Stopped, UserError, WorkflowError, brief
from ..events import Event, Interrupted, Outcome
from ..execution.execute import AtWork, execute
from ..execution.provenance import texts
from ..execution.results import pictures
from ..graph.bundle import bundle
from ..graph.workflow import Workflow
from ..jobs.files import staged
from ..planning.types import Plan
from ..tasks.totals import totals
from .frames import Message
from .messages import Reporter, Sent, message_of
from .setup import Setup

MOST = 10_000
"""Results of a job: pictures and values."""
TEXTS = 4 * 2**20
"""Characters that all values of a job may have, kept as text."""
_LONGEST = 65_536
"""Characters of one value."""
_SHORTEST = 200
"""Characters of a value that is kept whole, however many there are."""


def run(
    job: Mapping[str, Any],
    setup: Setup,
    unwanted: Callable[[], bool],
    at_work: AtWork | None = None,
) -> Generator[Sent, None, Message]:
    """Run a job to its end, with a message for each event that is worth one.

    Args:
        job: The id, workflow, ``only``, ``on_oom`` and ``refused`` that ``RunningJob`` sends.
        unwanted: Asked after each event whether to stop, and between the parts of long work.
        at_work: Told the nodes at work before each begins, as it may end the process.

    Returns:
        ``{"done": {"results", "counts", "degraded"}}``, ``{"failed": {"problems", …}}`` with the
        same, or ``{"cancelled": {}}``.
    """
    try:
        plan = _plan(job, setup)
    except WorkflowError as error:
        problems = [{"address": p.address, "message": p.message} for p in error.problems]
        return _failed(problems)
    reporter = Reporter(plan, setup, totals(plan, setup.settings.folders))
    try:
        settings = setup.settings.with_on_oom(job["on_oom"])
        events = execute(
            plan, setup.cache, settings, unwanted, at_work=at_work, refused=job.get("refused")
        )
        outcome = yield from _drive(events, reporter, unwanted)
        yield from reporter.rest()
        if outcome is None:
            return {"cancelled": {}}
        results = list(islice(_save_results(job["id"], outcome, plan, setup), MOST + 1))
    except GeneratorExit:
        raise
    except BaseException as error:  # SystemExit included: a node may raise what it likes
        yield from reporter.rest()
        return _failed([{"address": _culprit(reporter), "message": _sentence(error)}])
    degraded = list(dict.fromkeys(chain.from_iterable(outcome.degraded.values())))
    ending = {"results": results, "counts": reporter.counts, "degraded": degraded}
    problems = [_problem(failure) for failure in outcome.failures]
    if len(results) > MOST:
        del results[MOST:]
        message = f"the job makes more than {MOST:,} results; the first are kept"
        problems.append({"address": "results", "message": message})
    if problems:
        return _failed(problems, ending)
    return {"done": ending}


def _plan(job: Mapping[str, Any], setup: Setup) -> Plan:
    workflow = bundle(Workflow.read(job["workflow"]), setup.registry)
    return setup.planner.plan(workflow, setup.registry, job["only"])


def _drive(
    run: Generator[Event, None, Outcome], reporter: Reporter, unwanted: Callable[[], bool]
) -> Generator[Sent, None, Outcome | None]:
    """Report the run to its end; None where it was stopped before."""
    with closing(run) as events:
        while not unwanted():
            try:
                event = next(events)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            except Stopped:
                return None
            yield from reporter.report(event)
    return None


def _save_results(
    job: str, outcome: Outcome, plan: Plan, setup: Setup
) -> Iterator[Mapping[str, Any]]:
    """Save every picture among the results, and write down every other value."""
    left = TEXTS
    signature = setup.settings.signature()
    drawn = set()
    for _, picture, result, item in pictures(outcome.results):
        several = isinstance(outcome.results[result], list)
        address = result + (f"[{item}]" if several else "")
        key, shortages = outcome.keys[result][item], outcome.shortages[result][item]
        provenance = texts(plan, signature, {address: key}, shortages)
        image, file = picture.pil(), BytesIO()
        image.save(file, "PNG")
        width, height = getattr(image, "size", (0, 0))
        asset = staged(setup.assets, job, with_texts(file.getvalue(), provenance), ".png")
        drawn.add(result)
        yield {
            "result": result,
            "item": item if several else None,
            "asset": asset,
            "width": width,
            "height": height,
        }
    for result, value in outcome.results.items():
        if result not in drawn:
            text = _text(value, min(left, _LONGEST))
            left = max(left - len(text), _SHORTEST)
            yield {"result": result, "text": text}


def _text(value: object, most: int) -> str:
    """A value as JSON; what JSON cannot spell, by kind and size."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = json.dumps(brief(value))
    return text if len(text) <= most else json.dumps(f"{len(text)} characters of JSON")


def _failed(
    problems: Iterable[Mapping[str, str]], ending: Mapping[str, Any] | None = None
) -> Message:
    return {"failed": {"problems": list(problems)[:100], **(ending or {})}}


def _problem(error: NodeError) -> dict[str, str]:
    return {"address": error.node, "message": message_of(error)}


def _culprit(reporter: Reporter) -> str:
    """The node that was at work, if it was just one."""
    names = {name for name, _ in reporter.running}
    return names.pop() if len(names) == 1 else ""


def _sentence(error: BaseException) -> str:
    if isinstance(error, Interrupted) and error.__cause__:  # a node raised it
        error = error.__cause__
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"the node asked the process to end (SystemExit: {error})"
    return f"{type(error).__name__}: {error}"[:_LONGEST]
