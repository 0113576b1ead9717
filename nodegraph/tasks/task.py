"""The calls and items of a plan as they run: the mutable part, of which each run has its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from ..base.keys import Key, digest
from ..graph.ports import is_list, outputs
from ..node import Node, Output
from ..planning.types import Plan, Planned
from ..savings import NO_SHORTAGES, Shortages

_NOBODY: list[Any] = []  # shared: most tasks and calls are waited for by none


class Task:
    """One item of a call: the unit that is keyed, cached, run and sent elsewhere.

    Attributes:
        item: Its index, or None where the call is not mapped.
        bound: Its linked inputs with what each reads, once ``items.bound`` was asked for them.
        waiting: How many things must be known before this task's key can be.
        dependents: The tasks that wait for just this one.
        key: Its cache key, once its inputs and its stamp are known.
        digests: The content of each of its outputs, once it is done: a digest, or one an entry.
        state: ``waiting`` for inputs or for its turn to be looked at; queued for a lane to
            ``stamp`` or to ``run``; ``done``; ``failed``, itself or with what it needs.
        stamp: What the node says it depends on beside its inputs (see ``Node.stamp``).
        must_run: Its value is needed again though its result is known.
        shortages: How it and all it depends on were made to fit into memory.
        slowest_seconds: What the slowest of it and all it depends on took.
    """

    __slots__ = (
        "bound",
        "call",
        "dependents",
        "digests",
        "item",
        "key",
        "must_run",
        "shortages",
        "slowest_seconds",
        "stamp",
        "state",
        "waiting",
    )

    def __init__(self, call: CallState, item: int | None) -> None:
        self.call, self.item = call, item
        self.bound: tuple[tuple[str, Element | list[Element]], ...] | None = None
        self.waiting = 0
        self.dependents: list[Task] = _NOBODY
        self.key: Key | None = None
        self.digests: Mapping[str, Key | tuple[Key, ...]] = {}
        self.state = "waiting"
        self.stamp: object = None
        self.must_run = False
        self.shortages: Shortages = NO_SHORTAGES
        self.slowest_seconds = 0.0

    def wait_for(self, needed: Task) -> None:
        """Have this task wait until ``needed`` is known."""
        if needed.dependents is _NOBODY:
            needed.dependents = []
        needed.dependents.append(self)
        self.waiting += 1

    @property
    def items(self) -> tuple[int, ...]:
        return () if self.item is None else (self.item,)

    @property
    def address(self) -> str:
        return (
            self.call.planned.name
            if self.item is None
            else f"{self.call.planned.name}[{self.item}]"
        )


class CallState:
    """A call while it runs: how many items it has, and who waits for all of them.

    Attributes:
        index: Its place in the plan, by which sources name it.
        count: The number of its items; None for a call that is not mapped.
        resolved: Whether ``count`` is certain, and ``tasks`` exist.
        left: Its tasks that have not ended; -1 before there are any (see Frontier).
        broken: The address of what failed, if one of its tasks cannot be had; else empty.
        waiters: Calls that read it whole, and wait until all its tasks have ended.
        consumers: All calls that read it.
        holds: Who is still to read its values (see Frontier).
        values: The unlinked inputs that map it: a value for each item.
        lists: Its outputs that are lists: an entry of theirs is an item for who reads them.
        gathered: Lists of elements that all its items share, by input.
        sums: The digests of those lists, by their id (see ``keys.key_of``).
    """

    __slots__ = (
        "broken", "consumers", "count", "gathered", "holds", "index", "left", "lists", "planned",
        "resolved", "sums", "tasks", "values", "waiters",
    )  # fmt: skip

    def __init__(self, index: int, planned: Planned) -> None:
        self.index, self.planned = index, planned
        self.count: int | None = None
        self.resolved = False
        self.tasks: list[Task] = []
        self.left = -1
        self.broken = ""
        self.waiters: list[CallState] = _NOBODY
        self.consumers: list[CallState] = _NOBODY
        self.holds = 0
        self.values: Mapping[str, list[object]] = {}
        self.lists: frozenset[str] = list_outputs(planned.kind)
        self.gathered: dict[str, list[Element]] = {}
        self.sums: dict[int, Key] = {}

    def wait_for(self, upstream: CallState) -> None:
        """Have all tasks of this call wait until those of ``upstream`` are known."""
        # Each waiter once, however many of its links lead there: it is unblocked once. It registers
        # for all its links in one go (resolve), so only the last in the list can be itself.
        if upstream.waiters and upstream.waiters[-1] is self:
            return
        if upstream.waiters is _NOBODY:
            upstream.waiters = []
        upstream.waiters.append(self)
        for task in self.tasks:
            task.waiting += 1

    @property
    def done(self) -> bool:
        return self.resolved and self.left <= 0


class Element(NamedTuple):
    """One value on a wire: an output of a task, or one entry of an output that is a list."""

    task: Task
    output: str
    entry: int | None = None

    def value(self, output: Output) -> Any:
        """Pick it out of the output of its task."""
        value = getattr(output, self.output)
        return value if self.entry is None else value[self.entry]

    @property
    def address(self) -> str:
        """Where it comes from: ``sample/decode[2].image``, ``sweep.x[1]``."""
        entry = "" if self.entry is None else f"[{self.entry}]"
        return f"{self.task.address}.{self.output}{entry}"

    def key(self) -> str:
        """The key of its task in words; of an output that is a list, with the entry's number."""
        key = (self.task.key or b"").hex()
        return key if self.entry is None else f"{key}[{self.entry}]"

    def digest(self, fields: Sequence[str] = ()) -> Key:
        """The digest of its content; of a wire that tells its ``fields`` apart, of those alone."""
        digests = self.task.digests
        # A node that reads only some fields of a wire does not hang on the others. Where one has no
        # digest of its own, the whole value counts.
        if fields:
            apart = [digests[place] for f in fields if (place := f"{self.output}.{f}") in digests]
            if len(apart) == len(fields):
                return digest(b"fields", *(part for part in apart if isinstance(part, bytes)))
        whole = digests[self.output]
        return whole if isinstance(whole, bytes) else whole[self.entry or 0]


@cache
def list_outputs(kind: type[Node]) -> frozenset[str]:
    """The outputs of ``kind`` that are declared ``list[T]``: several items from one call."""
    return frozenset(name for name, port in outputs(kind).items() if is_list(port.annotation))


@cache
def runs_together(kind: type[Node]) -> bool:
    """Whether several items of ``kind`` are run in one go."""
    return hasattr(kind, "run_batch")


def call_states(plan: Plan) -> list[CallState]:
    """Make a state for every call of ``plan``."""
    return [CallState(index, planned) for index, planned in enumerate(plan.calls)]
