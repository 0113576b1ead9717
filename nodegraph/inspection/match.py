"""Calls of two graphs matched: by equal content, by name and kind, by inputs in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..base.keys import Key, canonical, digest, kind_id
from ..base.wording import spell_difference
from ..graph.expand import Flat, expand
from ..graph.registry import Registry
from ..graph.workflow import Workflow
from ..planning.check import Checker
from ..planning.order import sort_calls
from ..planning.plan import plan
from ..planning.types import Planned, Source


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow with its composites and templates expanded, and every call checked.

    Attributes:
        running: The calls in an order in which every call follows those it is linked to.
        content: What each call makes, whatever it is called: the hash of all it depends on.
        params: By the address of an input, the param that sets it.
    """

    workflow: Workflow
    flat: Flat
    calls: Sequence[Planned]
    running: Sequence[int]
    content: Mapping[int, Key]
    params: Mapping[str, str]
    results: Mapping[str, Source]

    @classmethod
    def of(cls, workflow: Workflow, registry: Registry) -> Graph:
        """Expand and check ``workflow``.

        Raises:
            WorkflowError: it is not sound.
        """
        plan(workflow, registry)  # leaves out what no result needs; here everything counts
        flat = expand(workflow, registry)
        checker = Checker(flat)
        calls = checker.calls()
        running, _ = sort_calls(calls)
        # From its kind, constants and the content of its sources: a Merkle hash, so that equal
        # contents mean equal sub-graphs, whatever their calls are named.
        content: dict[int, Key] = {}
        for index in running:
            content[index] = _content(calls[index], content)
        params = {
            f"{node}.{input}": name
            for name, param in workflow.params.items()
            for node, input in param.targets
        }
        lookups = {name: checker.find(address) for name, address in workflow.results.items()}
        results = {name: source for name, source in lookups.items() if isinstance(source, Source)}
        return cls(workflow, flat, calls, running, content, params, results)

    def top(self, call: int) -> str:
        """The call of the workflow itself that an inner one belongs to."""
        return self.calls[call].name.partition("/")[0]

    def address(self, call: int, input: str) -> str:
        """An input as its author knows it: ``sample.steps`` for ``sample/denoise.steps``."""
        name = self.calls[call].name
        origin = self.flat.origins.get(name)
        return (origin.inputs.get(input) if origin else None) or f"{name}.{input}"

    def describe_input(self, call: int, input: str) -> str:
        """The value or the sources of an input, in words."""
        planned = self.calls[call]
        if input not in planned.links:
            value = planned.values[input]
            return spell_difference(value, value)[0]
        sources = [
            self.flat.outer_address(f"{self.calls[source.call].name}.{source.output}")
            for source in planned.links[input].sources
        ]
        link = planned.links[input]
        return f"[{', '.join(sources)}]" if link.mode in ("gather", "concat") else sources[0]

    def alone(self, paired: Collection[int]) -> dict[str, str]:
        """The calls that are not among ``paired``, with their types, in the author's order.

        A composite or template of which nothing is paired stands for all that is in it.
        """
        matched = set(paired)
        whole = {self.top(index) for index in range(len(self.calls))}
        whole -= {self.top(index) for index in matched}
        types = {}
        for index, call in enumerate(self.calls):
            if index not in matched:
                top = self.top(index)
                if top in whole:
                    types[top] = self.workflow.nodes[top].type
                else:
                    types[call.name] = call.kind.__name__
        return types


def _content(call: Planned, contents: Mapping[int, Key]) -> Key:
    links = [
        digest(
            input.encode(),
            link.mode.encode(),
            *(digest(contents[source.call], source.output.encode()) for source in link.sources),
        )
        for input, link in sorted(call.links.items())
    ]
    return digest(kind_id(call.kind).encode(), canonical(dict(call.values)), *links)


Mark: TypeAlias = Callable[[Graph, int], Hashable]


def _by_content(graph: Graph, call: int) -> Hashable:
    return graph.content[call]


def _by_content_and_name(graph: Graph, call: int) -> Hashable:
    return graph.content[call], graph.calls[call].name


def _by_kind_and_name(graph: Graph, call: int) -> Hashable:
    return graph.calls[call].kind, graph.calls[call].name


def pairs_of(old: Graph, new: Graph) -> dict[int, int]:
    """Match the calls of two graphs, each with one at most.

    Where both make the very same, names do not count. Else a call is the one of the same name and
    kind, or one that makes the same, or the one of its kind that is most like it.
    """
    # If both make the very same, only names changed, and a call that swapped names with another is
    # still the one with its content. Else names say more: an edited call keeps its name, and all
    # that follow it have other contents.
    same = Counter(old.content.values()) == Counter(new.content.values())
    marks = (
        [_by_content_and_name, _by_content]
        if same
        else [_by_content_and_name, _by_kind_and_name, _by_content]
    )
    pairs: dict[int, int] = {}
    for mark in marks:
        _match(old, new, mark, pairs)
    _match_likest(old, new, pairs)
    return pairs


def _match(old: Graph, new: Graph, mark: Mark, pairs: dict[int, int]) -> None:
    """Pair what is left of both and bears the same mark, in running order."""
    matched = set(pairs.values())
    left: dict[Hashable, list[int]] = defaultdict(list)
    # Reversed, as candidates are taken from the end: the first in running order goes first.
    for index in reversed(new.running):
        if index not in matched:
            left[mark(new, index)].append(index)
    for index in old.running:
        if index not in pairs and (candidates := left.get(mark(old, index))):
            pairs[index] = candidates.pop()


def _match_likest(old: Graph, new: Graph, pairs: dict[int, int]) -> None:
    """Pair calls of one kind that have at least half of their inputs in common.

    What another type has taken the place of is left alone.
    """
    matched = set(pairs.values())
    left: dict[type, list[int]] = defaultdict(list)
    before, after = old.workflow.nodes, new.workflow.nodes
    replaced = {name for name in before if name in after and before[name].type != after[name].type}
    for index in new.running:
        if index not in matched and new.top(index) not in replaced:
            left[new.calls[index].kind].append(index)
    # In running order, so that sources are paired before the links to them are compared. Greedy:
    # the best candidate of each call, which is quadratic only within one kind.
    for index in old.running:
        free = index not in pairs and old.top(index) not in replaced
        candidates = left.get(old.calls[index].kind) if free else None
        if candidates:
            shares = {
                candidate: _share(old, index, new, candidate, pairs) for candidate in candidates
            }
            best = max(candidates, key=shares.__getitem__)
            if shares[best] >= 0.5:
                candidates.remove(best)
                pairs[index] = best


def _share(old: Graph, old_call: int, new: Graph, new_call: int, pairs: Mapping[int, int]) -> float:
    """The share of their inputs that two calls of one kind have in common."""
    before, after = old.calls[old_call], new.calls[new_call]
    names = {**before.values, **before.links}
    same = 0
    for name in names:
        if name in before.values and name in after.values:
            same += canonical(before.values[name]) == canonical(after.values[name])
        elif name in before.links and name in after.links:
            sources = [
                Source(pairs.get(source.call, -1), source.output)
                for source in before.links[name].sources
            ]
            same += sources == list(after.links[name].sources)
    return same / len(names) if names else 1.0
