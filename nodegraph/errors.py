"""Every error the engine raises, and the sentences they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
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


def brief(value: object) -> str:
    """Show a value's kind and size in one line, never its content (text and numbers excepted)."""
    if isinstance(value, Brief):
        return str(value)
    if isinstance(value, PurePath):
        value = str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(brief, value[:4]))}{', …' * (len(value) > 4)}]"
    for attribute in ("shape", "size"):
        size = getattr(value, attribute, None)
        if isinstance(size, tuple):
            return f"{type(value).__name__}({', '.join(map(str, size))})"
    if isinstance(value, str | int | float | bool | None):
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:77]}…'"
    return type(value).__name__


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """The sentence that ``name`` does not exist, with its nearest match, else all candidates."""
    names = list(candidates)
    # Comparing is slow: in a graph of thousands the first names must do.
    close = get_close_matches(name, names[:2000], n=1)
    close = close or [candidate for candidate in names if len(name) > 2 and name in candidate]
    if close:
        return f"no {name!r}; did you mean {close[0]!r}?"
    return f"no {name!r}; it has {', '.join(names[:12]) or 'none'}{', …' * (len(names) > 12)}"


@dataclass(slots=True)
class Suggestions:
    """Sentences that names do not exist; only the first ones of a document have a nearest match.

    Comparing is slow, and nobody reads thousands of suggestions.
    """

    left: int = 50

    def __call__(self, name: str, candidates: Iterable[str]) -> str:
        self.left -= 1
        return did_you_mean(name, candidates) if self.left >= 0 else f"no {name!r}"
