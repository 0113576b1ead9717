"""Check a workflow against the nodes there are, and put its calls in running order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .checks import Checker
from .errors import Problem, WorkflowError, did_you_mean
from .foresight import facts, unequal
from .node import Composite, Node
from .order import needed, order, predecessors
from .planned import How as How
from .planned import Link as Link
from .planned import Plan as Plan
from .planned import Planned as Planned
from .planned import Source as Source
from .ports import inputs
from .registry import Kind, Registry
from .templates import expand
from .workflow import Workflow


def plan(workflow: Workflow, registry: Registry, only: Iterable[str] | None = None) -> Plan:
    """Check ``workflow`` and order what its results need, or just the results named in ``only``.

    Nothing is run, read or loaded.

    Raises:
        WorkflowError: it cannot run; all mistakes are named at once.
    """
    flat = expand(workflow, registry)
    checker = Checker(flat)
    calls = checker.calls()
    running, cycles = order(calls)
    problems = [*flat.problems, *checker.problems]
    problems += [_cycle([calls[index].name for index in cycle]) for cycle in cycles]
    problems += _param_problems(workflow, registry)
    found = {name: checker.find(address) for name, address in workflow.results.items()}
    problems += [
        Problem(f"results.{name}", why) for name, why in found.items() if isinstance(why, str)
    ]
    names = list(dict.fromkeys(only)) if only is not None else None
    problems += [
        Problem("only", did_you_mean(name, workflow.results))
        for name in names or ()
        if name not in workflow.results
    ]
    # What follows asks for links that lead somewhere.
    if problems:
        raise WorkflowError(_once(problems))
    errors, warnings = facts(calls, running, flat.problem)
    if errors := [*unequal(calls, running, flat.problem), *errors]:
        raise WorkflowError(_once(errors))

    sources = {name: source for name, source in found.items() if isinstance(source, Source)}
    results = {name: sources[name] for name in (sources if names is None else names)}
    wanted = _wanted(calls) if names is None else set[int]()
    if names is None and not results:
        wanted |= _sinks(calls)
    kept = needed(calls, running, {*wanted, *(source.call for source in results.values())})
    place = {index: at for at, index in enumerate(kept)}
    return Plan(
        workflow,
        tuple(_moved(calls, kept, place)),
        {name: Source(place[call], output) for name, (call, output) in results.items()},
        tuple(place[index] for index in kept if index in wanted),
        tuple(warnings),
    )


def _wanted(calls: Sequence[Planned]) -> set[int]:
    return {index for index, call in enumerate(calls) if not call.kind.pure}


def _sinks(calls: Sequence[Planned]) -> set[int]:
    """The calls that no other call is linked to."""
    used = {index for call in calls for index in predecessors(call)}
    return set(range(len(calls))) - used


def _moved(
    calls: Sequence[Planned], kept: Sequence[int], place: dict[int, int]
) -> Iterator[Planned]:
    """Yield the kept calls in order, their links renumbered."""
    if all(index == at for index, at in place.items()):
        yield from (calls[index] for index in kept)
        return
    for index in kept:
        call = calls[index]
        yield replace(
            call, links={input: _renumbered(link, place) for input, link in call.links.items()}
        )


def _renumbered(link: Link, place: dict[int, int]) -> Link:
    return Link(tuple(Source(place[call], output) for call, output in link.sources), link.how)


def _cycle(names: Sequence[str]) -> Problem:
    shown = [*names, names[0]]
    if len(shown) > 12:
        shown = [*shown[:6], f"… {len(shown) - 11} more …", *shown[-5:]]
    where = names[0].partition("/")[0]
    return Problem(where, f"depends on itself: {' -> '.join(shown)}")


def _param_problems(workflow: Workflow, registry: Registry) -> Iterator[Problem]:
    for name, param in workflow.params.items():
        for node, input in param.targets:
            call = workflow.nodes.get(node)
            kind = registry.get(call.type) if call is not None else None
            if call is None:
                yield Problem(f"params.{name}", did_you_mean(node, workflow.nodes))
            elif kind is not None and input not in (known := _inputs(kind)):
                yield Problem(f"params.{name}", f"{node} has {did_you_mean(input, known)}")
            elif input in call.links:
                yield Problem(
                    f"params.{name}", f"{node}.{input} is linked, so it has no value to set"
                )


def _inputs(kind: Kind) -> list[str]:
    """The inputs of ``kind``, those it had under another name included."""
    if isinstance(kind, type) and issubclass(kind, Node | Composite):
        return [*inputs(kind), *kind.renamed]
    return list(kind.workflow.params)


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """Drop what was said already: one outer input may be wrong for several inner ones."""
    return list(dict.fromkeys(problems))
