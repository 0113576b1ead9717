"""The parts of a plan: checked calls, and links to the outputs that their inputs come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from pydantic import JsonValue

from ..errors import Problem
from ..graph.workflow import Workflow
from ..node import Node

LinkMode: TypeAlias = Literal["map", "concat", "whole", "gather"]
"""How items come in: a ``T`` input maps over one link, and concatenates an array of links; a
``list[T]`` input takes one link whole, and gathers one element from each of an array."""


class Source(NamedTuple):
    """An output of an earlier call of the plan."""

    call: int
    output: str


class Link(NamedTuple):
    """The outputs that an input is linked to, and how their items come in."""

    sources: tuple[Source, ...]
    mode: LinkMode


class Planned(NamedTuple):
    """A checked call.

    Attributes:
        name: ``edges``, or ``sample/denoise`` inside a composite.
        spelling: Of the values and links it was made of, canonical; None where they cannot be.
        values: Every input that has no link, validated, defaults included.
        mapped: The inputs in ``values`` whose value is a list that maps.
        expands: The inputs in ``values`` whose one value may stand for several (see Each).
        static: Digest of the kind, its version and packages, which inputs are linked and, unless
            some differ from item to item, its values.
        upstream: The calls that it is linked to, each once.
        shared: Where some values differ from item to item: how the others are spelled in a key.
    """

    name: str
    spelling: bytes | None
    kind: type[Node]
    values: Mapping[str, object]
    links: Mapping[str, Link]
    mapped: tuple[str, ...]
    expands: tuple[str, ...]
    static: bytes
    upstream: tuple[int, ...]
    shared: tuple[str, ...] = ()


class Unpruned(NamedTuple):
    """All calls of a flat workflow, also those that nothing needs: an edited one may share them.

    Attributes:
        calls: By name, in the author's order; that is how sources are numbered.
        aliases: The address of each composite's output, and the address it stands for.
        order: Which of them became calls of the plan, in their order there.
    """

    calls: Mapping[str, Planned]
    aliases: Mapping[str, str]
    order: tuple[int, ...]


def upstream_of(links: Mapping[str, Link]) -> tuple[int, ...]:
    """The calls that links lead to, each once."""
    return tuple({source.call: None for link in links.values() for source in link.sources})


@dataclass(frozen=True, slots=True)
class Plan:
    """Checked calls in an order where every call follows all it depends on.

    Attributes:
        workflow: As it was given: composites and templates are not expanded in it.
        results: By name; what the end nodes give, where the workflow names none.
        goals: Calls to run for their own sake: impure ones, and the sinks if there are no results.
        warnings: What will run but probably not as meant.
        params: The value of every param of the workflow, as it is stored or by default.
        ends: The addresses that are its results because it names none, by name; else none.
        unpruned: What it was pruned from; the plan of an edited workflow takes over from it.
    """

    workflow: Workflow
    calls: tuple[Planned, ...]
    results: Mapping[str, Source]
    goals: tuple[int, ...]
    warnings: tuple[Problem, ...] = ()
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    ends: Mapping[str, str] = field(default_factory=dict)
    unpruned: Unpruned = field(default=Unpruned({}, {}, ()), repr=False, compare=False)
