"""Standard streams of every kind that a command may be given, in this process."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from nodegraph.cli import call

NARROW = ("ascii", "cp1252", "cp437", "cp932", "latin-1")


class Terminal(io.TextIOWrapper):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Ended:
    """A command's exit code and what it printed, as bytes; nothing of a stream that takes none."""

    code: int
    output: bytes = b""
    errors: bytes = b""
    encoding: str = field(default="utf-8", compare=False)

    @property
    def stdout(self) -> str:
        return self.output.decode(self.encoding)

    @property
    def stderr(self) -> str:
        return self.errors.decode(self.encoding)


def encoded(encoding: str, terminal: bool = False) -> TextIO:
    """A stream that keeps what is written, and takes only what its encoding has."""
    kind = Terminal if terminal else io.TextIOWrapper
    return kind(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)


@contextmanager
def gone() -> Iterator[TextIO]:
    """A pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    with ExitStack() as stack:
        stream = stack.enter_context(open(write, "w", encoding="utf-8"))
        yield stream
        stream.flush()  # what could not be written must not be tried again


@contextmanager
def full() -> Iterator[TextIO]:
    """A file on a disk that is full."""
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        yield stream


def written(stream: TextIO | None) -> bytes:
    """The bytes that were written to one of those."""
    buffer = getattr(stream, "buffer", None)
    return buffer.getvalue() if isinstance(buffer, io.BytesIO) else b""


def run_on(arguments: Sequence[object], output: TextIO | None, errors: TextIO | None) -> Ended:
    """Run a command on these streams."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = output, errors
    try:
        code = call([*map(str, arguments)])
    finally:
        sys.stdout, sys.stderr = before
    encoding = getattr(output, "encoding", "utf-8")
    return Ended(code, written(output), written(errors), encoding)


Run = Callable[[Sequence[object]], Ended]


def runs() -> dict[str, Run]:
    """How to run a command, by the kind of its streams."""
    by_kind: dict[str, Run] = {encoding: _runner(encoding) for encoding in ("utf-8", *NARROW)}
    by_kind["terminal"] = _runner("cp437", terminal=True)
    by_kind["closed"] = lambda arguments: run_on(arguments, None, None)
    by_kind["gone"] = _without_reader
    if Path("/dev/full").exists():
        by_kind["full"] = _on_a_full_disk
    return by_kind


def _runner(encoding: str, terminal: bool = False) -> Run:
    return lambda arguments: run_on(
        arguments, encoded(encoding, terminal), encoded(encoding, terminal)
    )


def _without_reader(arguments: Sequence[object]) -> Ended:
    with gone() as output, gone() as errors:
        return run_on(arguments, output, errors)


def _on_a_full_disk(arguments: Sequence[object]) -> Ended:
    with full() as output:
        return run_on(arguments, output, encoded("utf-8"))
