"""Check each call of a flat workflow on its own: its type, inputs, values and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from ..base.keys import canonical, digest, kind_id
from ..errors import Problem
from ..graph.expand import Flat
from ..graph.ports import Ports, accepts, convert, element, ports, type_name
from ..graph.workflow import Call, split
from ..node import Node
from .types import Drawn, Link, LinkMode, Planned, Source, linked


class _Output(NamedTuple):
    source: Source
    annotation: Any


_Found: TypeAlias = _Output | str | None


class Checker:
    """Turns the calls of a flat workflow into planned ones; every mistake goes to ``problems``.

    Sources are numbered in the author's order.

    Args:
        known: What was planned before; calls that are the same still are taken from it.
    """

    def __init__(self, flat: Flat, known: Drawn | None = None) -> None:
        self.flat = flat
        self._known: Mapping[str, Planned] = known.calls if known else {}
        self._moved = known is None or not _same_places(flat, known)
        self.problems: list[Problem] = []
        self.index = {name: index for index, name in enumerate(flat.calls)}
        self._found: dict[str, _Found] = {}
        self._misfits: dict[tuple[type[Node], str, int], str | None] = {}
        self._signatures: dict[type[Node], bytes] = {}

    def calls(self) -> list[Planned]:
        """Check every call, in the author's order."""
        kinds = self.flat.kinds
        return [self._planned(name, call, kinds[name]) for name, call in self.flat.calls.items()]

    def find(self, address: str) -> Source | str | None:
        """The output at ``address``; a text says why there is none, None that it was said."""
        found = self._output(address)
        return found.source if isinstance(found, _Output) else found

    def _planned(self, name: str, call: Call, kind: type[Node]) -> Planned:
        given = _spelled(call)
        known = self._known.get(name)
        if known is None or known.kind is not kind or known.spelling != given or given is None:
            return self._call(name, call, kind, given)
        if not self._moved:
            return known
        links = self._links(name, call.links, kind)
        return known if links == known.links else known._replace(links=links, before=linked(links))

    def _call(self, name: str, call: Call, kind: type[Node], spelled: bytes | None) -> Planned:
        known = ports(kind)
        given, wired = call.values, call.links
        if not (given.keys() <= known.inputs.keys() >= wired.keys()):
            for unknown in [n for n in (*given, *wired) if n not in known.inputs]:
                self._report(name, unknown, self.flat.suggestions(unknown, known.inputs))
            given = {n: value for n, value in given.items() if n in known.inputs}
            wired = {n: link for n, link in wired.items() if n in known.inputs}
        for missing in known.required:
            if missing not in given and missing not in wired:
                self._report(name, missing, "needs a value or a link")
        if given and wired and (both := given.keys() & wired.keys()):
            for twice in sorted(both):
                self._report(name, twice, "has both a value and a link")
            given = {n: value for n, value in given.items() if n not in both}
        values, mapped = dict(known.defaults), tuple[str, ...]()
        for input, make in known.factories.items():
            values[input] = make()
        if given:
            converted, mapped, mistakes = convert(kind, given)
            for where, what in mistakes:
                self._report(name, where, what)
            values.update(converted)
        links = self._links(name, wired, kind) if wired else {}
        for input in links:
            values.pop(input, None)
        expands = tuple(n for n in known.expands if n in values) if known.expands else ()
        static = self._static(name, kind, values, (*mapped, *expands), links)
        before = linked(links)
        return Planned(name, spelled, kind, values, links, mapped, expands, static, before)

    def _static(
        self,
        name: str,
        kind: type[Node],
        values: Mapping[str, object],
        several: tuple[str, ...],
        links: Iterable[str],
    ) -> bytes:
        signature = self._signatures.get(kind)
        if signature is None:
            signature = digest(kind_id(kind).encode(), str(kind.version).encode())
            self._signatures[kind] = signature
        if several:
            values = {input: value for input, value in values.items() if input not in several}
        try:
            return digest(signature, canonical(values), *map(str.encode, links))
        except TypeError as error:
            self._report(name, "", str(error))
            return b""

    def _links(
        self, name: str, wired: Mapping[str, str | list[str]], kind: type[Node]
    ) -> dict[str, Link]:
        known = ports(kind)
        return {input: self._link(name, input, link, kind, known) for input, link in wired.items()}

    def _link(
        self, name: str, input: str, link: str | list[str], kind: type[Node], known: Ports
    ) -> Link:
        many = input in known.lists
        if isinstance(link, str):
            how: LinkMode = "whole" if many else "map"
            found = self._source(name, input, link, kind)
            return Link((found,) if found else (), how)
        if not link:
            self._report(name, input, "is an empty array of links")
        sources = [self._source(name, input, one, kind) for one in link]
        return Link(tuple(filter(None, sources)), "gather" if many else "concat")

    def _source(self, name: str, input: str, address: str, kind: type[Node]) -> Source | None:
        found = self._found.get(address) or self._output(address)
        if isinstance(found, str):
            self._report(name, input, found)
        if not isinstance(found, _Output):
            return None
        pair = (kind, input, id(found.annotation))
        wanted = self._misfits.get(pair, "")
        if wanted == "":
            target = ports(kind).inputs[input].annotation
            wanted = self._misfits[pair] = _misfit(target, found.annotation)
        if wanted is not None:
            said = (
                f"takes {wanted}, but {self.flat.shown(address)} is {type_name(found.annotation)}"
            )
            self._report(name, input, said)
        return found.source

    def _output(self, address: str) -> _Found:
        if address not in self._found:
            found = self._found[address] = self._look_up(address)
            return found
        return self._found[address]

    def _look_up(self, address: str) -> _Found:
        flat = self.flat
        if address in flat.aliases:
            seen = set[str]()
            while (target := flat.aliases.get(address)) is not None and address not in seen:
                seen.add(address)
                address = target
            if address in seen:
                return f"depends on itself: {' -> '.join([*sorted(seen), address])}"
        name, output = split(address)
        if (index := self.index.get(name)) is not None:
            outputs = ports(flat.kinds[name]).outputs
            if output in outputs:
                return _Output(Source(index, output), outputs[output].annotation)
            return f"{name} has {flat.suggestions(output, outputs)}"
        if name in flat.broken:
            return None
        if name in flat.expanded:
            return f"{name} has {flat.suggestions(output, flat.expanded[name])}"
        return self._nowhere(name)

    def _nowhere(self, name: str) -> str:
        """Say that there is no such call, and what was probably meant."""
        flat = self.flat
        prefix = name.rpartition("/")[0]
        near = (
            n
            for n in chain(self.index, flat.expanded, flat.broken)
            if n.rpartition("/")[0] == prefix
        )
        return flat.suggestions(name, near)

    def _report(self, name: str, input: str, what: str) -> None:
        self.problems.append(self.flat.problem(name, input, what))


def _spelled(call: Call) -> bytes | None:
    """Spell what a call is given so that no two calls are alike; the order of links counts."""
    try:
        return canonical((call.values, [*call.links.items()]))
    except (TypeError, RecursionError):  # the defaults of a composite may be anything
        return None


def _same_places(flat: Flat, known: Drawn) -> bool:
    """Whether every address leads where it led."""
    return (
        flat.aliases == known.aliases
        and [*flat.calls] == [*known.calls]
        and [*flat.kinds.values()] == [call.kind for call in known.calls.values()]
    )


def _misfit(target: Any, given: Any) -> str | None:
    """The type that is wanted, where an output declared ``given`` does not fit."""
    return None if accepts(element(target), element(given)) else type_name(element(target))
