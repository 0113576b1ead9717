"""Differences of two workflows in words: values, nodes, links, models, versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..base.keys import canonical
from ..base.wording import spell_difference
from ..graph.registry import Registry
from ..graph.workflow import ModelLock, Workflow
from ..planning.types import Link, Source
from .match import Graph, pairs_of

Sort: TypeAlias = Literal[
    "param", "value", "link", "replaced", "removed", "added", "result", "model", "version",
    "memory", "key",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A workflow, with what a saved picture says about how it was made.

    Attributes:
        versions: Of all that the picture may depend on, by name.
        keys: Of the results that it shows, by name; only pictures have some.
        degraded: How nodes were made to fit into memory, by name.
    """

    workflow: Workflow
    versions: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    degraded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. ``before`` and ``after`` are words; what is not there is empty."""

    sort: Sort
    address: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.sort == "key":
            return f"{self.address}: made from other files ({self.before} → {self.after})"
        if self.sort == "memory":
            return f"{self.address}: memory was short ({self.before} → {self.after})"
        if not self.before:
            return f"{self.address}: added, {self.after}"
        if not self.after:
            return f"{self.address}: removed, {self.before}"
        return f"{self.address}: {self.before} → {self.after}"


def diff(before: Snapshot, after: Snapshot, registry: Registry) -> list[Difference]:
    """List what differs between two workflows, composites and templates expanded in both.

    Names of nodes, titles, labels and positions make no difference; nor does whether a value is a
    default, or whether a part lies in a template.

    Raises:
        WorkflowError: one of them is not sound.
    """
    both = _Both.of(Graph.of(before.workflow, registry), Graph.of(after.workflow, registry))
    differences = [
        *both.gone_and_new(),
        *both.inputs(),
        *both.params(),
        *both.results(),
        *_models(before.workflow.models, after.workflow.models),
        *_common("version", before.versions, after.versions),
        *_memory(before, after),
    ]
    # Keys differ after any other difference: alone they tell of files that the workflow names.
    return list(dict.fromkeys(differences)) or list(_common("key", before.keys, after.keys))


@dataclass(frozen=True, slots=True)
class _Both:
    """Two graphs, and which call of the new one is which of the old one (by their indices).

    Attributes:
        places: The same as ``pairs``, and those that took the place of another kind of that name.
    """

    old: Graph
    new: Graph
    pairs: Mapping[int, int]
    places: Mapping[int, int]

    @classmethod
    def of(cls, old: Graph, new: Graph) -> _Both:
        pairs = pairs_of(old, new)
        # Not pairs: their inputs are not compared. But a link to the old one and a link to the new
        # one lead to the same place.
        matched = set(pairs.values())
        left = {call.name: i for i, call in enumerate(new.calls) if i not in matched}
        replaced = {
            index: left[call.name]
            for index, call in enumerate(old.calls)
            if index not in pairs and call.name in left
        }
        return cls(old, new, pairs, {**pairs, **replaced})

    def gone_and_new(self) -> Iterator[Difference]:
        """The calls that only one of them has; a whole composite or template counts once."""
        gone = self.old.alone(self.pairs.keys())
        new = self.new.alone(self.pairs.values())
        for name, type in gone.items():
            if name in new:
                replacement = new[name] if new[name] != type else f"another {type}"
                yield Difference("replaced", name, type, replacement)
            else:
                yield Difference("removed", name, type, "")
        for name, type in new.items():
            if name not in gone:
                yield Difference("added", name, "", type)

    def inputs(self) -> Iterator[Difference]:
        """The values and links of the calls that both have."""
        # In the new workflow's order. Defaults count as values: checked calls have all of them.
        for before, after in sorted(self.pairs.items(), key=lambda pair: pair[1]):
            old, new = self.old.calls[before], self.new.calls[after]
            for input in {**new.values, **new.links}:
                place, param = self._param_or_address(before, after, input)
                if input in old.values and input in new.values:
                    for entry, was, now in _changed(old.values[input], new.values[input]):
                        yield Difference("param" if param else "value", place + entry, was, now)
                elif not self._same_link(old.links.get(input), new.links.get(input)):
                    words = (
                        self.old.describe_input(before, input),
                        self.new.describe_input(after, input),
                    )
                    if words[0] != words[1]:  # else what it is linked to has been told of
                        yield Difference("link", place, *words)

    def params(self) -> Iterator[Difference]:
        """The workflows' own inputs that set other addresses."""
        tops = {self.old.top(before): self.new.top(after) for before, after in self.pairs.items()}
        old, new = self.old.workflow.params, self.new.workflow.params
        for name in {**old, **new}:
            before = [f"{tops.get(n, n)}.{i}" for n, i in old[name].targets] if name in old else []
            after = [f"{n}.{i}" for n, i in new[name].targets] if name in new else []
            if sorted(before) != sorted(after):
                yield Difference("param", f"params.{name}", ", ".join(before), ", ".join(after))

    def results(self) -> Iterator[Difference]:
        """The results that come from other sources."""
        old, new = self.old.workflow.results, self.new.workflow.results
        for name in {**old, **new}:
            before, after = self.old.results.get(name), self.new.results.get(name)
            same = before and after and self._same_source(before, after)
            words = old.get(name, ""), new.get(name, "")
            if not same and words[0] != words[1]:
                yield Difference("result", f"results.{name}", *words)

    def _param_or_address(self, before: int, after: int, input: str) -> tuple[str, bool]:
        """The param that sets an input, else its address; and whether it is a param."""
        address = self.new.address(after, input)
        param = self.new.params.get(address) or self.old.params.get(self.old.address(before, input))
        return param or address, param is not None

    def _same_link(self, old: Link | None, new: Link | None) -> bool:
        if old is None or new is None or len(old.sources) != len(new.sources):
            return False
        both = zip(old.sources, new.sources, strict=True)
        return old.mode == new.mode and all(self._same_source(*sources) for sources in both)

    def _same_source(self, before: Source, after: Source) -> bool:
        # Equal content is one source as well: of two equal calls either may have been paired.
        return before.output == after.output and (
            self.places.get(before.call) == after.call
            or self.old.content[before.call] == self.new.content[after.call]
        )


def _changed(before: object, after: object) -> Iterator[tuple[str, str, str]]:
    """The differences of two values: whole ones, or entries of lists that are equally long."""
    if canonical(before) == canonical(after):
        return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            if canonical(old) != canonical(new):
                yield f"[{index}]", *spell_difference(old, new)
    else:
        yield "", *spell_difference(before, after)


def _models(
    before: Mapping[str, ModelLock], after: Mapping[str, ModelLock]
) -> Iterator[Difference]:
    none = ModelLock()
    for name in {**before, **after}:
        old, new = _pinned(before.get(name, none)), _pinned(after.get(name, none))
        if old != new:
            # Of a revision and a hash only what differs is told.
            both = {*old} & {*new}
            old, new = ([word for word in words if word not in both] for words in (old, new))
            yield Difference("model", f"models.{name}", ", ".join(old), ", ".join(new))


def _pinned(lock: ModelLock) -> list[str]:
    hashes = (("revision", lock.revision), ("sha256", lock.sha256))
    return [f"{word} {value[:12]}" for word, value in hashes if value]


def _memory(before: Snapshot, after: Snapshot) -> Iterator[Difference]:
    """The nodes that memory was short for in one of two pictures, or differently in both."""
    # Only of two pictures: a workflow that was not run has not met with any memory.
    if before.keys and after.keys:
        for name in {**before.degraded, **after.degraded}:
            old, new = (snapshot.degraded.get(name, "as asked") for snapshot in (before, after))
            if old != new:
                yield Difference("memory", name, old, new)


def _common(
    sort: Literal["version", "key"], before: Mapping[str, str], after: Mapping[str, str]
) -> Iterable[Difference]:
    """The names that both have with other texts; those of only one follow from its nodes."""
    width = 12 if sort == "key" else None
    return (
        Difference(sort, name, old[:width], new[:width])
        for name, old in before.items()
        if (new := after.get(name, old)) != old
    )
