"""Every combination of several lists: the rows and columns of a sheet."""

from __future__ import annotations

from itertools import product
from typing import Annotated

from pydantic import Field

from nodegraph.node import Node, Output

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Combinations(Output):
    """One entry a picture, row by row, and what to write beside the rows and above the columns."""

    prompt: list[str]
    seed: list[int]
    row_labels: list[str]
    column_labels: list[str]


class PromptsBySeeds(Node):
    """Combine every prompt with every seed: a row for each prompt, a column for each seed."""

    prompts: Annotated[list[str], Field(min_length=1, description="One row each.")]
    seeds: Annotated[list[Seed], Field(min_length=1, description="One column each.")] = [1]

    def run(self) -> Combinations:
        pairs = list(product(self.prompts, self.seeds))
        return Combinations(
            prompt=[prompt for prompt, _ in pairs],
            seed=[seed for _, seed in pairs],
            row_labels=list(self.prompts),
            column_labels=[f"seed {seed}" for seed in self.seeds],
        )
