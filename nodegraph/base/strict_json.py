"""Strict JSON: every name once in its object, finite numbers, whole characters, bounded depth."""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any

from .characters import broken_text, excerpt, strings

_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_SIGNS = bytes(set(range(256)) - {*_STEPS, ord(",")})
_NUL = re.compile(rb"\\u0000")
_HALF = re.compile("[\ud800-\udfff]|\\\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """A text that is no JSON, or says what JSON cannot mean.

    Its message is a predicate (``is not JSON; line 1, …``), for whoever reads to put a subject to.
    """


def parse_bounded(data: bytes, depth: int, values: int | None = None) -> Any:
    """Read JSON that somebody sent, in UTF-8 and nested at most ``depth`` levels.

    Args:
        values: As many numbers, texts, lists, … it may have in all. Two bytes can be a list, which
            takes a hundred times as much memory: bytes alone are no bound.

    Raises:
        StrictJsonError: as ``parse``; it has too many values, is nested too deeply, or has the
            character NUL, which no database and no file name takes.
    """
    # Before the parser sees it: that would make every value, and need a frame of the C stack for
    # each level.
    signs = _signs(data, values)
    if values is not None and _count_values(signs) > values:
        raise _too_many(values)
    if _deepest(signs) > depth:
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


def _count_values(signs: bytes) -> int:
    """At most so many values are in a text with these brackets and commas, in and out of lists."""
    return 1 + signs.count(b",") + signs.count(b"[") + signs.count(b"{")


def _signs(data: bytes, values: int | None) -> bytes:
    """The brackets and commas outside of strings, in their order.

    By a few passes of bytes, none of which makes anything of a single value: a regular expression
    takes a second for millions of strings, and no other thread runs meanwhile.
    """
    # Without these every quotation mark begins or ends a string. Backslashes outside of strings are
    # no JSON, whatever becomes of them here.
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    # Every string is a value or the name of one, and is cut out as an object of its own.
    if values is not None and plain.count(b'"') > 4 * values:
        raise _too_many(values)
    return b"".join(plain.split(b'"')[::2]).translate(None, _NO_SIGNS)


def _deepest(signs: bytes) -> int:
    brackets = signs.translate(None, b",")
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _too_many(values: int) -> StrictJsonError:
    return StrictJsonError(f"has too many values; at most {values:,} are read")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise StrictJsonError(f"has {name[:100]!r} twice in one object")
            seen.add(name)
    return unique


def _no_constant(text: str) -> Any:
    raise StrictJsonError(f"has the number {text}, which JSON does not have")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise StrictJsonError("has a number that is too large")
    return number
