"""Which item of a call needs which items of the calls before it (batches are lists of items)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .errors import UserError
from .keys import Key, canonical, digest
from .node import Each, Folders, Node
from .plan import Link, Plan, Planned, Source
from .ports import is_list, outputs


class Task:
    """One item of a call: the unit that is keyed, cached, run and sent elsewhere.

    ``item`` is its index, or None where the call is not mapped. ``waiting`` counts what must be known
    before this task's key can be; ``dependents`` are the tasks that wait for just this one.
    """

    __slots__ = (
        "call",
        "dependents",
        "digests",
        "item",
        "key",
        "must_run",
        "stamp",
        "state",
        "waiting",
    )

    def __init__(self, call: CallState, item: int | None) -> None:
        self.call, self.item = call, item
        self.waiting = 0
        self.dependents: list[Task] = []
        self.key: Key | None = None
        self.digests: Mapping[str, Key | tuple[Key, ...]] = {}
        self.state = "waiting"
        self.stamp: object = None
        self.must_run = False

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

    ``count`` is None for a call that is not mapped. ``tasks`` exist once ``resolved``.
    """

    __slots__ = (
        "broken", "consumers", "count", "gathered", "holds", "index", "left", "lists", "planned",
        "prefix", "resolved", "sums", "tasks", "values", "waiters",
    )  # fmt: skip

    def __init__(self, index: int, planned: Planned) -> None:
        self.index, self.planned = index, planned
        self.count: int | None = None
        self.resolved = False
        self.tasks: list[Task] = []
        self.left = -1
        self.broken = ""
        self.waiters: list[CallState] = []
        self.consumers: list[CallState] = []
        self.holds = 0
        self.values: Mapping[str, list[object]] = {}
        self.lists: frozenset[str] = list_outputs(planned.kind)
        self.prefix = b""
        self.gathered: dict[str, list[Element]] = {}
        self.sums: dict[int, Key] = {}

    @property
    def done(self) -> bool:
        return self.resolved and self.left <= 0


class Element(NamedTuple):
    """One value on a wire: an output of a task, or one entry of an output that is a list."""

    task: Task
    output: str
    entry: int | None = None

    def digest(self) -> Key:
        known = self.task.digests[self.output]
        return known if isinstance(known, bytes) else known[self.entry or 0]


_LIST_OUTPUTS: dict[type[Node], frozenset[str]] = {}


def list_outputs(kind: type[Node]) -> frozenset[str]:
    """The outputs of ``kind`` that are declared ``list[T]``: several items from one call."""
    known = _LIST_OUTPUTS.get(kind)
    if known is None:
        ports = outputs(kind)
        known = frozenset(name for name, port in ports.items() if is_list(port.annotation))
        _LIST_OUTPUTS[kind] = known
    return known


def states(plan: Plan) -> list[CallState]:
    """Make a state for every call of ``plan``, each knowing its consumers."""
    calls = [CallState(index, planned) for index, planned in enumerate(plan.calls)]
    for call in calls:
        for index in {
            source.call for link in call.planned.links.values() for source in link.sources
        }:
            calls[index].consumers.append(call)
    return calls


def resolvable(call: CallState, calls: Sequence[CallState]) -> bool:
    """Whether the number of items of ``call`` can be told yet."""
    return all(
        (calls[source.call].resolved and source.output not in calls[source.call].lists)
        or calls[source.call].done
        for link in call.planned.links.values()
        for source in link.sources
    )


def resolve(call: CallState, calls: Sequence[CallState], folders: Folders) -> list[Task]:
    """Settle how many items ``call`` has and make its tasks, each waiting for what it needs.

    Returns:
        The tasks that can never run, because what they need has failed already.

    Raises:
        UserError: two of its inputs are lists of different lengths, or a folder cannot be listed.
    """
    planned = call.planned
    if planned.mapped or planned.expands:
        call.values = dict(_listed(planned, folders))
    call.count = _count(call, calls)
    call.resolved = True
    call.tasks = (
        [Task(call, item) for item in range(call.count)]
        if call.count is not None
        else [Task(call, None)]
    )
    call.left = len(call.tasks)
    return [
        task
        for link in planned.links.values()
        for source in link.sources
        for task in _wait(call, calls[source.call], link, source)
    ]


def _listed(planned: Planned, folders: Folders) -> Iterator[tuple[str, list[object]]]:
    """Yield the inputs whose constants are several values: lists, and folders or globs."""
    for name in planned.mapped:
        value = planned.values[name]
        assert isinstance(value, list)
        yield name, value
    for name in planned.expands:
        listed = planned.values[name] if name in planned.mapped else [planned.values[name]]
        expand = next(
            m.expand for m in planned.kind.model_fields[name].metadata if isinstance(m, Each)
        )
        assert isinstance(listed, list)
        expanded = [expand(value, folders) for value in listed]
        if name in planned.mapped or any(values is not None for values in expanded):
            yield (
                name,
                [
                    v
                    for value, values in zip(listed, expanded, strict=True)
                    for v in (values or [value])
                ],
            )


def _count(call: CallState, calls: Sequence[CallState]) -> int | None:
    """The common length of everything that maps ``call``, or None where nothing does."""
    lengths = {name: len(values) for name, values in call.values.items()}
    for name, link in call.planned.links.items():
        if link.how == "concat":
            lengths[name] = sum(_length(source, calls) or 1 for source in link.sources)
        elif link.how != "whole":
            for source in link.sources:
                if (length := _length(source, calls)) is not None:
                    if lengths.setdefault(name, length) != length:
                        raise UserError(
                            f"{name} gathers lists of {lengths[name]} and {length} items; they must be equal"
                        )
    if len(set(lengths.values())) > 1:
        said = " but ".join(f"{name} has {n} item{'s' * (n != 1)}" for name, n in lengths.items())
        raise UserError(
            f"{said}; lists that are used together must be equally long (or one single value)"
        )
    return next(iter(lengths.values()), None)


def _length(source: Source, calls: Sequence[CallState]) -> int | None:
    call = calls[source.call]
    if source.output in call.lists:
        return sum(len(task.digests[source.output]) for task in call.tasks)
    return call.count


def _wait(call: CallState, upstream: CallState, link: Link, source: Source) -> list[Task]:
    """Make the tasks of ``call`` wait for ``upstream``: item for item where they zip, else for all of it."""
    if (
        upstream.count is not None
        and source.output not in upstream.lists
        and link.how in ("map", "gather")
    ):
        pairs = list(zip(call.tasks, upstream.tasks, strict=True))
        for task, needed in pairs:
            if needed.state != "done":
                needed.dependents.append(task)
                task.waiting += 1
        return [task for task, needed in pairs if needed.state == "failed"]
    if upstream.done:
        return call.tasks if upstream.broken else []
    if not upstream.waiters or upstream.waiters[-1] is not call:
        upstream.waiters.append(call)
        for task in call.tasks:
            task.waiting += 1
    return []


def bound(task: Task, calls: Sequence[CallState]) -> Iterator[tuple[str, Element | list[Element]]]:
    """Yield every linked input of ``task`` with the element, or list of elements, it gets."""
    for name, link in task.call.planned.links.items():
        if link.how == "map":
            yield name, _pick(task, name, link.sources[0], calls)
        elif link.how == "gather":
            yield name, [_pick(task, name, source, calls) for source in link.sources]
        elif link.how == "whole":
            yield name, _gathered(task.call, name, link.sources, calls)
        else:
            yield name, _gathered(task.call, name, link.sources, calls)[task.item or 0]


def _pick(task: Task, name: str, source: Source, calls: Sequence[CallState]) -> Element:
    upstream = calls[source.call]
    if source.output in upstream.lists:
        return _gathered(task.call, f"{name} {source}", (source,), calls)[task.item or 0]
    return Element(upstream.tasks[0 if upstream.count is None else task.item or 0], source.output)


def _gathered(
    call: CallState, name: str, sources: Sequence[Source], calls: Sequence[CallState]
) -> list[Element]:
    """All elements of ``sources`` in a row; made once for all items of ``call``."""
    if name not in call.gathered:
        call.gathered[name] = [e for source in sources for e in elements(source, calls)]
    return call.gathered[name]


def elements(source: Source, calls: Sequence[CallState]) -> Iterator[Element]:
    upstream = calls[source.call]
    for task in upstream.tasks:
        if source.output in upstream.lists:
            yield from (
                Element(task, source.output, i) for i in range(len(task.digests[source.output]))
            )
        else:
            yield Element(task, source.output)


def needs(task: Task, calls: Sequence[CallState]) -> Iterator[Task]:
    """Yield every task whose output ``task`` reads (the same one more than once, if it does)."""
    for _, value in bound(task, calls):
        for element in value if isinstance(value, list) else (value,):
            yield element.task


def constants(task: Task) -> Mapping[str, object]:
    """The values of ``task``'s unlinked inputs: lists give their entry for this item."""
    if not task.call.values:
        return task.call.planned.values
    picked = {name: values[task.item or 0] for name, values in task.call.values.items()}
    return {**task.call.planned.values, **picked}


def key_of(task: Task, calls: Sequence[CallState], signature: str, stamp: object = None) -> Key:
    """The cache key of one item: what runs, on which values, and the content of all that is linked in."""
    call = task.call
    if not call.prefix:
        parts = [call.planned.static, *(name.encode() for name in call.planned.links)]
        call.prefix = digest(
            *parts, signature.encode() if call.planned.kind.lane == "device" else b""
        )
    parts = [call.prefix]
    if call.values:
        parts += [canonical({name: values[task.item or 0] for name, values in call.values.items()})]
    if stamp is not None:
        parts += [b"stamp", canonical(stamp)]
    for _, value in bound(task, calls):
        if isinstance(value, list):
            parts.append(_digest_of_all(task.call, value))
        else:
            parts.append(value.digest())
    return digest(*parts)


def _digest_of_all(call: CallState, elements: list[Element]) -> Key:
    """One digest for a list of elements; made once where all items of ``call`` take the same list."""
    known = call.sums.get(id(elements))
    if known is None:
        known = digest(b"list", *(element.digest() for element in elements))
        if any(elements is shared for shared in call.gathered.values()):
            call.sums[id(elements)] = known
    return known


def parts_of(task: Task, calls: Sequence[CallState], signature: str) -> Mapping[str, str]:
    """What the key of ``task`` was made of, by name, as short text: what an explanation compares."""
    kind = task.call.planned.kind
    said = {name: _short(value) for name, value in constants(task).items()}
    for name, value in bound(task, calls):
        found = value if isinstance(value, list) else [value]
        said[name] = "@" + " ".join(element.digest().hex()[:12] for element in found)
    if kind.lane == "device":
        said["(device)"] = signature
    if task.stamp is not None:
        said["(file)"] = _short(task.stamp)
    return {**said, "(version)": str(kind.version), "(node)": task.address}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:200]}…{digest(canonical(text)).hex()[:12]}"
