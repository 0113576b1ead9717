"""Check a workflow against the nodes there are, and put its calls in running order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..base.gc_pause import paused
from ..errors import Problem, Suggestions, WorkflowError, did_you_mean
from ..graph.expand import expand
from ..graph.inner_ports import settings
from ..graph.ports import inputs
from ..graph.registry import Kind, Registry
from ..graph.workflow import Workflow
from ..node import Composite, Node
from .check import Checker
from .facts import facts, unequal, unfit
from .order import needed, order
from .types import Drawn, Link, LinkMode, Plan, Planned, Source, linked

__all__ = ["Link", "LinkMode", "Plan", "Planned", "Source", "plan"]


@paused()
def plan(
    workflow: Workflow,
    registry: Registry,
    only: Iterable[str] | None = None,
    before: Plan | None = None,
) -> Plan:
    """Check ``workflow`` and order what its results need, or just the results named in ``only``.

    Nothing is run, read or loaded.

    Args:
        before: The plan of a workflow that this one was edited from. Calls that are the same still
            are the same objects, and are not checked again.

    Raises:
        WorkflowError: it cannot run; all mistakes are named at once.
    """
    registry = registry.knowing(workflow)
    flat = expand(workflow, registry)
    checker = Checker(flat, before.drawn if before else None)
    calls = checker.calls()
    running, cycles = order(calls)
    found = {name: checker.find(address) for name, address in workflow.results.items()}
    names = None if only is None else list(dict.fromkeys(only))
    _raise(
        *flat.problems,
        *checker.problems,
        *(_cycle([calls[index].name for index in cycle]) for cycle in cycles),
        *_param_problems(workflow, registry),
        *(Problem(f"results.{name}", why) for name, why in found.items() if isinstance(why, str)),
        *_unknown(names or (), workflow.results),
    )
    # What follows asks for links that lead somewhere.
    errors, warnings = facts(calls, running, flat.problem)
    lists = *unequal(calls, running, flat.problem), *unfit(calls, flat.problem)
    _raise(*lists, *errors)
    sources = {name: source for name, source in found.items() if isinstance(source, Source)}
    results = sources if names is None else {name: sources[name] for name in names}
    wanted = _wanted(calls, bool(results)) if names is None else set()
    params = settings(workflow, registry)
    whole = Plan(workflow, tuple(calls), results, (), tuple(warnings), params)
    kept = needed(calls, running, {*wanted, *(source.call for source in results.values())})
    drawn = Drawn({call.name: call for call in calls}, flat.aliases, tuple(kept))
    return _pruned(whole, wanted, drawn, before)


def _raise(*problems: Problem) -> None:
    if problems:
        # One outer input may be wrong for several inner ones: it is told once.
        raise WorkflowError(list(dict.fromkeys(problems)))


def _unknown(names: Iterable[str], results: Iterable[str]) -> Iterator[Problem]:
    return (Problem("only", did_you_mean(name, results)) for name in names if name not in results)


def _wanted(calls: Sequence[Planned], results: bool) -> set[int]:
    """The calls to run for their own sake."""
    impure = {index for index, call in enumerate(calls) if not call.kind.pure}
    if results:
        return impure
    used = {index for call in calls for index in call.before}
    return impure | (set(range(len(calls))) - used)


def _pruned(whole: Plan, wanted: set[int], drawn: Drawn, before: Plan | None) -> Plan:
    """Put the calls in order, and leave out what no result and no wanted call needs."""
    place = {index: at for at, index in enumerate(drawn.order)}
    return replace(
        whole,
        calls=_moved(whole.calls, place, drawn, before),
        results={name: Source(place[at], output) for name, (at, output) in whole.results.items()},
        goals=tuple(place[index] for index in drawn.order if index in wanted),
        drawn=drawn,
    )


def _moved(
    calls: Sequence[Planned], place: Mapping[int, int], drawn: Drawn, before: Plan | None
) -> tuple[Planned, ...]:
    """List the kept calls in order, their links renumbered; those that ``before`` has, from it."""
    if all(index == at for index, at in place.items()):
        return tuple(calls[: len(place)])
    known: dict[int, Planned] = {}
    if before is not None and before.drawn.order == drawn.order:
        old = [*before.drawn.calls.values()]
        known = {i: before.calls[at] for i, at in place.items() if old[i] is calls[i]}
    return tuple(known.get(index) or _renumbered(calls[index], place) for index in drawn.order)


def _renumbered(call: Planned, place: Mapping[int, int]) -> Planned:
    links = {
        input: Link(
            tuple(Source(place[index], output) for index, output in link.sources), link.mode
        )
        for input, link in call.links.items()
    }
    return call._replace(links=links, before=linked(links))


def _cycle(names: Sequence[str]) -> Problem:
    shown = [*names, names[0]]
    if len(shown) > 12:
        shown = [*shown[:6], f"… {len(shown) - 11} more …", *shown[-5:]]
    where = names[0].partition("/")[0]
    return Problem(where, f"depends on itself: {' -> '.join(shown)}")


def _param_problems(workflow: Workflow, registry: Registry) -> Iterator[Problem]:
    suggestions = Suggestions()
    for name, param in workflow.params.items():
        for node, input in param.targets:
            call = workflow.nodes.get(node)
            kind = registry.get(call.type) if call is not None else None
            if call is None:
                yield Problem(f"params.{name}", suggestions(node, workflow.nodes))
            elif kind is not None and input not in (known := _inputs(kind)):
                yield Problem(f"params.{name}", f"{node} has {suggestions(input, known)}")
            elif input in call.links:
                yield Problem(
                    f"params.{name}", f"{node}.{input} is linked, so it has no value to set"
                )


def _inputs(kind: Kind) -> list[str]:
    """The inputs of ``kind``, those it had under another name included."""
    if isinstance(kind, type) and issubclass(kind, Node | Composite):
        return [*inputs(kind), *kind.renamed]
    return list(kind.workflow.params)
