"""Run one job: a generator of messages that ends with how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from io import BytesIO
from itertools import chain
from typing import Any

from ..carriers.png import with_texts
from ..errors import NodeError, UserError, WorkflowError, brief
from ..events import Event, Outcome
from ..execution.execute import execute
from ..execution.provenance import texts
from ..execution.results import pictures
from ..graph.bundle import bundle
from ..graph.workflow import Workflow
from ..jobs.files import named
from ..planning.plan import Plan
from ..tasks.totals import totals
from .frames import Message
from .messages import Teller, Told, message_of
from .setup import Kit

_LONGEST = 65_536
"""Characters of a value that is kept as text."""


def run(
    order: Mapping[str, Any], kit: Kit, unwanted: Callable[[], bool]
) -> Generator[Told, None, Message]:
    """Run a job.

    Args:
        unwanted: Asked after each event whether to stop.

    Returns:
        ``{"done": {"results", "counts", "degraded"}}``, ``{"failed": {"problems", …}}`` with the
        same, or ``{"cancelled": {}}``.
    """
    try:
        chosen = _planned(order, kit)
    except WorkflowError as error:
        problems = [{"address": p.address, "message": p.message} for p in error.problems]
        return _failed(problems)
    teller = Teller(chosen, kit, totals(chosen, kit.settings.folders))
    try:
        events = execute(chosen, kit.cache, kit.settings.with_on_oom(order["on_oom"]))
        outcome = yield from _driven(events, teller, unwanted)
        yield from teller.rest()
        if outcome is None:
            return {"cancelled": {}}
        made = list(_made(outcome, chosen, kit))
    except GeneratorExit:
        raise
    except BaseException as error:  # SystemExit included: a node may raise what it likes
        yield from teller.rest()
        return _failed([{"address": _culprit(teller), "message": _said(error)}])
    words = list(dict.fromkeys(chain.from_iterable(outcome.degraded.values())))
    ending = {"results": made, "counts": teller.counts, "degraded": words}
    if outcome.failures:
        return _failed(map(_problem, outcome.failures), ending)
    return {"done": ending}


def _planned(order: Mapping[str, Any], kit: Kit) -> Plan:
    whole = bundle(Workflow.read(order["workflow"]), kit.registry)
    return kit.planner.plan(whole, kit.registry.knowing(whole), order["only"])


def _driven(
    run: Generator[Event, None, Outcome], teller: Teller, unwanted: Callable[[], bool]
) -> Generator[Told, None, Outcome | None]:
    """Tell what happens, to the end; None where it was stopped before."""
    with closing(run) as events:
        while not unwanted():
            try:
                event = next(events)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            yield from teller.tell(event)
    return None


def _made(outcome: Outcome, chosen: Plan, kit: Kit) -> Iterator[Mapping[str, Any]]:
    """Save every picture among the results, and write down every other value."""
    signature = kit.settings.signature()
    shown = set()
    for _, picture, result, item in pictures(outcome.results):
        several = isinstance(outcome.results[result], list)
        where = result + (f"[{item}]" if several else "")
        key, short = outcome.keys[result][item], outcome.shortages[result][item]
        said = texts(chosen, signature, {where: key}, short)
        drawn, file = picture.pil(), BytesIO()
        drawn.save(file, "PNG")
        width, height = getattr(drawn, "size", (0, 0))
        asset = named(kit.assets, with_texts(file.getvalue(), said), ".png")
        shown.add(result)
        yield {
            "result": result,
            "item": item if several else None,
            "asset": asset,
            "width": width,
            "height": height,
        }
    for result, value in outcome.results.items():
        if result not in shown:
            yield {"result": result, "text": _text(value)}


def _text(value: object) -> str:
    """A value as JSON; what JSON cannot spell, by kind and size."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = json.dumps(brief(value))
    return text if len(text) <= _LONGEST else json.dumps(f"{len(text)} characters of JSON")


def _failed(
    problems: Iterable[Mapping[str, str]], ending: Mapping[str, Any] | None = None
) -> Message:
    return {"failed": {"problems": list(problems)[:100], **(ending or {})}}


def _problem(error: NodeError) -> Mapping[str, str]:
    return {"address": error.node, "message": message_of(error)}


def _culprit(teller: Teller) -> str:
    """The node that was at work, if it was just one."""
    names = {name for name, _ in teller.running}
    return names.pop() if len(names) == 1 else ""


def _said(error: BaseException) -> str:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"the node asked the process to end (SystemExit: {error})"
    return f"{type(error).__name__}: {error}"[:_LONGEST]
