"""Every combination of several lists: the rows and columns of a sheet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Annotated, Any

from pydantic import Field, JsonValue

from nodegraph.errors import UserError
from nodegraph.node import Doubts, EntriesOf, Finding, LinkedFacts, Node, Output

from .prompts.foreign import find_foreign_choices

Seed = Annotated[int, Field(ge=0, lt=2**32)]
MOST = 10_000


class Combinations(Output):
    """One entry a picture, row by row, and what to write beside the rows and above the columns."""

    prompt: Annotated[list[str], EntriesOf("prompts")]
    seed: Annotated[list[int], EntriesOf("seeds")]
    row_labels: list[str]
    column_labels: list[str]


class PromptsBySeeds(Node):
    """Combine every prompt with every seed: a row for each prompt, a column for each seed."""

    aliases = ("batch of seeds",)

    prompts: Annotated[
        list[str], Field(min_length=1, description="One row each."), Doubts(find_foreign_choices)
    ]
    seeds: Annotated[list[Seed], Field(min_length=1, description="One column each.")] = [1]

    def run(self) -> Combinations:
        for name, problem in _too_many(prompts=self.prompts, seeds=self.seeds):
            raise UserError(f"{name}: {problem}")
        pairs = list(product(self.prompts, self.seeds))
        return Combinations(
            prompt=[prompt for prompt, _ in pairs],
            seed=[seed for _, seed in pairs],
            row_labels=list(self.prompts),
            column_labels=[f"seed {seed}" for seed in self.seeds],
        )

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterator[Finding]:  # noqa: ARG003
        lists = {name: values.get(name, ()) for name in ("prompts", "seeds")}
        for name, problem in _too_many(**lists):
            yield name, problem, "error"


class Swept(Output):
    """One entry a picture, row by row; each fits any input that takes one value."""

    x: Annotated[list[JsonValue], EntriesOf("x")]
    y: Annotated[list[JsonValue], EntriesOf("y")]
    z: Annotated[list[JsonValue], EntriesOf("z")]
    row_labels: Annotated[list[str], Field(description="For a Grid; none where there is one row.")]
    column_labels: Annotated[list[str], Field(description="For a Grid, which takes its columns.")]


class Sweep(Node):
    """Combine every value of up to three lists: X across, Y down, Z section by section."""

    aliases = ("XY plot", "XYZ plot")

    x: Annotated[
        list[JsonValue],
        Field(min_length=1, description="One column each: texts, numbers, names of models, …"),
    ]
    y: Annotated[list[JsonValue], Field(description="One row each; none is a single row.")] = []
    z: Annotated[
        list[JsonValue], Field(description="All rows once for each; none is a single section.")
    ] = []
    x_name: Annotated[str, Field(description="Written before the values of x.")] = ""
    y_name: Annotated[str, Field(description="Written before the values of y.")] = ""
    z_name: Annotated[str, Field(description="Written before the values of z.")] = ""

    def run(self) -> Swept:
        for name, problem in _too_many(x=self.x, y=self.y, z=self.z):
            raise UserError(f"{name}: {problem}")
        combined = list(product(self.z or [None], self.y or [None], self.x))
        rows = product(labels(self.z_name, self.z) or [""], labels(self.y_name, self.y) or [""])
        return Swept(
            x=[x for _, _, x in combined],
            y=[y for _, y, _ in combined],
            z=[z for z, _, _ in combined],
            row_labels=[", ".join(filter(None, row)) for row in rows] if self.y or self.z else [],
            column_labels=labels(self.x_name, self.x),
        )

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterator[Finding]:  # noqa: ARG003
        for name, problem in _too_many(**{name: values.get(name, ()) for name in "xyz"}):
            yield name, problem, "error"


def _too_many(**lists: Sequence[object]) -> Iterator[tuple[str, str]]:
    """Find that lists have more combinations than any node makes; an empty one counts as one."""
    count = prod(max(len(entries), 1) for entries in lists.values())
    if count > MOST:
        *others, last = lists
        yield (
            next(iter(lists)),
            f"{', '.join(others)} and {last} make {count:,} combinations; {MOST:,} are the most",
        )


def labels(name: str, values: Sequence[JsonValue]) -> list[str]:
    """What to write for each value: ``strength 0.5``."""
    return [f"{name} {_written(value)}".strip() for value in values]


def _written(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False)
