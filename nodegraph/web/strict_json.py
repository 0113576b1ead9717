"""Read JSON that somebody sent: its depth is known before the parser sees it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from starlette.requests import Request

from .errors import ApiError

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_OTHERS = bytes(set(range(256)) - set(_STEPS))
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class StrictRequest(Request):
    """A request whose JSON is read strictly; ``scope["depth"]`` says how deep it may go."""

    async def json(self) -> Any:
        return parse(await self.body(), self.scope.get("depth", 64))


def parse(data: bytes, depth: int) -> Any:
    """Read JSON in UTF-8.

    Raises:
        ApiError: it is none, or says what JSON cannot mean: a name twice, NaN, half a character.
    """
    if deepest(data) > depth:
        raise ApiError(400, f"the body is nested too deeply; at most {depth} levels are read")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise ApiError(400, f"the body is not text in UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ApiError(400, f"the body is not JSON ({where}: {error.msg.lower()})") from error
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is not JSON: {error}") from error
    if _SUSPICIOUS.search(data):
        for text in _strings(value):
            _check(text)
    return value


def deepest(data: bytes) -> int:
    """How deep the brackets go; those inside of strings count for nothing."""
    brackets = _STRING.sub(b"", data).translate(None, _OTHERS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise ValueError("it has a name twice in one object")
    return unique


def _no_constant(text: str) -> Any:
    raise ValueError(f"it has the number {text}")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("it has a number that is too large")
    return number


def _strings(value: Any) -> Iterator[str]:
    """Every string in it, names included; without recursion."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one
            waiting += one.values()


def _check(text: str) -> None:
    if "\0" in text:
        raise ApiError(400, "the body has the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ApiError(400, "the body has half of a character (a lone surrogate)") from error
