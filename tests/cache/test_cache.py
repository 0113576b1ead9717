"""The cache: values had again, on disk and on record, and keys that are computed once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from nodegraph.base.keys import canonical, digest
from nodegraph.cache import Budgets, Cache, Record, default_folder
from nodegraph.cache import notes as notes_module
from nodegraph.node import Node, Output
from tests.support.caching import SMALL, blob, draw, key, number, where
from tests.support.pretend import (
    DEVICE,
    MB,
    Count,
    Number,
    Paint,
    Pretend,
    PretendOutOfMemoryError,
)
from tests.support.storing import Draw, made


@pytest.fixture
def cache(pretend: Pretend) -> Cache:
    return Cache.in_memory(SMALL, pretend)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Cache]:
    kept = Cache(tmp_path, Budgets(host=MB))
    yield kept
    kept.close()


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


class TestReservations:
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
