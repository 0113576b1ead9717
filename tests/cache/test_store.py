"""The cache's folder: every entry is whole or not there, whatever happens to it."""

from __future__ import annotations

import errno
import logging
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from nodegraph.base.keys import digest
from nodegraph.cache import files
from nodegraph.cache.payload import pack, unpack
from nodegraph.cache.record import Record, Stored, from_json, to_json
from nodegraph.cache.store import Store
from nodegraph.node import Output
from nodegraph.values.leaves import digests
from nodegraph.values.tensors import TENSORS
from tests.support.storing import Pixelated, is_whole, key_of, made, save

GB = 2**30
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, GB, TENSORS)


def payloads(store: Store) -> list[Path]:
    return sorted(store.folder.glob("v1/payloads/*/*.safetensors"))


def records(store: Store) -> list[Path]:
    return sorted(store.folder.glob("v1/records/*/*.json"))


def leftovers(store: Store) -> list[Path]:
    return list(store.folder.glob("v1/**/.*.tmp"))


def writer(store: Store, number: int | None = None) -> list[str]:
    """The command of a process that saves pictures."""
    code = f"from tests.support.storing import write; write({str(store.folder)!r}, {number})"
    return [sys.executable, "-c", code]


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_value_survives_on_disk(store: Store) -> None:
    assert save(store, 1)

    assert store.has(key_of(1))
    assert is_whole(store, 1)


def test_a_record_survives_on_disk(store: Store) -> None:
    record = Record(
        {"one": b"1" * 20, "many": (b"2" * 20, b"3" * 20)},
        0.1,
        5,
        {"seed": "1"},
        ("tiled",),
        "at step 4 of 6",
    )

    store.save(key_of(1), "Draw", record, None)

    stored = store.record(key_of(1))
    assert stored == Stored(record)
    assert not store.has(key_of(1))


def test_what_holds_no_arrays_needs_no_payload(store: Store) -> None:
    class Words(Output):
        text: str

    store.save(key_of(1), "Say", Record({}, 1, 1), Words(text="é\udc80"))

    loaded = store.load(key_of(1), Words)
    assert loaded is not None
    assert loaded[0] == Words(text="é\udc80")
    assert payloads(store) == []


def test_what_cannot_be_taken_apart_leaves_only_a_record(store: Store) -> None:
    class Opaque(Output):
        thing: object

    assert not store.save(key_of(1), "Say", Record({}, 1, 1), Opaque(thing=object()))

    assert store.record(key_of(1)) is not None
    assert not store.has(key_of(1))


def test_equal_payloads_are_kept_once(store: Store) -> None:
    output = made(1)
    for name in (b"a", b"b"):
        store.save(digest(name), "Draw", Record({}, 1, 1), output, (False,))

    assert len(records(store)) == 2
    assert len(payloads(store)) == 1


def test_a_payload_is_a_safetensors_file_that_others_can_read(store: Store) -> None:
    from safetensors.numpy import load_file

    save(store, 1)

    (path,) = payloads(store)
    np.testing.assert_array_equal(load_file(path)["0"], made(1).pixels.array)


def test_several_leaves_of_any_shape_share_a_payload() -> None:
    arrays = [np.arange(3.0), np.ones((2, 0), np.uint8), np.array(True), np.zeros((2, 2), "f2")]
    contents = [TENSORS.content(each) for each in arrays]

    unpacked = unpack(b"".join(pack(contents)))

    for before, after in zip(arrays, unpacked, strict=True):
        np.testing.assert_array_equal(before, TENSORS.restore(after), strict=True)


def test_a_header_that_points_outside_the_file_is_refused() -> None:
    data = b"".join(pack([TENSORS.content(np.arange(30))]))

    with pytest.raises(ValueError, match="leaf 0 does not lie where the header says"):
        unpack(data[:-1])


def test_a_record_is_refused_under_another_key() -> None:
    text = to_json(key_of(1), Stored(Record({}, 1, 1)))

    with pytest.raises(ValueError, match="the checksum differs"):
        from_json(key_of(2), text)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"sum": 1, "record": 2}', b"\xff\xfe", b"[" * 100_000]
)
def test_foreign_json_is_a_miss_and_goes(store: Store, text: bytes) -> None:
    save(store, 1)
    (path,) = records(store)
    path.write_bytes(text)

    assert store.record(key_of(1)) is None
    assert not path.exists()


@pytest.mark.parametrize("which", ["records", "payloads"])
@pytest.mark.parametrize("damage", ["truncated", "emptied", "flipped", "extended", "gone"])
def test_a_damaged_entry_is_a_miss(store: Store, which: str, damage: str) -> None:
    save(store, 1)
    (path,) = store.folder.glob(f"v1/{which}/*/*")
    data = bytearray(path.read_bytes())
    match damage:
        case "truncated":
            path.write_bytes(data[: len(data) // 2])
        case "emptied":
            path.write_bytes(b"")
        case "flipped":
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
        case "extended":
            path.write_bytes(data + b"!")
        case _:
            path.unlink()

    assert store.load(key_of(1), Pixelated) is None
    assert not store.has(key_of(1))

    assert save(store, 1)
    assert is_whole(store, 1)


def test_no_flipped_bit_of_a_record_goes_unnoticed(store: Store) -> None:
    save(store, 1)
    (path,) = records(store)
    sound = path.read_bytes()

    for at in range(0, len(sound), 3):
        data = bytearray(sound)
        data[at] ^= 1 << (at % 7)
        path.write_bytes(data)
        loaded = store.load(key_of(1), Pixelated)
        assert loaded is None or loaded[0].seed == 1  # type: ignore[attr-defined]
        assert loaded is None or data.split() == sound.split()


def test_a_value_of_another_class_is_a_miss(store: Store) -> None:
    class Other(Output):
        pixels: int
        seed: int

    save(store, 1)

    assert store.load(key_of(1), Other) is None


def test_an_unreadable_file_is_a_miss(store: Store) -> None:
    save(store, 1)
    (path,) = records(store)
    path.unlink()
    path.mkdir()

    assert store.record(key_of(1)) is None


def test_an_unreadable_payload_is_a_miss(store: Store) -> None:
    save(store, 1)
    (path,) = payloads(store)
    path.unlink()
    path.mkdir()

    assert store.load(key_of(1), Pixelated) is None


def test_two_processes_may_write_the_same_entries_at_once(store: Store) -> None:
    command = writer(store, 40)
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2)]

    codes = [each.wait(60) for each in started]

    assert codes == [0, 0]
    assert [seed for seed in range(40) if not is_whole(store, seed, 256)] == []
    assert leftovers(store) == []


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_a_sound_cache(store: Store) -> None:
    command = writer(store)
    said: set[int] = set()
    for _ in range(8):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
            assert started.stdout is not None
            started.stdout.readline()
            time.sleep(random.uniform(0.0, 0.1))
            started.send_signal(signal.SIGKILL)
            said |= {int(line) for line in started.stdout.read().split()[:-1]}

    assert [seed for seed in said if not is_whole(store, seed, 256)] == []
    for path in leftovers(store):
        age(path, files.ABANDONED + 1)
    store.trim(lambda: ())
    assert leftovers(store) == []


def test_what_a_dead_writer_left_is_swept_up_after_an_hour(store: Store) -> None:
    old, new = (store.folder / "v1" / "payloads" / "ab" / f".{name}.tmp" for name in ("old", "new"))
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    age(old, files.ABANDONED + 1)

    store.trim(lambda: ())

    assert not old.exists()
    assert new.exists()


def test_a_large_value_is_hashed_and_written_without_a_copy(store: Store) -> None:
    output, size = made(1, size=4096), 4096**2
    tracemalloc.start()
    try:
        record = Record(digests(output, key_of(1)), 1.0, size)
        saved = store.save(key_of(1), "Draw", record, output, (False,))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert saved
    assert peak < size / 4


@pytest.mark.parametrize("written", [0, 100])
def test_a_full_disk_leaves_nothing_behind_and_is_said_once(
    store: Store,
    written: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) > written:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(os, "write", full)
        saved = [save(store, 1), save(store, 2)]

    assert saved == [False, False]
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []
    assert len(caplog.records) == 1
    assert "results are not kept on disk" in caplog.text
    assert save(store, 1)


def test_a_write_may_take_several_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:100]))
        save(store, 1)

    assert is_whole(store, 1)


def test_over_budget_the_cheapest_to_make_again_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path, 30_000, TENSORS)
    for seed, seconds in [(1, 9.0), (2, 0.1), (3, 9.0), (4, 9.0), (5, 9.0), (6, 9.0), (7, 9.0)]:
        save(store, seed, seconds)
    for path in payloads(store):
        age(path, 100)

    store.trim(lambda: ())

    kept = [seed for seed in range(1, 8) if store.has(key_of(seed))]
    assert 2 not in kept
    assert 3 <= len(kept) < 7
    assert sum(store.size()) <= 30_000
    assert store.record(key_of(2)) is not None


def test_over_budget_the_longest_unused_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path, 12_000, TENSORS)
    for seed in (1, 2, 3):
        save(store, seed)
        age(payloads_of(store, seed), 1000 - seed)
    assert is_whole(store, 1)

    store.trim(lambda: ())

    assert [seed for seed in (1, 2, 3) if store.has(key_of(seed))] == [1, 3]


def payloads_of(store: Store, seed: int) -> Path:
    stored = store.record(key_of(seed))
    assert stored is not None
    return next(path for path in payloads(store) if path.stem == stored.payload)


def test_over_budget_what_a_run_needs_stays(tmp_path: Path) -> None:
    store = Store(tmp_path, 1, TENSORS)
    store.budget = GB
    save(store, 1)
    save(store, 2)
    store.budget = 1

    store.trim(lambda: [key_of(1)])

    assert [seed for seed in (1, 2) if store.has(key_of(seed))] == [1]


def test_a_payload_whose_record_is_on_its_way_stays(tmp_path: Path) -> None:
    store = Store(tmp_path, 1, TENSORS)
    fresh, old = (tmp_path / "v1" / "payloads" / "ab" / f"{n}.safetensors" for n in ("new", "old"))
    fresh.parent.mkdir(parents=True)
    for path in (fresh, old):
        path.write_bytes(b"12345")
    age(old, 3600)

    store.trim(lambda: ())

    assert fresh.exists()
    assert not old.exists()


def test_a_record_damaged_meanwhile_does_not_stop_the_trimming(tmp_path: Path) -> None:
    store = Store(tmp_path, GB, TENSORS)
    save(store, 1)
    (path,) = records(store)
    path.write_bytes(b"?")
    (path.parent / "no key.json").write_bytes(b"?")
    (path.parent.parent / "stray").write_bytes(b"?")
    store.save(key_of(2), "Draw", Record({}, 1, 1), None)
    store.budget = 1

    store.trim(lambda: ())

    assert not path.exists()


def test_a_value_beyond_the_whole_budget_is_not_written(tmp_path: Path) -> None:
    store = Store(tmp_path, 100, TENSORS)

    assert not save(store, 1)
    assert payloads(store) == []


def test_what_was_written_since_counts_towards_the_budget(tmp_path: Path) -> None:
    store = Store(tmp_path, 12_000, TENSORS)
    store.trim(lambda: ())
    for seed in (1, 2, 3):
        save(store, seed)
        store.trim(lambda: ())

    assert sum(store.size()) <= 12_000


def test_recent_records_come_newest_first(store: Store) -> None:
    for seed in (1, 2, 3):
        save(store, seed)
        age(store.folder / "v1" / "kinds" / "Draw" / key_of(seed).hex(), 100 - seed)

    assert [each.parts["seed"] for each in store.recent("Draw", 2)] == ["3", "2"]
    assert store.recent("Other", 2) == []


def test_a_recent_record_that_is_gone_is_no_longer_listed(store: Store) -> None:
    save(store, 1)
    store.remove(key_of(1))

    assert store.recent("Draw", 2) == []
    assert list((store.folder / "v1" / "kinds" / "Draw").iterdir()) == []


def test_removing_forgets_record_and_value(store: Store) -> None:
    save(store, 1)
    store.save(key_of(2), "Draw", Record({}, 1, 1), None)

    for seed in (1, 2, 3):
        store.remove(key_of(seed))

    assert records(store) == payloads(store) == []


def test_clearing_leaves_what_others_are_writing(store: Store) -> None:
    save(store, 1)
    writing = store.folder / "v1" / "payloads" / "ab" / ".x.tmp"
    writing.parent.mkdir(exist_ok=True)
    writing.write_bytes(b"x")

    store.clear()

    assert [path for path in store.folder.rglob("*") if path.is_file()] == [writing]
    assert store.count() == 0


def test_the_values_are_counted_without_what_is_only_on_record(store: Store) -> None:
    save(store, 1)
    store.save(key_of(2), "Draw", Record({}, 1, 1), None)

    assert store.count() == 1
