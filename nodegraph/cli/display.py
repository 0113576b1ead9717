"""Views of a run: a live table in a terminal, plain lines in a log, JSON for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields
from typing import TYPE_CHECKING, Protocol

from ..events import Event, Failed, Progressed, Started
from .board import ENDED, Board, Row
from .output import cell, echo, echo_json, encoding_of, fits

if TYPE_CHECKING:
    from rich.console import OverflowMethod, RenderableType
    from rich.table import Table

_PAUSE = 5.0  # seconds between two lines of a log about the same node


class Display(Protocol):
    """A view of a run, which hears its events."""

    def watching(self) -> AbstractContextManager[object]:
        """Be shown for as long as the block runs."""
        ...

    def hear(self, event: Event) -> None: ...


class Lines:
    """JSON, one object a line, as it happens."""

    def watching(self) -> AbstractContextManager[object]:
        return nullcontext()

    def hear(self, event: Event) -> None:
        self.tell(type(event).__name__.lower(), **_fields(event))

    def tell(self, event: str, **more: object) -> None:
        """Print any line that goes with the events."""
        echo_json({"event": event, **more})


def _fields(event: Event) -> Mapping[str, object]:
    values = {
        field.name: getattr(event, field.name) for field in fields(event) if field.name != "preview"
    }
    if isinstance(event, Failed):
        error = event.error
        values["error"] = {
            "kind": error.kind,
            "message": str(error.cause),
            "inputs": dict(error.inputs),
        }
    if isinstance(values.get("key"), bytes):
        values["key"] = values["key"].hex()
    return values


class Log:
    """One line when a node has ended, and now and then one about a slow node; for files and CI."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.reported: dict[str, float] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        yield
        for row in self.board.close():
            self._say(row, self.board.clock())

    def hear(self, event: Event) -> None:
        row = self.board.hear(event)
        now = self.board.clock()
        if isinstance(event, Started):
            self.reported.setdefault(row.name, now)
        elif isinstance(event, Progressed):
            if now - self.reported.get(row.name, now) >= _PAUSE:
                self.reported[row.name] = now
                self._say(row, now)
        elif row.state in ENDED:
            self._say(row, now)

    def _say(self, row: Row, now: float) -> None:
        echo(f"{row.name}: {state_of(row, now)}", error=True)


class Live:
    """A table in the terminal, redrawn in place: one line a node, or those that matter."""

    def __init__(self, board: Board) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self.board, self.began = board, board.clock()
        self.console = Console(stderr=True, highlight=False)
        self.live = RichLive(
            get_renderable=self.draw,
            console=self.console,
            refresh_per_second=8,
            redirect_stdout=False,
        )

    @contextmanager
    def watching(self) -> Iterator[None]:
        with self.live:
            yield
            self.board.close()

    def hear(self, event: Event) -> None:
        self.board.hear(event)

    def draw(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        now = self.board.clock()
        stream = self.console.file
        table = _table("ellipsis" if fits("…", encoding_of(stream)) else "crop")
        # Rich draws from a thread of its own, while rows change: take what there is now.
        for row in list(self.board.visible(max(self.console.height - 3, 3))):
            table.add_row(*_cells(row, now, stream))
        summary = f"{self.board.ended} of {len(self.board.rows)} nodes, {_span(now - self.began)}"
        return Group(table, Text(summary, style="dim"))


def _table(overflow: OverflowMethod) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True, overflow=overflow, max_width=36)
    table.add_column(width=16)
    table.add_column(no_wrap=True, overflow=overflow, ratio=1)
    return table


_MARKS = {
    "waiting": ("·", ".", "dim"),
    "running": ("▸", ">", "bold cyan"),
    "done": ("✓", "+", "green"),
    "failed": ("✗", "x", "bold red"),
    "skipped": ("-", "-", "yellow"),
    "cached": ("=", "=", "blue"),
}
"""By state: the mark, another for terminals that cannot spell it, and the style of both."""


def _cells(row: Row, now: float, stream: object) -> tuple[RenderableType, ...]:
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    cached = row.state == "done" and row.cached == row.done
    mark, plain_mark, style = _MARKS["cached" if cached else row.state]
    running = row.state == "running"
    bar = ProgressBar(1.0, row.fraction, width=16, pulse=not row.fraction) if running else ""
    return (
        Text(mark if fits(mark, encoding_of(stream)) else plain_mark, style),
        Text(cell(row.name, stream), "bold" if running else style),
        bar,
        Text(cell(state_of(row, now), stream), "dim"),
    )


def state_of(row: Row, now: float) -> str:
    """A row in words: ``2 of 4 items, step 5 of 20, 3 s to go``."""
    parts = []
    many = (row.total or row.ended + row.batch) > 1
    if many and row.state != "waiting":
        parts.append(
            f"{row.ended} of {row.total} items"
            if row.total and row.state == "running"
            else f"{row.ended} items"
        )
    if row.state == "running":
        if row.steps[1]:
            parts.append(f"step {row.steps[0]} of {row.steps[1]}")
        if (left := row.remaining(now)) is not None and left >= 1:
            parts.append(f"{_span(left)} to go")
    elif row.state in ("failed", "skipped"):
        parts.append(f"{row.state}: {row.reason}")
    elif row.state == "done":
        if row.cached:
            parts.append("cached" if row.cached == row.done else f"{row.cached} cached")
        if row.cached < row.done:
            parts.append(_span(row.seconds))
        parts += [f"resumed {place}" for place in row.resumed]
        parts += row.degraded
    return ", ".join(parts) or row.state


def _span(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}:{minutes:02}:{rest:02}"
        if hours
        else f"{minutes}:{rest:02}"
        if minutes
        else f"{rest} s"
    )


def display(totals: Mapping[str, int | None]) -> Display:
    """The display that fits: a table in a terminal, else a log."""
    board = Board.of(totals, time.monotonic)
    return Live(board) if sys.stderr.isatty() else Log(board)
