"""The state of a run, a row for each node: events in, rows out. Draws nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..events import Event, Failed, Finished, Items, Progressed, Skipped, Started

State: TypeAlias = Literal["waiting", "running", "done", "failed", "skipped"]
ENDED = frozenset({"done", "failed", "skipped"})


@dataclass(slots=True)
class Row:
    """One node of the plan.

    Attributes:
        total: How many items it has; None where that is known only once it runs.
        steps: (done, total) of the batch that is running.
        begun: How many of those steps an earlier run had done.
        batch: How many items of that batch are not finished yet.
        seconds: Time spent computing, summed over items.
        began: When its first item was started, by the board's clock; None until then.
        reason: What failed, or whose failure made it skip.
        finished: The items that are finished, and whether they were cached.
        degraded: In which words results say that memory was short.
        resumed: Where items went on from what an earlier run had done.
    """

    name: str
    total: int | None = 1
    state: State = "waiting"
    done: int = 0
    cached: int = 0
    failed: int = 0
    skipped: int = 0
    steps: tuple[int, int] = (0, 0)
    begun: int = 0
    batch: int = 0
    seconds: float = 0.0
    began: float | None = None
    reason: str = ""
    finished: dict[Items, bool] = field(default_factory=dict)
    degraded: dict[str, None] = field(default_factory=dict)
    resumed: dict[str, None] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        return self.done + self.failed + self.skipped

    @property
    def fraction(self) -> float:
        """Progress in [0, 1]; the steps of the running batch count."""
        within = self.steps[0] / self.steps[1] * self.batch if self.steps[1] else 0.0
        return min(1.0, (self.ended + within) / max(self.total or self.ended + self.batch, 1))

    def remaining(self, now: float) -> float | None:
        """Seconds until it is done, going by its pace so far; None while it has none."""
        # Cached items, and steps that an earlier run had done, took no time: the pace is that of
        # the rest.
        within = self.begun / self.steps[1] * self.batch if self.steps[1] else 0.0
        fresh = self.fraction - (self.cached + within) / max(self.total or 1, 1)
        if self.state != "running" or self.began is None or fresh <= 0:
            return None
        return (now - self.began) * (1 - self.fraction) / fresh


@dataclass(slots=True)
class Board:
    """All rows by name, with the names of those that run and the number of those that ended."""

    rows: Mapping[str, Row]
    clock: Callable[[], float]
    running: dict[str, None] = field(default_factory=dict)
    latest: dict[str, None] = field(default_factory=dict)
    ended: int = 0

    @classmethod
    def of(cls, totals: Mapping[str, int | None], clock: Callable[[], float]) -> Board:
        return cls({name: Row(name, total) for name, total in totals.items()}, clock)

    def hear(self, event: Event) -> Row:
        """Take in one event; return the row it changed."""
        row = self.rows[event.name]
        match event:
            case Started(items=items):
                row.began = self.clock() if row.began is None else row.began
                row.steps, row.begun, row.state = (0, 0), 0, "running"
                row.batch = max(len(items), 1)
            case Progressed(done=done, total=total, resumed=resumed):
                row.steps = (done, total)
                row.begun = done if resumed else row.begun
            case Finished(items=items, seconds=seconds, cached=cached):
                # An item can finish twice: a result that was dropped is made again if needed.
                before = row.finished.get(items)
                row.finished[items] = cached
                row.degraded |= dict.fromkeys(event.degraded)
                row.resumed |= {event.resumed: None} if event.resumed else {}
                row.done += before is None
                row.cached += cached - bool(before)
                row.seconds += 0.0 if cached else seconds
                row.batch = max(row.batch - 1, 0)
            case Failed(error=error):
                row.failed += 1
                row.reason = str(error.cause)
                row.batch = max(row.batch - 1, 0)
            case Skipped(because=because):
                row.skipped += 1
                row.reason = row.reason or f"needs {because}"
        self._settle(row)
        return row

    def _settle(self, row: Row) -> None:
        before = row.state in ENDED
        if row.total is not None and row.ended >= row.total and not row.batch:
            row.state = "failed" if row.failed else "skipped" if row.skipped else "done"
        elif row.ended or row.batch:
            row.state = "running"
        after = row.state in ENDED
        self.ended += after - before
        self.latest.pop(row.name, None)
        self.running.pop(row.name, None)
        (self.latest if after else self.running)[row.name] = None

    def close(self) -> list[Row]:
        """Settle the rows whose number of items was not known before the run ended; return them."""
        late = [row for row in self.rows.values() if row.total is None and row.ended]
        for row in late:
            row.total = row.ended
            self._settle(row)
        return late

    def visible(self, lines: int) -> Iterable[Row]:
        """The rows worth showing in so many lines, in the plan's order.

        Failures first, then what runs, then what ended last, then what comes next.
        """
        if len(self.rows) <= lines:
            return self.rows.values()
        rows = self.rows.values()
        names = [name for name in self.latest if self.rows[name].state == "failed"]
        names += [*self.running, *reversed(self.latest)][: max(lines * 2 // 3, 1)]
        names += [row.name for row in rows if row.state == "waiting"][:lines]
        chosen = set(list(dict.fromkeys(names))[:lines])
        return [row for row in rows if row.name in chosen]
