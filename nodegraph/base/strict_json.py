"""Strict JSON: every name once in its object, finite numbers, whole characters, bounded depth."""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any

from .characters import broken_text, excerpt, strings

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEPS))
_NUL = re.compile(rb"\\u0000")
_HALF = re.compile("[\ud800-\udfff]|\\\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """A text that is no JSON, or says what JSON cannot mean.

    Its message is a predicate (``is not JSON; line 1, …``), for whoever reads to put a subject to.
    """


def parse_bounded(data: bytes, depth: int) -> Any:
    """Read JSON that somebody sent, in UTF-8 and nested at most ``depth`` levels.

    Raises:
        StrictJsonError: as ``parse``; it is nested too deeply, or has the character NUL, which no
            database and no file name takes.
    """
    # Before the parser sees it: that would need a frame of the C stack for each level.
    if deepest(data) > depth:
        raise StrictJsonError(f"is nested too deeply; at most {depth} levels are read")
    try:
        value = parse(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"is not text in UTF-8 (byte {error.start})") from error
    # JSON has no bare NUL: only an escape can bring one in.
    if _NUL.search(data) and any("\0" in text for text in strings(value)):
        raise StrictJsonError("has the character NUL")
    return value


def parse(text: str) -> Any:
    """Read JSON.

    Raises:
        StrictJsonError: it is none, is nested too deeply for Python, has a name twice in one
            object, a number that is none (NaN) or too large (1e999), or half of a character.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        place = f"line {error.lineno}, column {error.colno}"
        raise StrictJsonError(f"is not JSON; {place}: {reason}") from error
    except RecursionError as error:
        raise StrictJsonError("is nested too deeply") from error
    except StrictJsonError:
        raise
    except ValueError as error:  # an integer of more digits than Python converts
        raise StrictJsonError(f"is not JSON; {error}") from error
    # Two escapes may be one character: only what was read shows which are halves.
    if _HALF.search(text) and (broken := broken_text(value)) is not None:
        raise StrictJsonError(f"has half of a character (a lone surrogate) in {excerpt(broken)}")
    return value


def deepest(data: bytes) -> int:
    """How many levels deep the brackets go; those inside of strings count for nothing."""
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise StrictJsonError(f"has {twice[:100]!r} twice in one object")
    return unique


def _no_constant(text: str) -> Any:
    raise StrictJsonError(f"has the number {text}, which JSON does not have")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise StrictJsonError("has a number that is too large")
    return number
