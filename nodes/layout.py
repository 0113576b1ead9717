"""Several pictures in one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nodegraph.node import Node, Output

from .images import Colour
from .types import Image


class Sheet(Output):
    """The sheet of pictures."""

    image: Image


class Grid(Node):
    """Lay pictures out in rows on one sheet, labelled if wanted, for looking and comparing."""

    images: Annotated[
        list[Image], Field(min_length=1, description="Left to right, then top to bottom.")
    ]
    columns: Annotated[
        int | None,
        Field(ge=1, le=100, description="Empty: one a column label, else as square as can be."),
    ] = None
    # Pydantic copies a default for every instance, so that none is shared.
    labels: Annotated[list[str], Field(description="One a picture, written below it.")] = []
    column_labels: Annotated[list[str], Field(description="One a column, written above it.")] = []
    row_labels: Annotated[list[str], Field(description="One a row, written to its left.")] = []
    padding: Annotated[int, Field(ge=0, le=256, description="Pixels around every picture.")] = 8
    background: Annotated[Colour, Field(description="What shows between the pictures.")] = "#ffffff"

    packages = ("pillow",)

    def run(self) -> Sheet:
        from ._sheet import Plan, draw, texts

        pictures = [image.pixels for image in self.images]
        plan = Plan.of(
            [image.size for image in self.images], self.columns or len(self.column_labels) or None
        )
        written = texts(plan, self.labels, self.column_labels, self.row_labels)
        return Sheet(image=Image(draw(pictures, plan, written, self.padding, self.background)))
