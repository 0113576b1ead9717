"""JSON from outside: its values are counted before any is made, in one pass over its bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph.base.strict_json import StrictJsonError, parse, parse_bounded

from ..support.counting import work

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\[]{},:é'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='a"\\[,'), inner),
    max_leaves=20,
)


def count(value: Any) -> int:
    """The values in a value, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(count, inner))


@given(JSON)
def test_what_has_as_many_values_as_may_be_is_read_as_it_is(value: Any) -> None:
    data = json.dumps(value).encode()
    filled = count(value) + data.count(b"[]") + data.count(b"{}")

    assert parse_bounded(data, 50, filled + 1) == value


@given(JSON, st.integers(1, 20))
def test_what_has_more_values_than_may_be_is_refused(value: Any, most: int) -> None:
    data = json.dumps([value] * most).encode()

    with pytest.raises(StrictJsonError, match=f"has too many values; at most {most} are read"):
        parse_bounded(data, 50, most)


@pytest.mark.parametrize(
    "data",
    [
        b"[" + b"[]," * 1000 + b"[]]",
        b"[" + b"{}," * 1000 + b"{}]",
        b'{"a":' + b"[" * 1000,
        b'""' * 5000,
        b'"' * 5000,
        b"[" + b"1," * 1000 + b"1]",
        b'["' + b'","' * 5000 + b'"]',
    ],
    ids=lambda data: repr(data[:12]),
)
def test_more_values_than_may_be_are_never_made(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was read"))

    with pytest.raises(StrictJsonError, match="too many values"):
        parse_bounded(data, 10_000, 1000)


@pytest.mark.parametrize(
    "data",
    [
        '{"a": "[[[[{{{{,,,,"}',
        '["\\"[[[[", "\\\\", "[[\\\\\\"[["]',
        '{"[[[[": 1}',
    ],
)
def test_signs_in_a_string_count_for_nothing(data: str) -> None:
    assert parse_bounded(data.encode(), 2, 5) == json.loads(data)


def test_a_name_that_comes_twice_is_found_in_one_pass() -> None:
    def read(names: int) -> int:
        text = "{" + ", ".join(f'"n{i}": 1' for i in range(names)) + f', "n{names - 1}": 2}}'

        def act() -> None:
            with pytest.raises(StrictJsonError, match=f"has 'n{names - 1}' twice in one object"):
                parse(text)

        return work(act)

    read(10)

    assert read(2000) < 2.5 * read(1000)
