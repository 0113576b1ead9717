"""Planning: a workflow expanded, checked for all mistakes at once, its calls in running order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from ..base.budget import Budget
from ..base.gc_pause import pause_gc
from ..errors import Problem, Suggestions, WorkflowError, way_of
from ..graph.expand import expand
from ..graph.inner_ports import param_values
from ..graph.ports import inputs
from ..graph.registry import Kind, Registry
from ..graph.workflow import Workflow
from ..node import Composite, Folders, Node
from .check import Checker
from .ends import end_results
from .facts import find_doubts, find_unequal_lists, find_unfit_entries, follow_facts
from .order import needed_calls, sort_calls
from .types import Link, Plan, Planned, Source, Unpruned, upstream_of

MOST_WARNINGS = 1000
"""Doubts that are told of one workflow."""


@pause_gc()
def plan(  # noqa: PLR0913 (each by its name)
    workflow: Workflow,
    registry: Registry,
    only: Iterable[str] | None = None,
    before: Plan | None = None,
    folders: Folders | None = None,
    *,
    budget: Budget | None = None,
) -> Plan:
    """Check ``workflow`` and order what its results need, or just the results named in ``only``.

    Where it names no results, they are what its end nodes give. Nothing is run, fetched or loaded,
    and nothing read unless ``folders`` are given.

    Args:
        before: The plan of a workflow that this one was edited from. Calls that are the same still
            are the same objects, and are not checked again.
        folders: Where the headers of files that constants name may be looked at, for warnings.
        budget: What may be spent on it; a server gives everybody the same.

    Raises:
        WorkflowError: it cannot run; all mistakes are named at once. Or it is too much to plan.
    """
    registry = registry.with_templates_of(workflow)
    budget = budget or Budget()
    flat = expand(workflow, registry, budget)
    checker = Checker(flat, before.unpruned if before else None, budget)
    calls = checker.calls()
    running_order, cycles = sort_calls(calls)
    ends = {} if workflow.results else end_results(workflow, checker, calls)
    results = workflow.results or ends
    targets = {name: checker.find(address) for name, address in results.items()}
    names = None if only is None else list(dict.fromkeys(only))
    _raise(
        *flat.problems,
        *checker.problems,
        *(_circle_problem([calls[index].name for index in cycle]) for cycle in cycles),
        *_param_problems(workflow, registry, flat.suggestions),
        *_result_problems(targets),
        *_unknown(names or (), results, flat.suggestions),
    )
    # What follows asks for links that lead somewhere, in an order without circles.
    errors, warnings = follow_facts(calls, running_order, flat.problem, budget, folders)
    lists = (
        *find_unequal_lists(calls, running_order, flat.problem, budget),
        *find_unfit_entries(calls, flat.problem, budget),
    )
    _raise(*lists, *errors)
    warnings += islice(find_doubts(calls, flat.problem, budget), MOST_WARNINGS)
    sources = {name: source for name, source in targets.items() if isinstance(source, Source)}
    chosen = sources if names is None else {name: sources[name] for name in names}
    goals = _find_goals(calls, bool(workflow.results)) if names is None else set()
    # Until here calls are numbered in the author's order, which survives edits elsewhere; the plan
    # numbers them in running order, without those that nothing needs.
    params = param_values(workflow, registry, budget)
    distinct = tuple(dict.fromkeys(warnings))
    whole = Plan(workflow, tuple(calls), chosen, (), distinct, params, ends)
    order = needed_calls(
        calls, running_order, {*goals, *(source.call for source in chosen.values())}
    )
    unpruned = Unpruned({call.name: call for call in calls}, flat.aliases, tuple(order))
    return _prune(whole, goals, unpruned, before)


def _raise(*problems: Problem) -> None:
    if problems:
        # One outer input may be wrong for several inner ones: it is told once.
        raise WorkflowError(list(dict.fromkeys(problems)))


def _unknown(
    names: Iterable[str], results: Mapping[str, str], suggestions: Suggestions
) -> Iterator[Problem]:
    return (Problem("only", suggestions(name, results)) for name in names if name not in results)


def _result_problems(targets: Mapping[str, Source | str | None]) -> Iterator[Problem]:
    for name, target in targets.items():
        if isinstance(target, str):
            yield Problem(f"results.{name}", target)


def _find_goals(calls: Sequence[Planned], results: bool) -> set[int]:
    """The calls to run for their own sake."""
    impure = {index for index, call in enumerate(calls) if not call.kind.pure}
    if results:
        return impure
    used = {index for call in calls for index in call.upstream}
    return impure | (set(range(len(calls))) - used)


def _prune(whole: Plan, goals: set[int], unpruned: Unpruned, before: Plan | None) -> Plan:
    """Put the calls in order, and leave out what no result and no goal needs."""
    place = {index: at for at, index in enumerate(unpruned.order)}
    return replace(
        whole,
        calls=_reorder(whole.calls, place, unpruned, before),
        results={name: Source(place[at], output) for name, (at, output) in whole.results.items()},
        goals=tuple(place[index] for index in unpruned.order if index in goals),
        unpruned=unpruned,
    )


def _reorder(
    calls: Sequence[Planned], place: Mapping[int, int], unpruned: Unpruned, before: Plan | None
) -> tuple[Planned, ...]:
    """List the needed calls in order, their links renumbered; unchanged ones from ``before``."""
    # The author's order is the running order and nothing is left out but the end: numbers stay.
    if all(index == at for index, at in place.items()):
        return tuple(calls[: len(place)])
    # A renumbered call of the earlier plan is right again if the checker took over the call it was
    # made of (the same object: same values, same links) and the order is the same, so that every
    # number in its links means what it meant.
    reused: dict[int, Planned] = {}
    if before is not None and before.unpruned.order == unpruned.order:
        old = [*before.unpruned.calls.values()]
        reused = {i: before.calls[at] for i, at in place.items() if old[i] is calls[i]}
    return tuple(reused.get(index) or _renumber(calls[index], place) for index in unpruned.order)


def _renumber(call: Planned, place: Mapping[int, int]) -> Planned:
    links = {
        input: Link(
            tuple(Source(place[index], output) for index, output in link.sources), link.mode
        )
        for input, link in call.links.items()
    }
    return call._replace(links=links, upstream=upstream_of(links))


def _circle_problem(names: Sequence[str]) -> Problem:
    address = names[0].partition("/")[0]
    return Problem(address, f"depends on itself: {way_of([*names, names[0]])}")


def _param_problems(
    workflow: Workflow, registry: Registry, suggestions: Suggestions
) -> Iterator[Problem]:
    named: dict[int, dict[str, None]] = {}  # by the id of a kind, as templates cannot be hashed
    for name, param in workflow.params.items():
        for node, input in param.targets:
            call = workflow.nodes.get(node)
            kind = registry.get(call.type) if call is not None else None
            if call is None:
                yield Problem(f"params.{name}", suggestions(node, workflow.nodes))
            elif kind is not None and input not in (names := _inputs(kind, named)):
                yield Problem(f"params.{name}", f"{node} has {suggestions(input, names)}")
            elif input in call.links:
                yield Problem(
                    f"params.{name}", f"{node}.{input} is linked, so it has no value to set"
                )


def _inputs(kind: Kind, named: dict[int, dict[str, None]]) -> Mapping[str, None]:
    """The inputs of ``kind``, those it had under another name included."""
    if id(kind) not in named:
        own = (
            [*inputs(kind), *kind.renamed]
            if isinstance(kind, type) and issubclass(kind, Node | Composite)
            else kind.workflow.params
        )
        named[id(kind)] = dict.fromkeys(own)
    return named[id(kind)]
