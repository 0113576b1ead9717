"""Signs that other programs understand in prompts, and the nodes that do the same here.

Here they would be read as text, without a word. Every pattern is bounded, so that a search takes
time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class _Habit(NamedTuple):
    """A way of writing.

    Attributes:
        sign: A piece of text without which the pattern is not looked for.
        pattern: Compiled when it is first looked for: all of them take longer than most checks.
        instead: What does the same here, or that nothing does.
    """

    sign: str
    pattern: str
    instead: str


_LOOKED = 20_000
"""Letters of a text that are looked at."""
_NUMBER = r"\s{0,4}[+-]?(?:\d{1,9}\.?\d{0,9}|\.\d{1,9})\s{0,4}"
_WORDS = r"[^\[\]\n]{0,400}"
_FIRST = r"[^\[\]|\n]{0,400}"
_SCHEDULES = _Habit(
    "]",
    # [cat:dog:0.5], [cat:10], [cat::0.5], and [cat|dog], which takes turns
    rf"(?<!\\)\[(?:{_WORDS}:{_NUMBER}|{_FIRST}\|{_WORDS})\]",
    "a prompt is the same at every step; redraw with a second Sample (its latents, a denoise below"
    " 1) to go on under another one, and escape brackets that are meant: \\[",
)
_TAGS = (
    _Habit(
        "<",
        r"(?i)<\s{0,4}(?:lora|lyco|locon|loha):[^<>\n]{1,200}>",
        "link the model through LoadLoRA, which has the strength",
    ),
    _Habit(
        "<",
        r"(?i)<\s{0,4}(?:hypernet|ti|embed|embedding):[^<>\n]{1,200}>",
        "link the model through LoadEmbedding, and name its word; hypernetworks are not supported",
    ),
    _Habit(
        "<",
        r"(?i)<\s{0,4}(?:random|wildcard|alternate|fromto|repeat|segment|object|region|setvar|var"
        r"|preset|trigger|break|clear|refiner|video|param)\b[^<>\n]{0,200}>",
        "there are no such tags; Wildcard settles choices: {red|blue}",
    ),
    _Habit(
        "embedding:",
        r"(?i)\bembedding:[\w./\\-]{1,200}",
        "link the model through LoadEmbedding, and write its word alone",
    ),
)
_OPERATORS = (
    _SCHEDULES,
    _Habit(
        "AND",
        r"(?<=\s)AND(?=\s)",
        "prompts are not combined; write one, with weights: (cat:1.2)",
    ),
    _Habit(
        ")",
        r"(?i)\)\s?\.(?:and|blend|swap)\(",
        "prompts are not combined; write one, with weights: (cat:1.2)",
    ),
    _Habit(
        "+",
        r"(?:(?<=[^\W\d_]{2})|(?<=\)))\+{1,9}(?=[\s,.)]|$)",
        "weights are written (cat:1.1)",
    ),
    _Habit(
        "--",
        r"(?:(?<=[^\W\d_]{2})|(?<=\)))-{2,9}(?=[\s,.)]|$)",
        "weights are written (cat:0.9)",
    ),
    _Habit(
        "--",
        r"(?:^|(?<=\s))--[a-z]{1,20}(?=\s|$)",
        "a prompt has no options; the node's other inputs are the settings",
    ),
    _Habit(
        "::",
        r"\w::[+-]?\d",
        "weights are written (cat:1.2)",
    ),
)
_COUNTED = (
    _Habit(
        "$$",
        r"\{[^{}$\n]{1,60}\$\$[^{}\n]{0,400}\}",
        "one of the choices is taken: {red|blue}; write it twice for two of them",
    ),
    _Habit(
        "::",
        r"\{\s{0,4}\d{0,9}\.?\d{1,9}::[^{}\n]{0,400}\}",
        "all choices are as likely; write one twice to have it twice as often: {red|red|blue}",
    ),
    _Habit(
        "${",
        r"\$\{[^{}\n]{1,200}\}",
        "there are no variables; link a text to several inputs instead",
    ),
    _Habit(
        "*",
        r"__[\w/-]{0,80}\*[\w/*-]{0,80}__",
        "a list is named in full: __colours__ is colours.txt",
    ),
)
_CHOICES = (
    *_COUNTED,
    _Habit(
        "|",
        r"\{[^{}|\n]{0,400}\|[^{}\n]{0,400}\}",
        "choices are settled by Wildcard; put the text there and link it here",
    ),
    _Habit(
        "__",
        r"__[^\W_](?:[\w/-]{0,80}?[^\W_])?__",
        "lists are read by Wildcard; put the text there and link it here",
    ),
    _Habit(
        "{{",
        r"\{\{[^{}\n]{1,200}\}\}",
        "weights are written (cat:1.1)",
    ),
)


def find_foreign(prompt: object) -> Iterator[str]:
    """Yield what in a prompt is of another program, and what does the same here."""
    if isinstance(prompt, str):
        yield from _habits_in(prompt, (*_TAGS, *_CHOICES, *_OPERATORS))


def find_foreign_choices(text: object) -> Iterator[str]:
    """The same of a text for Wildcard, whose own choices and lists it knows."""
    if isinstance(text, str):
        yield from _habits_in(text, (*_TAGS, *_COUNTED, *_OPERATORS))


def _habits_in(text: str, habits: tuple[_Habit, ...]) -> Iterator[str]:
    text, cures, spans = text[:_LOOKED], set[str](), list[tuple[int, int]]()
    for habit in habits:
        # Once for each thing to do: four ways of weighing are one mistake. And once for each piece.
        if habit.sign not in text or habit.instead in cures:
            continue
        match = re.search(habit.pattern, text)
        if match and all(match.end() <= start or end <= match.start() for start, end in spans):
            cures.add(habit.instead)
            spans.append(match.span())
            piece = match[0].strip()
            excerpt = piece if len(piece) <= 40 else f"{piece[:37]}…"
            yield f"{excerpt!r} is read as text; {habit.instead}"
