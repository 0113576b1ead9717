"""The cache: what it keeps, what goes first, and that nothing a run needs is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from nodegraph.base.keys import Key, canonical, digest
from nodegraph.cache import Budgets, Cache, Record, default_folder
from nodegraph.cache import notes as notes_module
from nodegraph.node import Node, Output
from tests.support.pretend import (
    DEVICE,
    MB,
    Blob,
    Blobbed,
    Count,
    Number,
    Paint,
    Pretend,
    PretendOutOfMemoryError,
)
from tests.support.storing import Draw, made

SMALL = Budgets(device=3 * MB, host=4 * MB)


def key(name: object) -> Key:
    return digest(str(name).encode())


@pytest.fixture
def pretend() -> Pretend:
    return Pretend()


@pytest.fixture
def cache(pretend: Pretend) -> Cache:
    return Cache.in_memory(SMALL, pretend)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Cache]:
    kept = Cache(tmp_path, Budgets(host=MB))
    yield kept
    kept.close()


def blob(
    cache: Cache, name: str, size: int = MB, seconds: float = 1.0, device: str = DEVICE
) -> Record:
    """Put a blob of so many bytes, which took so long to make."""
    assert isinstance(cache.tensors, Pretend)
    fill = sum(map(ord, name)) % 256
    output = Blobbed(blob=Blob(cache.tensors.block(size, device, fill)))
    return cache.put(key(name), output, kind=Paint, seconds=seconds, parts=dict)


def number(cache: Cache, value: int, seconds: float = 1e-5) -> Record:
    return cache.put(
        key(value), Number(value=value), kind=Count, seconds=seconds,
        parts=lambda: {"value": str(value)},
    )  # fmt: skip


def draw(cache: Cache, seed: int, seconds: float = 1.0, size: int = 64) -> Record:
    return cache.put(
        key(seed), made(seed, size), kind=Draw, seconds=seconds, parts=lambda: {"seed": str(seed)}
    )


def where(cache: Cache, *names: str) -> dict[str, str]:
    """Tell on which device every blob lies that is still held."""
    outputs = {name: cache.get(key(name), Paint) for name in names}
    return {n: o.blob.block.device for n, o in outputs.items() if isinstance(o, Blobbed)}


def test_what_is_put_can_be_had_again(cache: Cache) -> None:
    output = Number(value=3)

    record = cache.put(key(3), output, kind=Count, seconds=0.5, parts=lambda: {"value": "3"})

    assert cache.get(key(3), Count) is output
    assert cache.has(key(3))
    assert cache.record(key(3)) is record
    assert record == Record({"value": digest(canonical(3))}, 0.5, 256, {"value": "3"})


def test_what_was_never_put_is_a_miss(cache: Cache) -> None:
    assert not cache.has(key(1))
    assert cache.get(key(1), Count) is None
    assert cache.record(key(1)) is None


def test_a_dropped_value_is_gone_but_on_record(cache: Cache) -> None:
    number(cache, 1)

    cache.drop(key(1))

    assert not cache.has(key(1))
    assert cache.record(key(1)) is not None


def test_running_out_of_memory_is_told_from_other_failures(cache: Cache) -> None:
    assert cache.is_oom(PretendOutOfMemoryError())
    assert not cache.is_oom(RuntimeError())


def test_a_cleared_cache_is_empty(cache: Cache) -> None:
    number(cache, 1)

    cache.clear()

    assert not cache.has(key(1))


def test_arrays_become_read_only(disk: Cache) -> None:
    draw(disk, 1)

    output: Any = disk.get(key(1), Draw)

    with pytest.raises(ValueError, match="read-only"):
        output.pixels.array[0, 0] = 1


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


class TestDisk:
    """A cache with a folder, opened again by another process."""

    def test_a_value_survives_the_process(self, disk: Cache, tmp_path: Path) -> None:
        record = draw(disk, 1)
        disk.close()

        again = Cache(tmp_path)

        assert again.record(key(1)) == record
        assert again.has(key(1))
        output: Any = again.get(key(1), Draw)
        assert (output.pixels.array == made(1).pixels.array).all()
        assert not output.pixels.array.flags.writeable

    def test_a_device_value_goes_back_to_the_device(self, tmp_path: Path, pretend: Pretend) -> None:
        first = Cache(tmp_path, SMALL, pretend)
        blob(first, "a")
        first.close()

        again = Cache(tmp_path, SMALL, pretend)

        there: Any = again.get(key("a"), Paint, DEVICE)
        assert there.blob.block.device == DEVICE
        assert where(again, "a") == {"a": DEVICE}

    def test_of_quick_calls_only_the_record_is_kept(self, disk: Cache, tmp_path: Path) -> None:
        draw(disk, 1, seconds=0.01)
        number(disk, 2)
        disk.flush()

        again = Cache(tmp_path)

        assert again.record(key(1)) is not None
        assert not again.has(key(1))
        assert again.record(key(2)) is None

    def test_what_weights_were_lent_for_is_kept_however_quick_it_was(
        self, disk: Cache, tmp_path: Path
    ) -> None:
        disk.put(key(3), Number(value=7), kind=Count, seconds=1e-5, leased=True, parts=dict)
        disk.flush()

        assert Cache(tmp_path).get(key(3), Count) == Number(value=7)

    def test_a_value_that_memory_cannot_hold_is_read_back(self, disk: Cache) -> None:
        for seed in range(4):
            draw(disk, seed, size=600)
        disk.flush()

        outputs: list[Any] = [disk.get(key(seed), Draw) for seed in range(4)]

        assert [output.seed for output in outputs] == [0, 1, 2, 3]
        assert disk.sizes()["host"].bytes <= MB

    def test_what_is_pinned_leaves_memory_only_for_the_disk(self, disk: Cache) -> None:
        for seed in range(6):
            disk.pin(key(seed))
            draw(disk, seed, seconds=0.0, size=600)

        assert disk.sizes()["host"].bytes <= MB
        outputs: list[Any] = [disk.get(key(seed), Draw) for seed in range(6)]
        assert [output.seed for output in outputs] == list(range(6))

    def test_what_is_pinned_stays_in_memory_when_the_disk_is_full(
        self, disk: Cache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nodegraph.cache.store.publish", full)
        for seed in range(6):
            disk.pin(key(seed))
            draw(disk, seed, size=600)

        assert all(disk.has(key(seed)) for seed in range(6))

    def test_a_folder_that_cannot_be_used_is_done_without(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("")

        with caplog.at_level(logging.WARNING):
            cache = Cache(tmp_path / "file" / "cache")
        number(cache, 1, seconds=1.0)

        assert cache.folder is None
        assert cache.has(key(1))
        assert "results are kept in memory only" in caplog.text

    def test_a_folder_that_may_not_be_written_to_is_done_without(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.access", lambda *_: False)

        assert Cache(tmp_path).folder is None

    def test_a_dropped_value_is_gone_from_the_disk(self, disk: Cache, tmp_path: Path) -> None:
        draw(disk, 1)

        disk.drop(key(1))

        assert not Cache(tmp_path).has(key(1))

    def test_clearing_forgets_everything_but_what_a_run_needs(self, disk: Cache) -> None:
        draw(disk, 1)
        disk.pin(key(2))
        draw(disk, 2)

        disk.clear()

        assert (disk.has(key(1)), disk.has(key(2))) == (False, True)
        assert disk.record(key(1)) is None
        assert disk.sizes()["disk"].entries == 0

    def test_the_disks_size_counts_values(self, disk: Cache, tmp_path: Path) -> None:
        draw(disk, 1)

        size = disk.sizes()["disk"]

        assert (size.entries, size.budget) == (1, 20 * 2**30)
        assert size.bytes > 64 * 64
        assert disk.folder == tmp_path

    def test_an_error_while_writing_is_logged(
        self, disk: Cache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("nodegraph.cache.store.to_json", lambda *_: 1 / 0)

        draw(disk, 1)
        disk.flush()

        assert "a result was not kept on disk" in caplog.text

    def test_the_folder_is_the_one_named_or_the_platforms(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NODEGRAPH_CACHE", "/named")
        assert default_folder() == Path("/named")

        monkeypatch.delenv("NODEGRAPH_CACHE")
        assert default_folder().name == "nodegraph"


def full(*_: object) -> int:
    raise OSError(28, "No space left on device")


class TestClaims:
    """Of two that want the same value, one computes it."""

    def test_the_first_computes_and_the_others_are_told(self, cache: Cache) -> None:
        told: list[int] = []

        claimed = [cache.reserve_key(key(1), lambda i=i: told.append(i)) for i in range(3)]  # type: ignore[misc]
        cache.release_key(key(1))

        assert claimed == [True, False, False]
        assert told == [1, 2]

    def test_who_was_told_may_claim_at_once(self, cache: Cache) -> None:
        again: list[bool] = []
        cache.reserve_key(key(1), lambda: None)
        cache.reserve_key(key(1), lambda: again.append(cache.reserve_key(key(1), lambda: None)))

        cache.release_key(key(1))

        assert again == [True]

    def test_releasing_what_is_not_claimed_does_nothing(self, cache: Cache) -> None:
        cache.release_key(key(1))

        assert cache.reserve_key(key(1), lambda: None)

    def test_of_many_threads_one_computes(self, cache: Cache) -> None:
        start, won = Event(), []

        def work() -> None:
            start.wait()
            if cache.reserve_key(key(1), lambda: None):
                won.append(1)

        threads = [Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        start.set()
        for thread in threads:
            thread.join(60)

        assert won == [1]


class TestRecords:
    """What explaining needs to know."""

    def test_recent_ones_come_newest_first(self, cache: Cache) -> None:
        for value in (1, 2, 3):
            number(cache, value)

        assert [each.parts["value"] for each in cache.recent(Count, 2)] == ["3", "2"]
        assert cache.recent(Paint) == []

    def test_recent_ones_of_other_processes_follow(self, disk: Cache, tmp_path: Path) -> None:
        draw(disk, 1, seconds=1.5)
        disk.close()
        again = Cache(tmp_path)
        draw(again, 2, seconds=2.5)

        assert [each.parts["seed"] for each in again.recent(Draw)] == ["2", "1"]

    def test_those_in_memory_are_bounded(
        self, cache: Cache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(notes_module, "RECORDS", 3)

        for value in (1, 2, 3, 3, 4):
            number(cache, value)

        assert [value for value in (1, 2, 3, 4) if cache.record(key(value))] == [2, 3, 4]

    def test_of_many_quick_calls_only_some_are_spelled_out(
        self, cache: Cache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = iter([1.0, 1.0005, 1.002])
        monkeypatch.setattr(notes_module, "perf_counter", lambda: next(now))
        monkeypatch.setattr(notes_module, "RECENT", 0)

        spelled = [number(cache, value).parts for value in (1, 2, 3)]

        assert spelled == [{"value": "1"}, {}, {"value": "3"}]


def test_many_values_and_evictions_take_time_in_proportion() -> None:
    cache = Cache.in_memory(Budgets(host=256 * 1000))

    for value in range(5000):
        cache.pin(key(value))
        number(cache, value)
    assert all(cache.has(key(value)) for value in range(5000))
    for value in range(5000):
        cache.unpin(key(value))
    for _ in range(10):
        for value in range(4000, 5000):
            cache.pin(key(value))
            cache.unpin(key(value))

    assert sum(cache.has(key(value)) for value in range(5000)) == 1000


def test_nothing_is_kept_alive_by_what_was_replaced(cache: Cache, pretend: Pretend) -> None:
    for _ in range(500):
        blob(cache, "a", 1000)
        cache.unpin(key("a"))

    assert pretend.used[DEVICE] == 1000


def test_an_output_of_another_class_can_be_put_and_had(cache: Cache) -> None:
    class Words(Output):
        text: list[str]

    class Say(Node):
        def run(self) -> Words:
            raise NotImplementedError

    output = Words(text=["a", "b"])

    record = cache.put(key(1), output, kind=Say, seconds=0, parts=dict)

    assert record.digests == {"text": (digest(canonical("a")), digest(canonical("b")))}
    assert cache.get(key(1), Say, DEVICE) is output
