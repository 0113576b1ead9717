"""A disk that is full: what was acknowledged stays, what runs is recorded, and it goes on."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodegraph.jobs.store import Store
from nodegraph.jobs.types import JobResult, Order, StorageFullError

from .processes import Actor

pytestmark = pytest.mark.faults
BLOCK = b"\0" * 65_536


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of six megabytes in memory; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    mount = (b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=6m")
    if libc.mount(*mount) != 0:
        pytest.skip(f"cannot mount a small disk: {os.strerror(ctypes.get_errno())}")
    yield folder
    libc.umount2(os.fsencode(folder), 2)


def fill(folder: Path) -> Path:
    """Take up all the room there is left."""
    path = folder / "ballast"
    with path.open("ab", buffering=0) as file:
        for block in (BLOCK, b"\0" * 512):
            try:
                while file.write(block) == len(block):
                    pass
            except OSError:
                continue
    return path


def test_a_full_disk_loses_nothing_and_stops_nothing_that_runs(small_disk: Path) -> None:
    store = Store(f"sqlite:///{small_disk}/jobs.sqlite", reserve=small_disk / "reserve")
    accepted = [store.submit(Order({"format": 1, "title": "x" * 20_000}))[0].id for _ in range(20)]
    claim = store.claim("here:1:boot", "cpu", 60)
    assert claim is not None
    ballast = fill(small_disk)

    refused = 0
    for _ in range(100):
        try:
            accepted.append(store.submit(Order({"format": 1, "title": "x" * 20_000}))[0].id)
        except StorageFullError:
            refused += 1
    assert refused > 90
    assert not store.heartbeat(claim.job.id, claim.token, 60)
    made = [JobResult("text", text="y" * 20_000)]
    assert store.finish(claim.job.id, claim.token, made, {}).state == "done"

    ballast.unlink()
    store.restock()
    accepted.append(store.submit(Order({"format": 1}))[0].id)
    print(f"\n{len(accepted)} accepted, {refused} refused")
    assert [store.get(id).id for id in accepted] == accepted
    assert (small_disk / "reserve").is_file()
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.close()


def test_files_are_whole_or_not_there_when_the_disk_is_full(small_disk: Path) -> None:
    said = Actor("publishes_until_full", "-", small_disk).wait()

    assert said.pop() == "the disk is full; nothing was saved"
    assert {path.name for path in small_disk.iterdir()} == set(said)
    for path in small_disk.iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem


def test_a_database_that_may_not_grow_refuses_and_keeps_what_it_has(
    url: str, tmp_path: Path
) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL's files are its own")

    said = Actor("fills", url, tmp_path).wait()

    accepted = [line for line in said if len(line) == 32]
    assert said[len(accepted) :] == ["the disk is full; nothing was saved"] * 3
    assert 5 <= len(accepted) <= 20
    store = Store(url)
    assert [store.get(id).state for id in accepted] == ["queued"] * len(accepted)
    store.submit(Order({"format": 1}))
    store.close()
