"""Vocabularies of text encoders: whether all of one is there, for its library makes up the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError

from .folders import read_json

WHOLE = "tokenizer.json"
PAIR = ("vocab.json", "merges.txt")
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_END = "</w>"
_BYTES = 512
"""Tokens of one byte, within a word and at its end: every vocabulary of CLIP's begins with them."""


def check_tokenizer(folder: Path, room: int | None = None) -> None:
    """Refuse a folder of which the tokenizer's library would make up a part, or all.

    Args:
        room: The tokens that the text encoder has vectors for.

    Raises:
        UserError: What is missing or damaged, and where.
    """
    if not folder.is_dir():
        raise UserError(
            f"model: there is no folder {str(folder)!r}, whose vocabulary cuts prompts into tokens"
            f" ({WHOLE}, or {' and '.join(PAIR)})"
        )
    if problem := missing_file({path.name for path in folder.iterdir() if path.is_file()}):
        raise UserError(f"model: the tokenizer's folder {str(folder)!r} has no {problem}")
    files = [folder / name for name in (WHOLE, *PAIR, *SETTINGS) if (folder / name).is_file()]
    last = _highest.get(files, lambda: _checked(folder))
    if room is not None and last >= room:
        raise UserError(
            f"model: the vocabulary in {str(folder)!r} has tokens up to {last}, but the text"
            f" encoder knows {room}; they are not of one model"
        )


def missing_file(names: set[str]) -> str:
    """The file that a vocabulary lacks, by the names of those that are there; empty if none."""
    if WHOLE in names or names.issuperset(PAIR):
        return ""
    missing = [name for name in PAIR if name not in names]
    return missing[0] if len(missing) == 1 else f"{WHOLE}, nor {' and '.join(PAIR)}"


_highest: FileMemo[int] = FileMemo(16)


def _checked(folder: Path) -> int:
    """Check the files of a vocabulary; returns its highest token."""
    for name in SETTINGS:
        if (folder / name).is_file():
            read_json(folder / name)
    place, vocabulary, merges = _read(folder)
    tokens = [value for value in vocabulary.values() if type(value) is int]
    if not vocabulary or len(tokens) != len(vocabulary):
        raise UserError(f"model: {str(place)!r} holds no vocabulary")
    if missing := _unmade(vocabulary, merges):
        where = place if place.name == WHOLE else folder / PAIR[1]
        raise UserError(
            f"model: {str(where)!r} is not whole: it does not say how {missing[0]!r}"
            f" is put together{f', and {len(missing) - 1} more' * (len(missing) > 1)}"
        )
    return max(tokens)


def _read(folder: Path) -> tuple[Path, Mapping[str, Any], set[str]]:
    """The vocabulary, and the tokens that are put together of two, as the library takes them."""
    whole = folder / WHOLE
    if whole.is_file():
        model = read_json(whole).get("model")
        vocabulary = model.get("vocab") if isinstance(model, dict) else None
        pairs = model.get("merges") if isinstance(model, dict) else None
        if not isinstance(vocabulary, dict) or not isinstance(pairs, list):
            raise UserError(f"model: {str(whole)!r} holds no vocabulary with merges")
        # "a b" of older files, ["a", "b"] of newer ones
        joined = {pair.replace(" ", "") if isinstance(pair, str) else "".join(map(str, pair))
                  for pair in pairs if isinstance(pair, str | list)}  # fmt: skip
        return whole, vocabulary, joined
    place = folder / PAIR[0]
    try:
        lines = (folder / PAIR[1]).read_text("utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise UserError(f"model: {str(folder / PAIR[1])!r} cannot be read: {error}") from error
    return place, read_json(place), {line.replace(" ", "") for line in lines}


def _unmade(vocabulary: Mapping[str, int], merges: set[str]) -> list[str]:
    """Tokens of several letters that no merge makes: then a part of the merges is not there."""
    letters = [token for token in vocabulary if len(token.removesuffix(_END)) == 1]
    # A vocabulary made up for tests has not all bytes, and anything in it.
    if len(letters) < _BYTES:
        return []
    # Marks such as <|startoftext|>, and words that somebody added, come last and whole.
    marks = [number for token, number in vocabulary.items() if re.fullmatch(r"<\|.*\|>", token)]
    last = min(marks, default=len(vocabulary))
    single = set(letters)
    return [
        token
        for token, number in vocabulary.items()
        if number < last and token not in single and token not in merges
    ]
