"""Texts with choices in them: ``{red|blue}`` and ``__colours__``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from nodegraph.errors import UserError

MOST = 1000
"""Choices of one text; a list that leads back to itself would make more."""
LONGEST = 200_000
"""Letters that choices may make of a text."""

# Each of these is read once from left to right: none looks for its end again from another place.
_BRACES = re.compile(r"\{[^{}]*+\}")
_RUN = re.compile(r"[\w/-]++")
_BEGIN = re.compile(r"__(?=[^\W_])")
_END = re.compile(r"[^\W_]__")


class _Choice(NamedTuple):
    """A choice in a text: its place, and the name of its list or what stands in its braces."""

    start: int
    end: int
    name: str | None
    options: str = ""


def names_in(text: str) -> list[str]:
    """The lists that a text names: ``["colours"]`` of ``a __colours__ hat``."""
    plain = text.replace("{", "").replace("|", " ")
    return [choice.name for choice in _names(plain) if choice.name]


def chosen(text: str, seed: int, lines: Callable[[str], Sequence[str]]) -> str:
    """Settle every choice, from the left and from the inside; what is not chosen is not settled.

    Args:
        lines: The entries of a list, by its name.

    Raises:
        UserError: A list is empty, or leads back to itself, or the text gets too long.
    """
    random = Random(seed)
    most = max(LONGEST, len(text))
    for _ in range(MOST):
        choice = _first(text)
        if choice is None:
            return text
        options = lines(choice.name) if choice.name else choice.options.split("|")
        if not options:
            raise UserError(f"text: the list {choice.name!r} is empty")
        option = options[int(random.random() * len(options))]
        if len(text) + len(option) > most:
            raise UserError(f"text: its choices make it longer than {most:,} letters")
        text = f"{text[: choice.start]}{option}{text[choice.end :]}"
    raise UserError(f"text: more than {MOST} choices; does a list lead back to itself?")


def _first(text: str) -> _Choice | None:
    """The choice that begins first; of braces within one another only the innermost are any."""
    found = (next(_braces(text), None), next(_names(text), None))
    return min((choice for choice in found if choice), default=None)


def _braces(text: str) -> Iterator[_Choice]:
    for match in _BRACES.finditer(text):
        if "|" in match[0]:
            yield _Choice(match.start(), match.end(), None, match[0][1:-1])


def _names(text: str) -> Iterator[_Choice]:
    """Names between two pairs of low lines, which begin and end with a letter or digit."""
    for run in _RUN.finditer(text):
        at = run.start()
        while begin := _BEGIN.search(text, at, run.end()):
            start = begin.end()
            end = _END.search(text, start, run.end())
            if end is None:  # no name of this run ends, wherever it begins
                break
            yield _Choice(begin.start(), end.end(), text[start : end.start() + 1])
            at = end.end()
