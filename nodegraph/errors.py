"""Every error the engine raises, and the sentences they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice
from pathlib import PurePath
from typing import Any, Literal, TypeAlias


class NodeGraphError(Exception):
    """Base of every error that nodegraph raises; its text is meant to be read by a user."""


class UserError(NodeGraphError):
    """An input that cannot be used. A node raises it to have its sentence shown as it is."""


class NotFetchedError(UserError):
    """A file that a node needs lies elsewhere and must not be fetched now; a run will fetch it."""


class DoesNotFitError(UserError):
    """Memory does not suffice, whatever was tried.

    Attributes:
        tried: In words, in this order.
        fits: What would do instead, in words; empty where nothing is known.
    """

    def __init__(self, device: str, tried: Sequence[str], fits: str = "") -> None:
        self.tried, self.fits = tuple(tried), fits
        attempts = "; ".join(dict.fromkeys(tried))
        cure = fits or "a smaller size, a smaller batch or dtype float16 needs less"
        super().__init__(f"does not fit into the memory of {device}; tried: {attempts}; {cure}")


class Stopped(BaseException):
    """The run was cancelled while a node was at work."""


class Brief(str):
    """A value that has been shown in one line already."""

    __slots__ = ()


Severity: TypeAlias = Literal["error", "warning"]
"""Whether a workflow cannot run, or runs but probably not as meant."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that would end a problem: values for inputs of its node.

    Attributes:
        label: What it does, in a few words, as a button says it.
        inputs: Each input's new value, as JSON.
    """

    label: str
    inputs: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a workflow: ``address`` is ``node`` or ``node.input``.

    Attributes:
        fix: A change to the node of ``address`` that would do, where there is one.
    """

    address: str
    message: str
    severity: Severity = "error"
    fix: Fix | None = None

    def __str__(self) -> str:
        return f"{self.address}: {self.message}"


class WorkflowError(NodeGraphError):
    """The workflow cannot run. ``problems`` lists every mistake found, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' * (len(self.problems) != 1)}"
        super().__init__("\n  ".join([f"{count} in the workflow", *map(str, self.problems)]))


class NodeError(NodeGraphError):
    """A node raised while running; the original error is ``__cause__``.

    Attributes:
        node: Where it failed: ``edges``, ``sample/denoise`` or, one item of several, ``edges[2]``.
        kind: The node's class name.
        inputs: Every input by name, as kind and size.
    """

    def __init__(
        self, node: str, kind: str, inputs: Mapping[str, object], cause: BaseException
    ) -> None:
        self.node, self.kind, self.cause = node, kind, cause
        self.__cause__ = cause
        self.inputs = {name: brief(value) for name, value in inputs.items()}
        # A sentence written for the user needs no class name in front of it.
        reason = str(cause) if isinstance(cause, UserError) else f"{type(cause).__name__}: {cause}"
        lines = "".join(f"\n  {name} = {value}" for name, value in self.inputs.items())
        super().__init__(f"{node} ({kind}) failed: {reason}{lines}")


class RunError(NodeGraphError):
    """A run ended with failures. ``failures`` holds each NodeError in the order they happened."""

    def __init__(self, failures: Sequence[NodeError]) -> None:
        self.failures = tuple(failures)
        super().__init__("\n".join(map(str, self.failures)))


_SHOWN = 80
"""Letters of a value that a sentence shows."""
_COMPARED = 2000
"""Names that one is compared with."""
_LONGEST = 400
"""Letters beyond which a name is compared with none: a file's has 255 at most."""
_ALIKE = 0.6
"""How alike two names have to be, as difflib counts it, from 0 to 1."""
_WAY = 12
"""Names of a way that a sentence shows."""


def brief(value: object, depth: int = 2) -> str:
    """Show a value's kind and size in one line, never its content (text and numbers excepted).

    Args:
        depth: Of lists within one another, as many are shown.
    """
    if isinstance(value, Brief):
        return str(value)
    if isinstance(value, PurePath):
        value = str(value)
    if isinstance(value, list | tuple) and depth:
        inner = [brief(entry, depth - 1) for entry in value[:4]]
        return f"[{', '.join(inner)}{', …' * (len(value) > 4)}]"
    for attribute in ("shape", "size"):
        size = getattr(value, attribute, None)
        if isinstance(size, tuple):
            return f"{type(value).__name__}({', '.join(map(str, size))})"
    if isinstance(value, str | int | float | bool | None):
        text = repr(value[:_SHOWN] if isinstance(value, str) else value)
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}…'"
    return type(value).__name__


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """The sentence that ``name`` does not exist, with its nearest match, else all candidates."""
    return Suggestions()(name, candidates)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The one of some names that is most like ``name``; None where none is."""
    return Suggestions().nearest(name, candidates)


@dataclass(slots=True)
class Suggestions:
    """Sentences that names do not exist; only the first ones of a document have a nearest match.

    Comparing two names takes as many steps as the product of their lengths, and nobody reads
    thousands of suggestions.

    Attributes:
        left: Sentences that may still have a suggestion.
        work: Letters times letters that may still be compared, in all of them.
    """

    left: int = 50
    work: int = 2_000_000

    def __call__(self, name: str, candidates: Iterable[str]) -> str:
        self.left -= 1
        if self.left < 0:
            return f"no {brief(name)}"
        names = list(candidates)
        # In a graph of thousands the first names must do.
        close = self.nearest(name, islice(names, _COMPARED))
        if close is None and len(name) > 2:
            close = next((candidate for candidate in names if name in candidate), None)
        if close is not None:
            return f"no {brief(name)}; did you mean {brief(close)}?"
        listed = ", ".join(_cut(candidate) for candidate in names[:12])
        return f"no {brief(name)}; it has {listed or 'none'}{', …' * (len(names) > 12)}"

    def nearest(self, name: str, candidates: Iterable[str]) -> str | None:
        """The candidate that is most like ``name``, as far as the work suffices."""
        matcher: SequenceMatcher[str] | None = None
        best, found = _ALIKE, None
        for candidate in candidates:
            if self.work <= 0:
                break
            both = len(name) + len(candidate)
            self.work -= 1
            # However alike their letters are, those of very different lengths are not.
            if 2 * min(len(name), len(candidate)) < best * both or both > 2 * _LONGEST:
                continue
            if matcher is None:
                matcher = SequenceMatcher(b=name)
            matcher.set_seq1(candidate)
            self.work -= both
            if matcher.quick_ratio() < best:
                continue
            self.work -= len(name) * len(candidate)
            ratio = matcher.ratio()
            if ratio > best or (ratio == best and (found is None or candidate > found)):
                best, found = ratio, candidate
        return found


def _cut(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"


def way_of(names: Sequence[str]) -> str:
    """A way from name to name in words, its middle left out where it is long."""
    shown = [_cut(name) for name in (names if len(names) <= _WAY else [*names[:6], *names[-5:]])]
    if len(names) > _WAY:
        shown.insert(6, f"… {len(names) - 11} more …")
    return " -> ".join(shown)
