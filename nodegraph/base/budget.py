"""Budgets of work: what looks at a workflow counts what it does, and stops at too much."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic, thread_time

from ..errors import Problem, WorkflowError

_LOOK = 1000
"""Units of work after which the clock is looked at."""
_LETTERS = 100
"""Letters that are copied or hashed in the time of one step."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one workflow may cost to plan or to explain.

    What is sent is bounded by whoever takes it. These are for what grows out of it: templates that
    hold others many times, one text that a hundred inputs are given, lists that run nodes.

    Attributes:
        calls: Calls when composites and templates are written out.
        entries: Their values and links, each link of an array counted.
        letters: Of their names and of their values as JSON, likewise.
        items: Items that all calls have together, as far as it can be told.
        seconds: Of the processor that all of it may take; of the clock, twice as many.
    """

    calls: int = 200_000
    entries: int = 2_000_000
    letters: int = 2**29
    items: int = 2_000_000
    seconds: float = float("inf")


@dataclass(slots=True)
class Budget:
    """What is left of the bounds.

    Attributes:
        spent: Units of all kinds so far, steps included.
    """

    bounds: Bounds = field(default_factory=Bounds)
    spent: int = 0
    _calls: int = 0
    _entries: int = 0
    _letters: int = 0
    _items: int = 0
    _began: float = field(default_factory=monotonic)
    _worked: float = field(default_factory=thread_time)
    _look_at: int = _LOOK

    def calls(self, count: int, address: str) -> None:
        """Count calls; ``address`` is the author's call that they come from.

        Raises:
            WorkflowError: it is too much, here and below.
        """
        self._calls += count
        self.steps(count)
        if self._calls > self.bounds.calls:
            self._refuse(address, f"expands to more than {self.bounds.calls:,} calls, all together")

    def entries(self, count: int, address: str) -> None:
        """Count values and links."""
        self._entries += count
        self.steps(count)
        if self._entries > self.bounds.entries:
            most = f"{self.bounds.entries:,} values and links"
            self._refuse(address, f"expands to more than {most}, all together")

    def letters(self, count: int, address: str) -> None:
        """Count letters of names and values."""
        self._letters += count
        self.steps(1 + count // _LETTERS)
        if self._letters > self.bounds.letters:
            most = f"{self.bounds.letters:,} letters of names and values"
            self._refuse(address, f"expands to more than {most}, all together")

    def items(self, count: int, address: str) -> None:
        """Count items."""
        self._items += count
        self.steps(count)
        if self._items > self.bounds.items:
            most = f"{self.bounds.items:,} items"
            self._refuse(address, f"makes more than {most}, all nodes together")

    def steps(self, count: int) -> None:
        """Count work that is no more than time."""
        self.spent += count
        if self.spent >= self._look_at:
            self._look_at = self.spent + _LOOK
            # A busy machine is not the workflow's fault.
            worked = max(thread_time() - self._worked, (monotonic() - self._began) / 2)
            if worked > self.bounds.seconds:
                most = f"{self.bounds.seconds:g} s"
                self._refuse("workflow", f"takes more than {most} to look through; make it smaller")

    def _refuse(self, address: str, message: str) -> None:
        raise WorkflowError([Problem(address, message)])
