"""Items of calls: how many each has, and which items of earlier calls each of them reads.

A call is mapped over lists. There are two kinds of them, here met by one mapped call::

    files (a list of 3 values)   files[0]   files[1]   files[2]   three tasks, one item each
                                    |          |          |       waits item for item
    edges (both links "map")     edges[0]   edges[1]   edges[2]   three tasks, one a pair
                                    |          |          |       waits for the whole task
    sweep.low (list[int])         low[0]     low[1]     low[2]    one task, an output of 3 entries

``resolve`` makes the tasks of ``edges`` and counts what each has to wait for; ``bound`` says later
what each reads: ``edges[1]`` gets ``Element(files[1], "image")`` and ``Element(sweep, "low", 1)``.
The length of ``sweep.low`` is known only when ``sweep`` has run, so ``edges`` is not ``resolvable``
before; the length of ``files`` is known as soon as ``files`` is resolved itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..base.budget import Budget
from ..errors import UserError
from ..node import Each, Folders
from ..planning.types import Link, Planned, Source
from ..savings import Shortages, merge_shortages
from .task import CallState, Element, Task

_LOOK = 20
"""Steps that a look for a file or folder counts for."""
MOST = 1_000_000
"""Items of one call: lists that are put one behind the other again and again double every time."""


def resolvable(call: CallState, calls: Sequence[CallState]) -> bool:
    """Whether the number of items of ``call`` is certain by now."""
    for link in call.planned.links.values():
        for index, output in link.sources:
            upstream = calls[index]
            # The length of an output that is a list is the number of its digests: for these, all of
            # upstream's tasks must have ended.
            if not upstream.resolved or (upstream.left > 0 and output in upstream.lists):
                return False
    return True


def resolve(
    call: CallState,
    calls: Sequence[CallState],
    folders: Folders,
    budget: Budget | None = None,
) -> list[Task]:
    """Settle how many items ``call`` has and make its tasks, each waiting for what it needs.

    Args:
        budget: What may be spent on it, where that is bounded.

    Returns:
        The tasks that can never run, because what they need has failed already.

    Raises:
        UserError: two of its inputs are lists of different lengths, or a folder cannot be listed.
        WorkflowError: it is more than the budget allows.
    """
    planned = call.planned
    if planned.mapped or planned.expands:
        call.values = dict(_listed(planned, folders, budget))
    call.count = _count(call, calls)
    if call.count is not None and call.count > MOST:
        raise UserError(f"has {call.count:,} items; {MOST:,} are the most")
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


def _listed(
    planned: Planned, folders: Folders, budget: Budget | None
) -> Iterator[tuple[str, list[object]]]:
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
        expanded = []
        for value in listed:
            if budget is not None:
                budget.steps(_LOOK)
            expanded.append(expand(value, folders))
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
    lengths = {name: len(values) for name, values in call.values.items()} if call.values else {}
    for name, link in call.planned.links.items():
        # "whole" gives every item the same list, so its length says nothing here.
        if link.mode == "concat":
            lengths[name] = sum(_length(source, calls) or 1 for source in link.sources)
        elif link.mode != "whole":
            for source in link.sources:
                length = _length(source, calls)
                if length is not None and lengths.setdefault(name, length) != length:
                    raise UserError(
                        f"{name} gathers lists of {lengths[name]} and {length} items; "
                        "they must be equally long"
                    )
    if not lengths:
        return None
    if len(set(lengths.values())) > 1:
        lists = " but ".join(f"{name} has {n} item{'s' * (n != 1)}" for name, n in lengths.items())
        raise UserError(
            f"{lists}; lists that are used together must be equally long (or one single value)"
        )
    return next(iter(lengths.values()))


def _length(source: Source, calls: Sequence[CallState]) -> int | None:
    call = calls[source.call]
    if source.output in call.lists:
        return sum(len(task.digests[source.output]) for task in call.tasks)
    return call.count


def _wait(call: CallState, upstream: CallState, link: Link, source: Source) -> list[Task]:
    """Make the tasks of ``call`` wait for ``upstream``: item for item or all at once."""
    if (
        upstream.count is not None
        and source.output not in upstream.lists
        and link.mode in ("map", "gather")
    ):
        # Item for item: the first ones go on while upstream is still at its last ones, and one that
        # breaks takes down only its own. (A call that is not mapped upstream has no pairs.)
        pairs = list(zip(call.tasks, upstream.tasks, strict=True))
        for task, needed in pairs:
            if needed.state != "done":
                task.wait_for(needed)
        return [task for task, needed in pairs if needed.state == "failed"]
    # Otherwise all of upstream's items are read, as a list or for their entries.
    if upstream.done:
        return call.tasks if upstream.broken else []
    call.wait_for(upstream)
    return []


def bound(task: Task, calls: Sequence[CallState]) -> Sequence[tuple[str, Element | list[Element]]]:
    """List every linked input of ``task`` with the element, or list of elements, it gets.

    Made once a task, when all that it waits for is known.
    """
    if task.bound is None:
        task.bound = tuple(_bind(task, calls))
    return task.bound


def _bind(task: Task, calls: Sequence[CallState]) -> Iterator[tuple[str, Element | list[Element]]]:
    for name, link in task.call.planned.links.items():
        if link.mode == "map":
            yield name, _pick(task, name, link.sources[0], calls)
        elif link.mode == "gather":
            yield name, [_pick(task, name, source, calls) for source in link.sources]
        elif link.mode == "whole":
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
    # One list for all items: a list anew for each would be quadratic, and so would its digest
    # (see keys._digest_of_all, which knows a shared list by its identity).
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


def upstream_tasks(task: Task, calls: Sequence[CallState]) -> Iterator[Task]:
    """Yield every task whose output ``task`` reads (the same one more than once, if it does)."""
    for _, value in bound(task, calls):
        for element in value if isinstance(value, list) else (value,):
            yield element.task


def upstream_seconds(task: Task, calls: Sequence[CallState]) -> float:
    """Seconds that the slowest took of all that ``task`` depends on."""
    # A loop, not max() of a generator: this runs for every task.
    slowest = 0.0
    for needed in upstream_tasks(task, calls):
        slowest = max(slowest, needed.slowest_seconds)
    return slowest


def shortages(task: Task, calls: Sequence[CallState]) -> Shortages:
    """How all that ``task`` depends on was made to fit into memory."""
    return merge_shortages(
        needed.shortages for needed in upstream_tasks(task, calls) if needed.shortages
    )


def constants(task: Task) -> Mapping[str, object]:
    """The values of ``task``'s unlinked inputs: lists give their entry for this item."""
    if not task.call.values:
        return task.call.planned.values
    picked = {name: values[task.item or 0] for name, values in task.call.values.items()}
    return {**task.call.planned.values, **picked}
