"""Weights made of other weights: made once, held like all others, and made again."""

from __future__ import annotations

from typing import Any

import pytest

from nodegraph.base.keys import digest
from nodegraph.cache import Budgets, Cache
from nodegraph.cache.pool import Pool
from tests.support.pretend import (
    DEVICE,
    MB,
    OTHER,
    Blob,
    Blobbed,
    Paint,
    Pretend,
    PretendRef,
    PretendWeights,
    load,
)

pytestmark = pytest.mark.usefixtures("even_clock")


@pytest.fixture
def cache(pretend: Pretend) -> Cache:
    return Cache.in_memory(Budgets(device=4 * MB, host=4 * MB), pretend)


class Sum:
    """A reference to weights of which some are made of others'."""

    def __init__(self, *parts: PretendRef, size: int = MB, how: str = "") -> None:
        self.parts, self.size = parts, size
        self.key, self.derived_key = "sum", " + ".join(part.key for part in parts) + how
        self.makes: list[list[str]] = []

    def make(self, parts: list[Any]) -> PretendWeights:
        self.makes.append([part.block.device for part in parts])
        return PretendWeights(self.parts[0].pretend.block(self.size, parts[0].block.device))

    def compose(self, base: Any, made: Any) -> list[Any]:
        return [base, made]

    def load(self, device: str, dtype: str) -> Any:
        raise AssertionError(f"composed, not loaded as {dtype} onto {device}")


def test_what_is_made_of_other_weights_loads_each_once(pool: Pool, pretend: Pretend) -> None:
    base, one, other = (PretendRef(name, MB // 2, pretend) for name in ("base", "one", "other"))

    with pool.lease(base, DEVICE, "float16") as alone:
        pass
    with (
        pool.lease(Sum(base, one), DEVICE, "float16") as first,
        pool.lease(Sum(base, other, one), DEVICE, "float16") as second,
    ):
        assert first[0] is second[0] is alone
        assert first[1] is not second[1]

    assert [len(ref.loads) for ref in (base, one, other)] == [1, 1, 1]


def test_what_is_made_is_made_once_and_counted(cache: Cache, pool: Pool, pretend: Pretend) -> None:
    base, more = PretendRef("base", MB, pretend), PretendRef("more", MB // 4, pretend)
    refs = [Sum(base, more, size=MB // 2) for _ in range(2)]
    made = []

    for ref in refs:
        with pool.lease(ref, DEVICE, "float16") as both:
            made.append(both[1])

    assert made[0] is made[1]
    assert [ref.makes for ref in refs] == [[[DEVICE, DEVICE]], []]
    assert cache.sizes()[DEVICE].bytes == pretend.used[DEVICE] == MB + MB // 4 + MB // 2


def test_what_is_made_otherwise_is_made_anew_of_what_is_loaded(
    pool: Pool, pretend: Pretend
) -> None:
    base, more = PretendRef("base", MB, pretend), PretendRef("more", MB // 4, pretend)
    refs = [Sum(base, more, how=how) for how in (" x 0.5", " x 1.0")]

    made = []
    for ref in refs:
        with pool.lease(ref, DEVICE, "float16") as both:
            made.append(both[1])

    assert made[0] is not made[1]
    assert [len(ref.loads) for ref in (base, more)] == [1, 1]


def test_what_is_made_goes_where_room_is_short_and_is_made_again(
    pool: Pool, pretend: Pretend
) -> None:
    base, more = PretendRef("base", 2 * MB, pretend), PretendRef("more", MB // 4, pretend)
    refs = [Sum(base, more, how=f" x {i}") for i in range(9)]
    for part in (base, more):
        load(pool, part, DEVICE, "float16")

    for ref in [*refs, refs[0]]:
        with pool.lease(ref, DEVICE, "float16") as (weights, made):
            assert weights.block.device == made.block.device == DEVICE
        assert pretend.used[DEVICE] <= 4 * MB
        assert pretend.used["cpu"] <= 4 * MB

    assert len(refs[0].makes) == 2
    assert len(base.loads) == 1


def test_what_changes_weights_is_not_needed_once_they_are_made(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    base, more = PretendRef("base", MB, pretend), PretendRef("more", MB, pretend)
    ref = Sum(base, more)
    load(pool, ref, DEVICE, "float16")

    with pool.lease(ref, DEVICE, "float16"):
        cache.shrink()

        assert pretend.used == {DEVICE: 2 * MB, "cpu": MB}


def test_the_weights_under_a_lease_do_not_move(cache: Cache, pool: Pool, pretend: Pretend) -> None:
    base, more = PretendRef("base", 2 * MB, pretend), PretendRef("more", MB, pretend)

    with pool.lease(Sum(base, more), DEVICE, "float16") as parts:
        for name in (b"a", b"b", b"c"):
            output = Blobbed(blob=Blob(pretend.block(MB)))
            cache.put(digest(name), output, kind=Paint, seconds=60, parts=dict)

        assert [part.block.device for part in parts] == [DEVICE, DEVICE]


@pytest.mark.parametrize("broken", ["make", "compose"])
def test_weights_that_fail_to_compose_give_their_parts_back(
    pool: Pool, pretend: Pretend, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, more = PretendRef("base", MB, pretend), PretendRef("more", MB, pretend)

    def fail(*_: object) -> Any:
        raise RuntimeError("out of paint")

    monkeypatch.setattr(Sum, broken, fail)
    with (
        pytest.raises(RuntimeError, match="out of paint"),
        pool.lease(Sum(base, more), DEVICE, "float16"),
    ):
        pass

    # On another device than one that is leased it would wait for ever.
    for ref in (base, more):
        load(pool, ref, OTHER, "float16")
