"""Nodes for the command line's tests: numbers, a slow one, a broken one, a picture of one pixel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Annotated

from pydantic import Field

from nodegraph import Node, Output, Progress, Steps, Wire
from nodegraph.node import Context


class Number(Output):
    """One number."""

    value: int


class Const(Node):
    """Give a number."""

    value: Annotated[int, Field(ge=0, description="The number.")] = 1

    def run(self) -> Number:
        return Number(value=self.value)


class Sum(Node):
    """Add up numbers."""

    values: list[int] = []

    def run(self) -> Number:
        return Number(value=sum(self.values))


class Double(Node):
    """Double a number."""

    value: int

    def run(self) -> Number:
        return Number(value=2 * self.value)


class Boom(Node):
    """Always fail."""

    value: int

    def run(self) -> Number:
        raise RuntimeError("out of paint")


class Wait(Node):
    """Take ten steps."""

    seconds: Annotated[float, Field(ge=0)] = 0.0
    value: int = 1

    def run(self) -> Steps[Number]:
        for done in range(10):
            time.sleep(self.seconds / 10)
            yield Progress(done + 1, 10)
        return Number(value=self.value)


class Speak(Node):
    """Repeat a text."""

    text: str = ""
    loud: bool = False

    def run(self) -> Said:
        return Said(text=self.text.upper() if self.loud else self.text)


class Said(Output):
    """What was said."""

    text: str


@dataclass(frozen=True)
class Dot(Wire):
    """A picture of one pixel."""

    grey: int

    def pil(self) -> Dot:
        return self

    def save(self, file: IO[bytes], format: str) -> None:
        """Write what a picture library would."""
        from tests.carriers.test_png import chunk

        header = chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
        file.write(
            b"\x89PNG\r\n\x1a\n" + header + chunk(format.encode() and b"grEy", bytes([self.grey]))
        )


class Dotted(Output):
    """A picture."""

    image: Dot


class Paint(Node):
    """Paint one pixel."""

    grey: Annotated[int, Field(ge=0, le=255)] = 0

    def run(self) -> Dotted:
        return Dotted(image=Dot(self.grey))


class Spill(Node):
    """Paint one pixel, and only one at once: two are too much for the memory."""

    grey: int

    def run(self, context: Context) -> Dotted:
        return self.run_batch([self], context)[0]

    @classmethod
    def run_batch(cls, items: Sequence[Spill], context: Context) -> list[Dotted]:  # noqa: ARG003
        if len(items) > 1:
            raise MemoryError("out of memory")
        return [Dotted(image=Dot(item.grey)) for item in items]


NODES = (Const, Sum, Double, Boom, Wait, Speak, Paint, Spill)
