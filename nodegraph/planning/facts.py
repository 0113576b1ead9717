"""Facts before a run: lengths of lists, and what wires hold, followed along the links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol

from ..base.budget import Budget
from ..errors import Fix, Problem, Severity
from ..graph.ports import convert, is_list, ports
from ..node import Facts, Folders, Node
from .types import Link, Planned, Source

_LOOK = 20
"""Steps that a look at a file counts for."""
_LOOKS = 500
"""Calls of different values for which files are looked at."""
_TOLD = 20
"""Entries of one list that are told to be unfit for one input."""
UNKNOWN: Final = -1
"""A length that only running tells: a folder, or an output declared ``list[T]``."""


class MakeProblem(Protocol):
    """Makes a problem of a call's name, its input and what is wrong."""

    def __call__(
        self,
        name: str,
        input: str,
        message: str,
        severity: Severity = "error",
        fix: Fix | None = None,
        /,
    ) -> Problem: ...


def find_unequal_lists(
    calls: Sequence[Planned], order: Sequence[int], problem: MakeProblem, budget: Budget
) -> list[Problem]:
    """Find inputs that are lists of different lengths where these are known now.

    Raises:
        WorkflowError: the nodes would run more often, all together, than the budget allows.
    """
    if not any(
        call.mapped or any(link.mode == "concat" for link in call.links.values()) for call in calls
    ):
        return []
    counts: list[int | None] = [None] * len(calls)
    least = [1] * len(calls)
    problems = []
    for index in order:
        lengths = list(_lengths(calls[index], calls, counts))
        counted = [length for length in lengths if length[2] != UNKNOWN]
        # In running order, so the counts of all sources are there: None is a single item.
        counts[index] = counted[0][2] if counted else (UNKNOWN if lengths else None)
        least[index] = _least(calls[index], calls, least)
        budget.items(least[index], calls[index].name.partition("/")[0])
        for input, label, count in counted[1:]:
            if count != counted[0][2]:
                _, first, expected = counted[0]
                message = f"{label} has {_items(count)} but {first} has {expected}"
                problems.append(problem(calls[index].name, input, message))
                break
    return problems


def _lengths(
    call: Planned, calls: Sequence[Planned], counts: Sequence[int | None]
) -> Iterator[tuple[str, str, int]]:
    """Yield every input that maps ``call``: its name, where its items come from, how many."""
    for input in dict.fromkeys((*call.mapped, *call.expands)):
        value = call.values[input]
        if input not in call.expands and isinstance(value, list):
            yield input, f"{call.name}.{input}", len(value)
        elif input in call.mapped:
            yield input, f"{call.name}.{input}", UNKNOWN
    for input, link in call.links.items():
        lengths = [_length(source, calls, counts) for source in link.sources]
        if link.mode == "concat":
            total = UNKNOWN if UNKNOWN in lengths else sum(length or 1 for length in lengths)
            yield input, f"{call.name}.{input}", total
        elif link.mode != "whole":
            for source, length in zip(link.sources, lengths, strict=True):
                if length is not None:
                    yield input, calls[source.call].name, length


def _least(call: Planned, calls: Sequence[Planned], least: Sequence[int]) -> int:
    """As many items a call has at least: a path in a list may still stand for many pictures."""
    values = (call.values[input] for input in call.mapped)
    lengths = [1, *(len(value) for value in values if isinstance(value, list))]
    for link in call.links.values():
        counts = [
            1 if is_list(ports(calls[index].kind).outputs[output].annotation) else least[index]
            for index, output in link.sources
        ]
        if link.mode == "concat":
            lengths.append(sum(counts))
        elif link.mode != "whole":
            lengths += counts
    return max(lengths)


def _length(source: Source, calls: Sequence[Planned], counts: Sequence[int | None]) -> int | None:
    call = calls[source.call]
    if is_list(ports(call.kind).outputs[source.output].annotation) or call.expands:
        return UNKNOWN
    return counts[source.call]


def _items(count: int) -> str:
    return f"{count} item{'s' * (count != 1)}"


def find_unfit_entries(
    calls: Sequence[Planned], problem: MakeProblem, budget: Budget
) -> list[Problem]:
    """Find constants in lists that an output hands on, where they do not fit (see EntriesOf)."""
    handing = {kind for kind in {call.kind for call in calls} if ports(kind).entries}
    handed = {
        Source(index, output): input
        for index, call in enumerate(calls)
        if call.kind in handing
        for output, input in ports(call.kind).entries.items()
        if input in call.values and input not in call.mapped
    }
    if not handed:
        return []
    # Any number of calls of a kind may take the entries of one list: it is judged once for each.
    judged: dict[tuple[type[Node], str, Source], list[tuple[str, str]]] = {}
    problems: list[Problem] = []
    for call in calls:
        for input, link in call.links.items():
            for source in dict.fromkeys(link.sources):
                if source not in handed:
                    continue
                giver = calls[source.call]
                case = call.kind, input, source
                if case not in judged:
                    judged[case] = _misfits(call, input, giver.values[handed[source]], budget)
                for entry, message in judged[case]:
                    whole = f"{message} (it is {giver.name}.{handed[source]}{entry})"
                    problems.append(problem(call.name, input, whole))
    return problems


def _misfits(call: Planned, input: str, values: object, budget: Budget) -> list[tuple[str, str]]:
    """The first entries, as ``[2]``, that an input cannot take, and why."""
    declared = ports(call.kind)
    if not (isinstance(values, list) and values and input in declared.scalars | declared.lists):
        return []
    budget.steps(len(values))
    # How long a list must be is not known: entries may be handed on more than once.
    places = convert(call.kind, {input: values})[2]
    unfit = ((place.removeprefix(input), message) for place, message in places)
    return list(islice(((entry, message) for entry, message in unfit if entry), _TOLD))


def follow_facts(
    calls: Sequence[Planned],
    order: Sequence[int],
    problem: MakeProblem,
    budget: Budget,
    folders: Folders | None = None,
) -> tuple[list[Problem], list[Problem]]:
    """Follow what nodes tell about their outputs; return the errors and the warnings they find.

    Args:
        folders: Where files may be looked at that constants name; None looks at none.
    """
    known_facts: dict[Source, Facts] = {}
    seen: dict[tuple[type[Node], bytes], Mapping[str, Facts]] = {}
    errors: list[Problem] = []
    warnings: list[Problem] = []
    kinds = {call.kind for call in calls}
    looking = {kind for kind in kinds if ports(kind).looks} if folders else set()
    knowing = {kind for kind in kinds if ports(kind).tells or ports(kind).checks} | looking
    for index in order if knowing else ():
        call = calls[index]
        budget.steps(1)
        if call.kind not in knowing:
            continue
        linked = {input: _linked_facts(link, known_facts) for input, link in call.links.items()}
        several = {*call.mapped, *call.expands}
        values = {input: value for input, value in call.values.items() if input not in several}
        budget.steps(_LOOK if call.kind in looking else 1)
        try:
            for output, fact in call.kind.facts(values, linked).items():
                known_facts[Source(index, output)] = fact
            if folders and call.kind in looking:
                for output, fact in _look(call, folders, seen).items():
                    place = Source(index, output)
                    known_facts[place] = {**known_facts.get(place, {}), **fact}
            for input, message, severity, *fix in call.kind.check_facts(values, linked):
                (errors if severity == "error" else warnings).append(
                    problem(call.name, input, message, severity, *fix)
                )
        except Exception as error:  # a node is somebody's code; planning must go on
            errors.append(
                problem(call.name, "", f"its facts fail: {type(error).__name__}: {error}")
            )
    return errors, warnings


def _look(
    call: Planned, folders: Folders, seen: dict[tuple[type[Node], bytes], Mapping[str, Facts]]
) -> Mapping[str, Facts]:
    """The same for calls of the same values, and nothing for more than a check can look at."""
    case = call.kind, call.spelling or b""
    if case not in seen:
        seen[case] = _seen_facts(call, folders) if len(seen) < _LOOKS else {}
    return seen[case]


def _seen_facts(call: Planned, folders: Folders) -> Mapping[str, Facts]:
    """What files tell; one that is missing or damaged tells nothing now, and all in the run."""
    try:
        return call.kind.file_facts(call.values, folders)
    except Exception:
        return {}


def find_doubts(
    calls: Sequence[Planned], problem: MakeProblem, budget: Budget
) -> Iterator[Problem]:
    """Find what constants hold that is probably not meant as it is written (see Doubts)."""
    judged: set[tuple[str, str, Callable[[Any], Iterable[str]]]] = set()
    doubting = {kind for kind in {call.kind for call in calls} if ports(kind).doubts}
    for call in calls:
        doubts = ports(call.kind).doubts if call.kind in doubting else {}
        for input, find in doubts.items():
            if input in call.values:
                yield from _doubts(call, input, find, problem, budget)
            elif link := call.links.get(input):
                # What another node hands on entry by entry is judged where it is written.
                for index, output in link.sources:
                    source = calls[index]
                    written = ports(source.kind).entries.get(output)
                    # Any number of nodes may take it: it is judged once.
                    case = source.name, written or "", find
                    if written is not None and written in source.values and case not in judged:
                        judged.add(case)
                        yield from _doubts(source, written, find, problem, budget)


def _doubts(
    call: Planned,
    input: str,
    find: Callable[[Any], Iterable[str]],
    problem: MakeProblem,
    budget: Budget,
) -> Iterator[Problem]:
    value = call.values[input]
    entries: Iterable[tuple[str, object]] = [("", value)]
    if isinstance(value, list):
        entries = ((f"[{place}]", entry) for place, entry in enumerate(value))
    for place, entry in entries:
        budget.steps(10 + (len(entry) // 10 if isinstance(entry, str) else 0))
        for message in find(entry):
            yield problem(call.name, f"{input}{place}", message, "warning")


def _linked_facts(link: Link, known_facts: Mapping[Source, Facts]) -> list[Facts]:
    return [known_facts.get(source, {}) for source in link.sources]
