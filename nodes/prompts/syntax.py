"""Prompts as they are written: brackets that weigh words, BREAK, and how tokens fill chunks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

LONGEST = 100_000
"""Letters of a prompt that is read."""
EMPHASIS = 1.1
"""The factor of a pair of round brackets; a pair of square ones divides by it."""

_TOKEN = re.compile(r"\\[\\()\[\]]|[()\[\]\\]|[^()\[\]\\]+")
_NUMBER = re.compile(r":\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*$", re.ASCII)
_BREAK = re.compile(r"\bBREAK\b")
_OPENS = {")": "(", "]": "["}


class Piece(NamedTuple):
    """Text of which every word counts the same."""

    text: str
    weight: float


class Unit(NamedTuple):
    """Tokens that one chunk should hold together, and how much they count."""

    ids: tuple[int, ...]
    weight: float


class Chunk(NamedTuple):
    """Tokens that a text encoder reads at once, without its begin and end, and their weights."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


Section: TypeAlias = tuple[Piece, ...]


def too_long(prompt: str) -> str:
    """What is wrong with a prompt that is longer than any that is read; empty where it is not."""
    letters = len(prompt)
    return f"has {letters:,} letters; {LONGEST:,} are the most" if letters > LONGEST else ""


def parse(prompt: str) -> list[Section]:
    """Read the weights out of a prompt; any text is one: a bracket without its partner is text.

    Returns:
        The sections between one ``BREAK`` and the next, never none: ``()`` of an empty prompt.
    """
    sections: list[list[Piece]] = [[]]
    for text, weight in _pieces(prompt):
        first, *following = _parted(text)
        sections[-1].append(Piece(first, weight))
        sections += [[Piece(part, weight)] for part in following]
    merged = [tuple(_merged(section)) for section in sections]
    return [section for section in merged if section] or [()]


def _parted(text: str) -> list[str]:
    """A text cut at every BREAK, without the blanks around it."""
    # Not by a pattern that begins with blanks: that is tried anew at each one of a long row.
    parts = _BREAK.split(text)
    last = len(parts) - 1
    return [
        (part.lstrip() if place else part)
        if place == last
        else (part.strip() if place else part.rstrip())
        for place, part in enumerate(parts)
    ]


def _pieces(prompt: str) -> Iterator[Piece]:
    """Yield plain text, each with the product of the weights of all brackets around it."""
    tokens: list[str] = _TOKEN.findall(prompt)
    closers = _pairs(tokens)
    closing = set(closers.values())
    weights = [1.0]
    for index, token in enumerate(tokens):
        if index in closers:
            weights.append(weights[-1] * _factor(tokens, index, closers[index]))
        elif index in closing:
            weights.pop()
        elif token[0] == "\\":
            yield Piece(token[1:] or token, weights[-1])
        elif index + 1 in closing and tokens[index + 1] == ")":
            yield Piece(_NUMBER.sub("", token), weights[-1])
        else:
            yield Piece(token, weights[-1])


def _pairs(tokens: Sequence[str]) -> Mapping[int, int]:
    """Where the brackets close that open at each place; those without a partner are left out."""
    opened: dict[str, list[int]] = {"(": [], "[": []}
    closers: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token in opened:
            opened[token].append(index)
        elif (opener := _OPENS.get(token)) and opened[opener]:
            start = opened[opener].pop()
            closers[start] = index
            # Brackets of the other kind that opened inside can close no more: they are text.
            for inside in opened.values():
                while inside and inside[-1] > start:
                    inside.pop()
    return closers


def _factor(tokens: Sequence[str], start: int, end: int) -> float:
    if tokens[start] == "[":
        return 1 / EMPHASIS
    # An escaped bracket is text, but no place for a number.
    number = _NUMBER.search(tokens[end - 1]) if tokens[end - 1][0] != "\\" else None
    return float(number[1]) if number else EMPHASIS


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours of the same weight, and leave out what has no text."""
    texts = (piece for piece in pieces if piece.text)
    for weight, same in groupby(texts, key=lambda piece: piece.weight):
        yield Piece("".join(piece.text for piece in same), weight)


def split(text: str, words: Iterable[str]) -> list[str]:
    """Cut a text before and after each of ``words``, written in any case: they are the odd pieces.

    A word that begins or ends in a letter or digit is not found inside a longer one.
    """
    longest_first = sorted(words, key=len, reverse=True)
    if not longest_first:
        return [text]
    return re.split(f"({'|'.join(map(_alone, longest_first))})", text, flags=re.IGNORECASE)


def _alone(word: str) -> str:
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", word) else ""
    return f"{before}{re.escape(word)}{after}"


def fill(sections: Iterable[Iterable[Unit]], room: int) -> list[Chunk]:
    """Fill chunks of ``room`` tokens; a section begins a new one, a unit is cut only if it must."""
    return [chunk for section in sections for row in _rows(section, room) for chunk in row]


def _rows(section: Iterable[Unit], room: int) -> Iterator[list[Chunk]]:
    """Yield chunks full of tokens, ended early where the next unit fits into none but a new one."""
    row: list[tuple[int, float]] = []
    for unit in section:
        if len(row) % room + len(unit.ids) > room >= len(unit.ids):
            yield _cut(row, room)
            row = []
        row += [(token, unit.weight) for token in unit.ids]
    yield _cut(row, room)


def _cut(row: Sequence[tuple[int, float]], room: int) -> list[Chunk]:
    parts = [row[start : start + room] for start in range(0, len(row) or 1, room)]
    return [Chunk(tuple(t for t, _ in part), tuple(w for _, w in part)) for part in parts]
