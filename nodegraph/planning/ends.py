"""Results of a workflow that names none: whatever its end nodes give that can be kept and shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..graph.ports import element, is_shown, ports
from ..graph.workflow import LONGEST_NAME, Workflow, split
from .check import Checker
from .types import Planned, Source

_SUFFIX = len("_1000000")
"""Letters for a number behind a name that is cut; no workflow has as many outputs."""


def end_results(
    workflow: Workflow, checker: Checker, calls: Sequence[Planned]
) -> Mapping[str, str]:
    """The addresses of what the end nodes give, by name: the node's, for its first output.

    End nodes are those whose outputs no other node takes. What only a run can hold (a model,
    latents) is no result, though its node runs.
    """
    used = {split(address)[0] for address in _addresses(workflow)}
    results: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for node in workflow.nodes:
        if node not in used:
            for place, output in enumerate(_shown(node, checker, calls)):
                name = _free(f"{node}_{output}" if place else node, results, numbers)
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


def _free(wanted: str, results: Mapping[str, str], numbers: Counter[str]) -> str:
    """The first of ``wanted``, ``wanted_2``, … that is not taken, no longer than names may be.

    Args:
        numbers: The last number behind each beginning: none is tried twice, however many of one
            node's outputs are alike when they are cut.
    """
    name, stem = wanted[:LONGEST_NAME], wanted[: LONGEST_NAME - _SUFFIX]
    while name in results:
        numbers[stem] += 1
        name = f"{stem}_{numbers[stem] + 1}"
    return name
