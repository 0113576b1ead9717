"""Calls of a flat workflow checked one by one: type, inputs, values, links; mistakes collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from ..base.budget import Budget
from ..base.characters import broken_text, excerpt
from ..base.keys import canonical, canonical_entries, digest, kind_id, spell_entry
from ..base.packages import installed
from ..errors import Problem, way_of
from ..graph.expand import Flat
from ..graph.ports import Ports, accepts, convert, element, ports, type_name
from ..graph.workflow import Call, split
from ..node import Node
from .types import Link, LinkMode, Planned, Source, Unpruned, upstream_of


class _Output(NamedTuple):
    source: Source
    annotation: Any


_Lookup: TypeAlias = _Output | str | None


class Checker:
    """Turns the calls of a flat workflow into planned ones; every mistake goes to ``problems``.

    Sources are numbered in the author's order.

    Args:
        earlier: Calls that were planned before; those that are the same still are taken over.
        budget: What may be spent on it.
    """

    def __init__(
        self, flat: Flat, earlier: Unpruned | None = None, budget: Budget | None = None
    ) -> None:
        self.flat, self._budget = flat, budget or Budget()
        self._earlier: Mapping[str, Planned] = earlier.calls if earlier else {}
        # If some address leads elsewhere than before, links are read again even of equal calls:
        # sources are numbers, and the same number may be another call now.
        self._moved = earlier is None or not _same_places(flat, earlier)
        self.problems: list[Problem] = []
        self.index = {name: index for index, name in enumerate(flat.calls)}
        self._outputs: dict[str, _Lookup] = {}
        # By the id of the annotation: quick for any, hashable or not; its class keeps it alive.
        self._misfits: dict[tuple[type[Node], str, int], str | None] = {}
        self._signatures: dict[type[Node], bytes] = {}

    def calls(self) -> list[Planned]:
        """Check every call, in the author's order."""
        kinds = self.flat.kinds
        return [self._planned(name, call, kinds[name]) for name, call in self.flat.calls.items()]

    def find(self, address: str) -> Source | str | None:
        """The output at ``address``; a text says why there is none, None that this was reported."""
        output = self._output(address)
        return output.source if isinstance(output, _Output) else output

    def _planned(self, name: str, call: Call, kind: type[Node]) -> Planned:
        spelling = _spell_call(call)
        # One value given to a thousand inputs is spelled a thousand times.
        self._budget.letters(len(spelling or b""), name.partition("/")[0])
        planned = self._earlier.get(name)
        if (
            planned is None
            or planned.kind is not kind
            or planned.spelling != spelling
            or spelling is None
        ):
            return self._call(name, call, kind, spelling)
        if not self._moved:
            return planned
        links = self._links(name, call.links, kind)
        return (
            planned
            if links == planned.links
            else planned._replace(links=links, upstream=upstream_of(links))
        )

    def _call(self, name: str, call: Call, kind: type[Node], spelling: bytes | None) -> Planned:
        # In this order each mistake is reported once: an unknown input is dropped before its value
        # could be judged, and one with both a value and a link is judged by its link.
        declared = ports(kind)
        constants, wired = call.values, call.links
        # One comparison of sets for the many calls that have no mistake.
        if not (constants.keys() <= declared.inputs.keys() >= wired.keys()):
            for unknown in [n for n in (*constants, *wired) if n not in declared.inputs]:
                self._report(name, unknown, self.flat.suggestions(unknown, declared.inputs))
            constants = {n: value for n, value in constants.items() if n in declared.inputs}
            wired = {n: link for n, link in wired.items() if n in declared.inputs}
        for missing in declared.required:
            if missing not in constants and missing not in wired:
                self._report(name, missing, "needs a value or a link")
        if constants and wired and (both := constants.keys() & wired.keys()):
            for twice in sorted(both):
                self._report(name, twice, "has both a value and a link")
            constants = {n: value for n, value in constants.items() if n not in both}
        # Defaults first, links last: what is left has a value for every input without a link.
        values, mapped = dict(declared.defaults), tuple[str, ...]()
        for input, make in declared.factories.items():
            values[input] = make()
        if constants:
            converted, mapped, mistakes = convert(kind, constants)
            for place, message in mistakes:
                self._report(name, place, message)
            values.update(converted)
        # Spelled, every half of a character is an escape: without one, no value is looked through.
        if spelling is None or b"\\ud" in spelling:
            self._refuse_halves(name, constants)
        links = self._links(name, wired, kind) if wired else {}
        for input in links:
            values.pop(input, None)
        expands = tuple(n for n in declared.expands if n in values) if declared.expands else ()
        static, shared = self._static(name, kind, values, {*mapped, *expands}, links)
        upstream = upstream_of(links)
        return Planned(
            name, spelling, kind, values, links, mapped, expands, static, upstream, shared
        )

    def _refuse_halves(self, name: str, constants: Mapping[str, object]) -> None:
        for input, value in constants.items():
            if (broken := broken_text(value)) is not None:
                message = f"has half of a character (a lone surrogate) in {excerpt(broken)}"
                self._report(name, input, message)

    def _static(
        self,
        name: str,
        kind: type[Node],
        values: Mapping[str, object],
        several: AbstractSet[str],
        links: Iterable[str],
    ) -> tuple[bytes, tuple[str, ...]]:
        signature = self._signatures.get(kind)
        if signature is None:
            versions = [f"{package} {installed(package)}" for package in kind.packages]
            own = kind_id(kind), str(kind.version), *versions
            signature = self._signatures[kind] = digest(*map(str.encode, own))
        # The names of linked inputs, in the order of the links; what they hold only a run knows.
        head = digest(signature, *map(str.encode, links))
        try:
            # Values that are several differ from item to item: each task spells its own. One that
            # is no list is spelled by the only task, as it may have been looked up as a folder.
            shared = [spell_entry(n, v) for n, v in values.items() if n not in several]
        except TypeError as error:
            self._report(name, "", str(error))
            return b"", ()
        return (head, tuple(shared)) if several else (with_values(head, shared), ())

    def _links(
        self, name: str, wired: Mapping[str, str | list[str]], kind: type[Node]
    ) -> dict[str, Link]:
        declared = ports(kind)
        links = {
            input: self._link(name, input, link, kind, declared) for input, link in wired.items()
        }
        # In an order of their own: how a document lists them is no part of a key.
        return dict(sorted(links.items())) if len(links) > 1 else links

    def _link(
        self, name: str, input: str, link: str | list[str], kind: type[Node], declared: Ports
    ) -> Link:
        many = input in declared.lists
        if isinstance(link, str):
            mode: LinkMode = "whole" if many else "map"
            source = self._source(name, input, link, kind)
            return Link((source,) if source else (), mode)
        if not link:
            self._report(name, input, "is an empty array of links")
        sources = [self._source(name, input, address, kind) for address in link]
        return Link(tuple(filter(None, sources)), "gather" if many else "concat")

    def _source(self, name: str, input: str, address: str, kind: type[Node]) -> Source | None:
        output = self._outputs.get(address) or self._output(address)
        if isinstance(output, str):
            self._report(name, input, output)
        if not isinstance(output, _Output):
            return None
        pair = (kind, input, id(output.annotation))
        misfit = self._misfits.get(pair, "")  # empty: not judged yet; None: it fits
        if misfit == "":
            target = ports(kind).inputs[input].annotation
            misfit = self._misfits[pair] = _misfit(target, output.annotation)
        if misfit is not None:
            source = self.flat.outer_address(address)
            message = f"takes {misfit}, but {source} is {type_name(output.annotation)}"
            self._report(name, input, message)
        return output.source

    def _output(self, address: str) -> _Lookup:
        if address not in self._outputs:
            self._follow(address)
        return self._outputs[address]

    def _follow(self, address: str) -> None:
        """Look up an address, and with it all that lie on the way."""
        # An output of a composite leads to an inner one, which may be another composite's. Where
        # one was looked up before, its way is not gone again.
        way: dict[str, None] = {}
        while address in self.flat.aliases and address not in self._outputs:
            if address in way:
                found: _Lookup = f"depends on itself: {way_of([*way, address])}"
                break
            way[address] = None
            address = self.flat.aliases[address]
        else:
            known = address in self._outputs
            found = self._outputs[address] if known else self._look_up(address)
        self._outputs.update(dict.fromkeys([*way, address], found))
        self._budget.steps(len(way))

    def _look_up(self, address: str) -> _Lookup:
        flat = self.flat
        name, output = split(address)
        if (index := self.index.get(name)) is not None:
            outputs = ports(flat.kinds[name]).outputs
            if output in outputs:
                return _Output(Source(index, output), outputs[output].annotation)
            return f"{name} has {flat.suggestions(output, outputs)}"
        if name in flat.broken:  # its own problem is reported; what hangs on it is not its author's
            return None
        if name in flat.expanded:
            return f"{name} has {flat.suggestions(output, flat.expanded[name])}"
        return self._nowhere(name)

    def _nowhere(self, name: str) -> str:
        """The sentence that there is no such call, and which was probably meant."""
        flat = self.flat
        prefix = name.rpartition("/")[0]
        near = (
            n
            for n in chain(self.index, flat.expanded, flat.broken)
            if n.rpartition("/")[0] == prefix
        )
        return flat.suggestions(name, near)

    def _report(self, name: str, input: str, message: str) -> None:
        self.problems.append(self.flat.problem(name, input, message))


def with_values(head: bytes, entries: Iterable[str]) -> bytes:
    """The static part of a key: a call's head, and its values as ``spell_entry`` has them."""
    return digest(head, canonical_entries(entries))


def _spell_call(call: Call) -> bytes | None:
    """Spell a call's values and links so that no two calls agree; the order of links counts."""
    try:
        return canonical((call.values, [*call.links.items()]))
    except (TypeError, RecursionError):  # the defaults of a composite may be anything
        return None


def _same_places(flat: Flat, earlier: Unpruned) -> bool:
    """Whether every address leads where it led."""
    return (
        flat.aliases == earlier.aliases
        and [*flat.calls] == [*earlier.calls]
        and [*flat.kinds.values()] == [call.kind for call in earlier.calls.values()]
    )


def _misfit(target: Any, source: Any) -> str | None:
    """The type that the input takes, where an output declared ``source`` does not fit."""
    return None if accepts(element(target), element(source)) else type_name(element(target))
