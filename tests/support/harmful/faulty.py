"""Nodes that do to a worker what nodes should not do, and a few that behave."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from nodegraph import Node, Output, Progress, Steps, Wire
from nodegraph.node import Context, LaneName


class Number(Output):
    """One number."""

    value: int


class Plus(Node):
    """Add one."""

    value: int = 0

    def run(self) -> Number:
        return Number(value=self.value + 1)


class Tally(Node):
    """Pass a number on, slowly enough to be worth keeping, and leave a line in a file."""

    value: int = 0
    file: str
    seconds: float = 0.05

    def run(self) -> Number:
        with Path(self.file).open("a", encoding="utf-8") as file:
            file.write(f"{self.value}\n")
        time.sleep(self.seconds)
        return Number(value=self.value)


class Dies(Node):
    """End the process, ``times`` times, and then pass the number on."""

    value: int = 0
    file: str
    times: int = 1_000_000
    how: str = "exit"
    seconds: float = 0.3

    def run(self) -> Number:
        time.sleep(self.seconds)  # what was made before is on disk by then
        path = Path(self.file)
        before = path.read_text(encoding="utf-8").count("\n") if path.exists() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write("start\n")
        if before < self.times:
            if self.how == "segfault":
                ctypes.string_at(0)
            os._exit(3)
        return Number(value=self.value)


class Hoards(Node):
    """Take more and more memory."""

    value: int = 0

    def run(self) -> Number:
        held = []
        for _ in range(400):
            held.append(bytearray(b"x") * (10 * 2**20))
            time.sleep(0.01)
        return Number(value=len(held))


class Quits(Node):
    """Raise what ends Python."""

    value: int = 0

    def run(self) -> Number:
        raise SystemExit(7)


class Quitting(Node):
    """The same in the lane of the device."""

    lane: ClassVar[LaneName] = "device"
    value: int = 0

    def run(self) -> Number:
        raise KeyboardInterrupt


class Deep(Node):
    """Call itself for ever."""

    value: int = 0

    def run(self) -> Number:
        return self._again(self.value)

    def _again(self, value: int) -> Number:
        return self._again(value + 1)


class Junk(Node):
    """Return something else than it says."""

    value: int = 0

    def run(self) -> Number:
        return [object()]  # type: ignore[return-value]


class Prints(Node):
    """Write to standard output, where the answers of a worker go."""

    value: int = 0

    def run(self) -> Number:
        print("\0\0\0\0" * 10_000, flush=True)
        os.write(1, b"\xff" * 100)
        return Number(value=self.value)


class Stuck(Node):
    """Take long without a word."""

    value: int = 0
    seconds: float = 60

    def run(self) -> Number:
        time.sleep(self.seconds)
        return Number(value=self.value)


class Strolls(Node):
    """Pass a number on in many steps, with a preview of each."""

    lane: ClassVar[LaneName] = "device"
    value: int = 0
    steps: int = 100
    seconds: float = 0.05
    file: str = ""

    def run(self) -> Steps[Number]:
        for done in range(self.steps):
            time.sleep(self.seconds)
            if self.file:
                with Path(self.file).open("a", encoding="utf-8") as file:
                    file.write("step\n")
            yield Progress(done + 1, self.steps, lambda: Tile("red", 700))
        return Number(value=self.value)


class Labours(Node):
    """Work for long without a step, asking now and then whether to go on."""

    lane: ClassVar[LaneName] = "device"
    value: int = 0
    seconds: float = 600

    def run(self, context: Context) -> Number:
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            context.proceed()
            time.sleep(0.02)
        return Number(value=self.value)


class Ponders(Labours):
    """The same in the processor's lane."""

    lane: ClassVar[LaneName] = "cpu"


class Floods(Node):
    """Report more progress than anybody can read."""

    value: int = 0

    def run(self) -> Steps[Number]:
        for done in range(100_000):
            yield Progress(done + 1, 100_000)
        return Number(value=self.value)


class Peeks(Node):
    """Count what its process was told in its environment of the server's secrets."""

    value: int = 0

    def run(self) -> Number:
        names = ("NODEGRAPH_TOKEN", "NODEGRAPH_DATABASE")
        return Number(value=sum(name in os.environ for name in names))


class Hurries(Node):
    """Report steps faster than they are told, and stop short of what was announced."""

    value: int = 0
    wrong: bool = False
    seconds: float = 0

    def run(self) -> Steps[Number]:
        for done in range(5):
            yield Progress(done + 1, 10)
        if self.wrong:
            raise ValueError("it went wrong")
        if self.seconds:
            time.sleep(self.seconds)
            yield Progress(6, 10)
        return Number(value=self.value)


@dataclass(frozen=True)
class Tile(Wire):
    """A picture of one colour."""

    colour: str
    side: int = 32

    def pil(self) -> Any:
        """Draw it."""
        from PIL import Image

        return Image.new("RGB", (self.side, self.side // 2), self.colour)


class Painted(Output):
    """A picture, and a number beside it."""

    image: Tile
    number: float


class Paint(Node):
    """Paint a tile."""

    colour: str = "red"
    number: float = 1.5

    def run(self) -> Painted:
        return Painted(image=Tile(self.colour), number=self.number)


class Opaque(Output):
    """Something that JSON cannot spell."""

    value: Any


class Odd(Node):
    """Give a value that is not JSON."""

    def run(self) -> Opaque:
        return Opaque(value=float("nan"))


NODES = [
    Plus, Tally, Dies, Hoards, Quits, Quitting, Deep, Junk, Prints, Stuck, Strolls, Labours,
    Ponders, Floods, Hurries, Paint, Odd, Peeks,
]  # fmt: skip
