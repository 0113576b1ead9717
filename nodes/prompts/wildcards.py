"""Texts with choices in them: ``{red|blue}`` and ``__colours__``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from nodegraph.errors import UserError

_CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}|__([^\W_](?:[\w/-]*?[^\W_])?)__")
MOST = 1000
"""Choices of one text; a list that leads back to itself would make more."""


def names_in(text: str) -> list[str]:
    """The lists that a text names: ``["colours"]`` of ``a __colours__ hat``."""
    return [name for _, name in _CHOICE.findall(text.replace("{", "").replace("|", " ")) if name]


def chosen(text: str, seed: int, lines: Callable[[str], Sequence[str]]) -> str:
    """Settle every choice, from the left and from the inside; what is not chosen is not settled.

    Args:
        lines: The entries of a list, by its name.

    Raises:
        UserError: A list is empty, or leads back to itself.
    """
    random = Random(seed)
    for _ in range(MOST):
        choice = _CHOICE.search(text)
        if not choice:
            return text
        options = lines(choice[2]) if choice[1] is None else choice[1].split("|")
        if not options:
            raise UserError(f"text: the list {choice[2]!r} is empty")
        option = options[int(random.random() * len(options))]
        text = f"{text[: choice.start()]}{option}{text[choice.end() :]}"
    raise UserError(f"text: more than {MOST} choices; does a list lead back to itself?")
