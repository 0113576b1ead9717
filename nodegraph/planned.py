"""What a plan is made of: checked calls, and where their inputs come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from pydantic import JsonValue

from .errors import Problem
from .node import Node
from .workflow import Workflow

How: TypeAlias = Literal["map", "concat", "whole", "gather"]
"""How items come in: a ``T`` input maps over one link, and concatenates an array of links; a
``list[T]`` input takes one link whole, and gathers one element from each of an array."""


class Source(NamedTuple):
    """An output of an earlier call of the plan."""

    call: int
    output: str


@dataclass(frozen=True, slots=True)
class Link:
    """What an input is linked to, and how its items come in."""

    sources: tuple[Source, ...]
    how: How


@dataclass(frozen=True, slots=True)
class Planned:
    """A checked call.

    Attributes:
        name: ``edges``, or ``sample/denoise`` inside a composite.
        values: Every input that has no link, validated, defaults included.
        mapped: The inputs in ``values`` whose value is a list that maps.
        expands: The inputs in ``values`` whose one value may stand for several (see Each).
        static: Digest of the kind, its version and the values that are the same for all items.
    """

    name: str
    kind: type[Node]
    values: Mapping[str, object]
    links: Mapping[str, Link]
    mapped: tuple[str, ...]
    expands: tuple[str, ...]
    static: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Checked calls in an order where every call follows all it depends on.

    Attributes:
        workflow: As it was given: composites and templates are not expanded in it.
        wanted: Calls to run for their own sake: impure ones, and the sinks if there are no results.
        warnings: What will run but probably not as meant.
        params: The value of every param of the workflow, as it is stored or by default.
    """

    workflow: Workflow
    calls: tuple[Planned, ...]
    results: Mapping[str, Source]
    wanted: tuple[int, ...]
    warnings: tuple[Problem, ...] = ()
    params: Mapping[str, JsonValue] = field(default_factory=dict)
