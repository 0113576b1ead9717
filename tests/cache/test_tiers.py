"""Tiers in memory: what goes first, and that nothing a run needs is lost."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from nodegraph.cache import Cache
from tests.support.caching import SMALL, blob, key, number, where
from tests.support.pretend import (
    DEVICE,
    MB,
    Paint,
    Pretend,
)


@pytest.fixture
def cache(pretend: Pretend) -> Cache:
    return Cache.in_memory(SMALL, pretend)


class TestTiers:
    """A device of 3 MB over a host of 4 MB."""

    def test_what_is_cheapest_to_make_again_goes_first(self, cache: Cache) -> None:
        for name, seconds in [("a", 3.0), ("b", 1.0), ("c", 2.0), ("d", 4.0)]:
            blob(cache, name, MB - 1000, seconds)

        assert where(cache, *"abcd") == {"a": DEVICE, "b": "cpu", "c": DEVICE, "d": DEVICE}

    def test_what_holds_most_bytes_for_its_cost_goes_first(self, cache: Cache) -> None:
        blob(cache, "big", 2 * MB)
        blob(cache, "small", MB // 2)
        blob(cache, "new", MB)

        assert where(cache, "big", "small", "new") == {"big": "cpu", "small": DEVICE, "new": DEVICE}

    def test_disuse_ages_what_was_dear(self, cache: Cache) -> None:
        blob(cache, "dear", MB - 1000, 3.0)
        for i in range(20):
            blob(cache, str(i), MB - 1000, 1.0)

        assert where(cache, "dear") != {"dear": DEVICE}

    def test_use_keeps_what_was_cheap(self, cache: Cache) -> None:
        blob(cache, "used", MB - 1000)
        for i in range(20):
            blob(cache, str(i), MB - 1000)
            assert where(cache, "used") == {"used": DEVICE}

    def test_over_both_budgets_values_are_dropped(self, cache: Cache, pretend: Pretend) -> None:
        for i in range(20):
            blob(cache, str(i), MB - 1000)

        assert len(where(cache, *map(str, range(20)))) == 3 + 4
        assert pretend.used[DEVICE] <= 3 * MB
        assert pretend.used["cpu"] <= 4 * MB

    def test_what_is_pinned_moves_but_is_never_lost(self, cache: Cache) -> None:
        names = [str(i) for i in range(10)]
        for name in names:
            cache.pin(key(name))
            blob(cache, name, MB - 1000)
        blob(cache, "other", MB - 1000)

        assert set(where(cache, *names)) == set(names)

    def test_what_is_no_longer_pinned_goes_at_once_when_room_is_short(
        self, cache: Cache, pretend: Pretend
    ) -> None:
        names = [str(i) for i in range(10)]
        for name in names:
            cache.pin(key(name))
            cache.pin(key(name))
            blob(cache, name, MB - 1000)
        for name in names:
            cache.unpin(key(name))
        assert len(where(cache, *names)) == 10

        for name in names:
            cache.unpin(key(name))

        assert len(where(cache, *names)) == 7
        assert pretend.used["cpu"] <= 4 * MB

    def test_unpinned_values_leave_the_device_before_pinned_ones(self, cache: Cache) -> None:
        cache.pin(key("a"))
        for name, seconds in [("a", 0.1), ("b", 9.0), ("c", 9.0), ("d", 9.0)]:
            blob(cache, name, MB - 1000, seconds)

        assert where(cache, "a") == {"a": DEVICE}

    def test_unpinning_what_is_not_pinned_does_nothing(self, cache: Cache) -> None:
        cache.unpin(key("a"))

        assert not cache.has(key("a"))

    def test_a_value_comes_back_to_the_device_as_it_was(
        self, cache: Cache, pretend: Pretend
    ) -> None:
        record = blob(cache, "a")
        cache.shrink()
        assert where(cache, "a") == {"a": "cpu"}

        back: Any = cache.get(key("a"), Paint, DEVICE)

        assert back.blob.block.device == DEVICE
        assert pretend.moves == [(DEVICE, "cpu"), ("cpu", DEVICE)]
        assert where(cache, "a") == {"a": DEVICE}
        assert (
            cache.put(key("b"), back, kind=Paint, seconds=1, parts=dict).digests == record.digests
        )

    def test_what_was_made_on_the_host_stays_there(self, cache: Cache, pretend: Pretend) -> None:
        blob(cache, "a", device="cpu")

        cache.get(key("a"), Paint, DEVICE)

        assert pretend.moves == []

    def test_a_value_on_another_device_is_copied(self, cache: Cache) -> None:
        blob(cache, "a")

        there: Any = cache.get(key("a"), Paint, "pretend:1")

        assert there.blob.block.device == "pretend:1"
        assert where(cache, "a") == {"a": DEVICE}

    def test_putting_again_replaces(self, cache: Cache, pretend: Pretend) -> None:
        blob(cache, "a", 1000)
        blob(cache, "a", 2000, device="cpu")

        assert where(cache, "a") == {"a": "cpu"}
        assert pretend.used == {DEVICE: 0, "cpu": 2000}

    def test_shrinking_frees_as_much_as_asked_for(self, cache: Cache, pretend: Pretend) -> None:
        for name in "abc":
            blob(cache, name, MB - 1000)

        freed = cache.shrink(MB)

        assert freed == 2 * (MB - 1000 + 256)
        assert pretend.used[DEVICE] == MB - 1000
        assert pretend.trims == 1

    def test_without_a_device_shrinking_frees_the_host(self, cache: Cache) -> None:
        blob(cache, "a", device="cpu")
        cache.pin(key("b"))
        blob(cache, "b", device="cpu")

        cache.shrink()

        assert where(cache, "a", "b") == {"b": "cpu"}

    def test_a_failed_move_loses_nothing(
        self, cache: Cache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blob(cache, "a")

        def fail(*_: object) -> None:
            raise MemoryError

        with monkeypatch.context() as patch:
            patch.setattr(cache.tensors, "move", fail)
            with pytest.raises(MemoryError):
                cache.shrink()

        assert where(cache, "a") == {"a": DEVICE}
        assert cache.shrink() > 0

    def test_what_is_dropped_on_its_way_stays_dropped(
        self, cache: Cache, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blob(cache, "a")
        move = pretend.move

        def dropping(leaf: Any, device: str) -> Any:
            assert cache.has(key("a"))
            cache.drop(key("a"))
            return move(leaf, device)

        monkeypatch.setattr(pretend, "move", dropping)
        cache.shrink()

        assert not cache.has(key("a"))

    def test_what_is_dropped_on_its_way_up_stays_dropped(
        self, cache: Cache, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blob(cache, "a")
        cache.shrink()
        move = pretend.move

        def dropping(leaf: Any, device: str) -> Any:
            cache.drop(key("a"))
            return move(leaf, device)

        monkeypatch.setattr(pretend, "move", dropping)

        assert cache.get(key("a"), Paint, DEVICE) is not None
        assert not cache.has(key("a"))

    def test_budgets_are_measured_when_none_are_given(self, pretend: Pretend) -> None:
        cache = Cache.in_memory(tensors=pretend)
        blob(cache, "a")

        sizes = cache.sizes()

        assert sizes["host"].budget == 16 * MB
        assert sizes[DEVICE].budget == int(0.8 * 7 * MB)

    def test_sizes_tell_how_full_every_tier_is(self, cache: Cache) -> None:
        blob(cache, "a", 1000)
        number(cache, 1)

        sizes = cache.sizes()

        assert (sizes["host"].entries, sizes["host"].bytes) == (1, 256)
        assert (sizes[DEVICE].entries, sizes[DEVICE].bytes) == (1, 1256)

    def test_threads_may_put_and_get_at_once(self, cache: Cache) -> None:
        failures: list[BaseException] = []

        def work(which: int) -> None:
            try:
                for i in range(60):
                    name = f"{(which * 7 + i) % 13}"
                    cache.pin(key(name))
                    if cache.get(key(name), Paint, DEVICE) is None:
                        blob(cache, name, MB // 4)
                    assert cache.has(key(name))
                    cache.unpin(key(name))
            except BaseException as error:
                failures.append(error)

        threads = [Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert failures == []
        sizes = cache.sizes()
        assert sizes[DEVICE].bytes <= 3 * MB
        assert sizes["host"].bytes <= 4 * MB
