"""Keys: two values have the same one exactly when a node cannot tell them apart."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field, make_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from nodegraph.base.keys import KEY_BYTES, canonical, digest, digest_of, kind_id

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


class Colour(Enum):
    RED = 1
    BLUE = 2


class Rank(IntEnum):
    RED = 1


class Point(NamedTuple):
    x: int


@dataclass(frozen=True)
class Spot:
    x: int
    seen: object = field(default=None, compare=False)


class Box(BaseModel):
    x: int


class Loud(str):
    __slots__ = ()


class Whole(int):
    pass


class Half(float):
    __slots__ = ()


class Spots:
    class Inner:
        pass


def same(a: object, b: object) -> bool:
    """Whether two values agree in types, order and content, down to the sign of zero."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return repr(a) == repr(b)
    return bool(a == b)


@given(VALUES, VALUES)
def test_two_values_are_spelled_alike_exactly_when_they_are_the_same(a: Any, b: Any) -> None:
    assert same(a, b) == (canonical(a) == canonical(b))


@settings(max_examples=50)
@given(st.dictionaries(st.text(), VALUES))
def test_the_order_of_a_dict_does_not_matter(entries: dict[str, Any]) -> None:
    backwards = dict(reversed(entries.items()))

    assert canonical(entries) == canonical(backwards)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_lists_of_parts_have_the_same_digest_only_if_they_are_the_same(
    a: list[bytes], b: list[bytes]
) -> None:
    assert (a == b) == (digest(*a) == digest(*b))


def test_no_two_values_that_look_alike_are_spelled_alike() -> None:
    alike = [
        1, True, 1.0, "1", b"1", "True", None, "None", 0.0, -0.0, False, 0, "", [], (), {}, set(),
        frozenset(), [1], (1,), {1}, {1: 1}, {"1": 1}, "[1]", [[1]], [1, 1], Path("1"), Decimal(1),
        1 + 0j, Colour.RED, Colour.BLUE, Rank.RED, Point(1), Spot(1), Spot(2), Box(x=1),
        Loud("1"), Half(1.0), Whole(1), OrderedDict({"1": 1}), date(1, 1, 1), math.inf, -math.inf,
        math.nan, "nan", 10**30, float(10**30), bytearray(b"1"), range(1),
    ]  # fmt: skip

    spelled = [canonical(value) for value in alike]

    assert [(a, b) for a, b in combinations(spelled, 2) if a == b] == []


def test_every_nan_is_the_same() -> None:
    assert canonical(math.nan) == canonical(-math.nan)


def test_a_number_of_any_length_can_be_spelled() -> None:
    assert canonical(10**5000) != canonical(10**5000 + 1)


def test_text_that_is_no_unicode_can_be_spelled() -> None:
    assert canonical("\udc80") != canonical("\udc81")


def test_a_path_is_its_text() -> None:
    assert canonical(PurePosixPath("a/b")) == canonical(Path("a") / "b")


def test_what_a_dataclass_does_not_compare_is_no_part_of_its_key() -> None:
    assert canonical(Spot(1, seen="yes")) == canonical(Spot(1, seen="no"))


def test_what_cannot_be_spelled_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="a value of type object cannot be part of a key"):
        canonical({"x": [object()]})


def test_what_cannot_be_spelled_may_be_by_somebody_else() -> None:
    spelled = canonical([object()], lambda value: f"<{type(value).__name__}>")

    assert spelled == b"[builtins.object(<object>)]"


def test_a_key_has_twenty_bytes() -> None:
    assert len(digest(b"a")) == KEY_BYTES


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_much_data_has_the_same_digest_as_little(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    assert digest_of(memoryview(data)) == digest(data)


def test_a_class_is_known_by_its_package_and_its_name_not_by_its_module() -> None:
    assert kind_id(Spot) == "tests.Spot"
    assert kind_id(Spots.Inner) == "tests.Spots.Inner"


def test_a_value_whose_class_is_moved_keeps_its_spelling() -> None:
    before = make_dataclass("Pin", ["x"], namespace={"__module__": "pictures.old"})
    after = make_dataclass("Pin", ["x"], namespace={"__module__": "pictures.new.place"})

    assert canonical(before(x=1)) == canonical(after(x=1)) == b"pictures.Pin(x=0x1)"
