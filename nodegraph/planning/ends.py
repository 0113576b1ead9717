"""Results of a workflow that names none: whatever its end nodes give that can be kept and shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..graph.ports import element, is_shown, ports
from ..graph.workflow import Workflow, split
from .check import Checker
from .types import Planned, Source


def end_results(
    workflow: Workflow, checker: Checker, calls: Sequence[Planned]
) -> Mapping[str, str]:
    """The addresses of what the end nodes give, by name: the node's, for its first output.

    End nodes are those whose outputs no other node takes. What only a run can hold (a model,
    latents) is no result, though its node runs.
    """
    used = {split(address)[0] for address in _addresses(workflow)}
    results: dict[str, str] = {}
    for node in workflow.nodes:
        if node not in used:
            for place, output in enumerate(_shown(node, checker, calls)):
                name = _free(f"{node}_{output}" if place else node, results)
                results[name] = f"{node}.{output}"
    return results


def _addresses(workflow: Workflow) -> Iterator[str]:
    for call in workflow.nodes.values():
        for link in call.links.values():
            yield from (link,) if isinstance(link, str) else link


def _shown(node: str, checker: Checker, calls: Sequence[Planned]) -> Iterator[str]:
    for output in _outputs(node, checker):
        source = checker.find(f"{node}.{output}")
        if isinstance(source, Source) and is_shown(_annotation(source, calls)):
            yield output


def _outputs(node: str, checker: Checker) -> Sequence[str]:
    flat = checker.flat
    if node in checker.index:
        return list(ports(flat.kinds[node]).outputs)
    return list(flat.expanded.get(node, ()))


def _annotation(source: Source, calls: Sequence[Planned]) -> Any:
    return element(ports(calls[source.call].kind).outputs[source.output].annotation)


def _free(wanted: str, results: Mapping[str, str]) -> str:
    """The first of ``wanted``, ``wanted_2``, … that is not taken."""
    name, number = wanted, 2
    while name in results:
        name, number = f"{wanted}_{number}", number + 1
    return name
