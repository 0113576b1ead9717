"""Nodes that show how the engine runs: slow, broken, batched, impure, with many outputs."""

from __future__ import annotations

import threading
from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from nodegraph import Node, Output, Progress, Reads, Steps, Wire, Workflow, execute, plan
from nodegraph.cache import Cache
from nodegraph.errors import UserError
from nodegraph.events import Event, Finished, Outcome
from nodegraph.graph.registry import Registry
from nodegraph.node import Context, LaneName
from nodegraph.settings import Settings


class Number(Output):
    """One number."""

    value: int


class Const(Node):
    """Yield a constant."""

    value: int

    def run(self) -> Number:
        return Number(value=self.value)


class Add(Node):
    """Add two numbers."""

    left: int = 0
    right: int = 1

    def run(self) -> Number:
        return Number(value=self.left + self.right)


class Meets(Node):
    """Wait until as many others wait as should."""

    lane: ClassVar[LaneName] = "io"
    barrier: ClassVar[threading.Barrier] = threading.Barrier(4)
    value: int = 0

    def run(self) -> Number:
        self.barrier.wait(timeout=60)
        return Number(value=self.value)


class Writes(Node):
    """Note its number, for the side effect, with none beside it."""

    lane: ClassVar[LaneName] = "io"
    pure = False
    written: ClassVar[list[int]] = []
    alone: ClassVar[threading.Lock] = threading.Lock()
    value: int = 0

    def run(self) -> Number:
        assert self.alone.acquire(blocking=False)
        self.written.append(self.value)
        self.alone.release()
        return Number(value=self.value)


class Half(Node):
    """Halve a number, downwards."""

    value: int

    def run(self) -> Number:
        return Number(value=self.value // 2)


class Sum(Node):
    """Add up any number of numbers."""

    values: list[int]

    def run(self) -> Number:
        return Number(value=sum(self.values))


class Numbers(Output):
    """Several numbers."""

    values: list[int]


class Count(Node):
    """Count from 0 to ``to``, exclusive."""

    to: int

    def run(self) -> Numbers:
        return Numbers(values=list(range(self.to)))


class Boom(Node):
    """Fail on one number, pass others on."""

    value: int
    on: int = 1

    def run(self) -> Number:
        if self.value == self.on:
            raise RuntimeError("out of paint")
        return Number(value=self.value)


class Slow(Node):
    """Pass a number on in ``steps`` steps."""

    value: int
    steps: int = 3
    closed: ClassVar[list[int]] = []

    def run(self) -> Steps[Number]:
        try:
            for done in range(self.steps):
                yield Progress(done + 1, self.steps)
        finally:
            self.closed.append(self.value)
        return Number(value=self.value)


class Batched(Node):
    """Square numbers, several at once; only so many fit."""

    value: int
    fits: int = 100
    batches: ClassVar[list[list[int]]] = []

    def group(self) -> Hashable:
        return self.value % 2

    def run(self, context: Context) -> Number:
        return self.run_batch([self], context)[0]

    @classmethod
    def run_batch(
        cls,
        items: Sequence[Batched],
        context: Context,  # noqa: ARG003
    ) -> list[Number]:
        cls.batches.append([item.value for item in items])
        if len(items) > items[0].fits:
            raise MemoryError("out of memory")
        if any(item.value == 13 for item in items):
            raise UserError("13 is unlucky")
        return [Number(value=item.value**2) for item in items]


class Log(Node):
    """Note a number down: a side effect."""

    pure: ClassVar[bool] = False
    noted: ClassVar[list[int]] = []
    value: int

    def run(self) -> Number:
        self.noted.append(self.value)
        return Number(value=self.value)


class Read(Node):
    """Read a number from a file."""

    path: Path

    def stamp(self, context: Context) -> object:  # noqa: ARG002
        return self.path.read_text()

    def run(self) -> Number:
        return Number(value=int(self.path.read_text()))


@dataclass(frozen=True)
class Paint(Wire):
    """A wire that can be spoiled."""

    drops: list[int] = field(default_factory=list)


class Painted(Output):
    """Paint."""

    paint: Paint


class Mix(Node):
    """Make paint."""

    drops: int

    def run(self) -> Painted:
        return Painted(paint=Paint([self.drops]))


class Spoil(Node):
    """Write into its input, which no node may."""

    paint: Paint

    def run(self) -> Number:
        self.paint.drops.append(1)
        return Number(value=1)


class Meet(Node):
    """Wait in its lane until a node of the other lane has come."""

    lane: ClassVar[LaneName] = "io"
    value: int
    barrier: ClassVar[threading.Barrier] = threading.Barrier(2, timeout=60)

    def run(self) -> Number:
        self.barrier.wait()
        return Number(value=self.value)


class MeetToo(Meet):
    """The same on the processor's lane."""

    lane: ClassVar[LaneName] = "cpu"


@dataclass(frozen=True)
class Pair(Wire):
    """Two numbers that others may depend on apart."""

    apart: ClassVar[tuple[str, ...]] = ("left", "right")
    left: int
    right: int


class Paired(Output):
    """Two numbers on one wire."""

    pair: Pair


class Join(Node):
    """Put two numbers on one wire."""

    left: int = 0
    right: int = 0

    def run(self) -> Paired:
        return Paired(pair=Pair(self.left, self.right))


class Left(Node):
    """Give the left one of two numbers."""

    pair: Annotated[Pair, Reads(("left",))]

    def run(self) -> Number:
        return Number(value=self.pair.left)


class Both(Node):
    """Add two numbers up."""

    pair: Annotated[Pair, Reads(("left", "right"))]

    def run(self) -> Number:
        return Number(value=self.pair.left + self.pair.right)


TOYS = Registry.of(
    Const, Add, Half, Sum, Count, Boom, Slow, Batched, Log, Read, Mix, Spoil, Meet, MeetToo,
    Meets, Writes, Join, Left, Both,
)  # fmt: skip


def workflow(nodes: Mapping[str, object], **results: str) -> Workflow:
    """A workflow of these calls and results."""
    return Workflow.model_validate({"format": 1, "nodes": nodes, "results": results})


def drive(
    nodes: Mapping[str, object], cache: Cache, settings: Settings | None = None, **results: str
) -> tuple[list[Event], Outcome]:
    """Run to the end; return every event and the outcome."""
    return followed(execute(plan(workflow(nodes, **results), TOYS), cache, settings))


def followed(running: Generator[Event, None, Outcome]) -> tuple[list[Event], Outcome]:
    """Let a run come to its end; return every event and the outcome."""
    events: list[Event] = []
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return events, end.value


def computed(events: Sequence[Event]) -> list[str]:
    """The addresses of what was not cached, in the order they finished."""
    return [address(event) for event in events if isinstance(event, Finished) and not event.cached]


def address(event: Finished) -> str:
    return event.name + "".join(f"[{item}]" for item in event.items)
