"""What files hold is remembered for as long as nothing can have been written to them."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pytest

from nodegraph.base import file_memo
from nodegraph.base.file_memo import FileMemo


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all files had been written long ago."""
    monkeypatch.setattr(file_memo, "GRAIN", -(10**15))


class Reader:
    """Reads a file through a memo, and counts how often it was really read."""

    def __init__(self) -> None:
        self.reads = 0
        self._memo: FileMemo[bytes] = FileMemo()

    def __call__(self, *files: Path) -> bytes:
        return self._memo.get(files, lambda: self._read(files))

    def _read(self, files: tuple[Path, ...]) -> bytes:
        self.reads += 1
        return b"".join(file.read_bytes() for file in files)


@pytest.mark.usefixtures("settled")
def test_a_file_that_stays_as_it_is_is_read_once(tmp_path: Path) -> None:
    read, file = Reader(), tmp_path / "x"
    file.write_bytes(b"one")

    found = [read(file), read(file)]

    assert (found, read.reads) == ([b"one", b"one"], 1)


def test_a_file_written_again_and_again_within_a_tick_is_never_read_old(tmp_path: Path) -> None:
    read, file = Reader(), tmp_path / "x"
    texts = [b"%03d" % number for number in range(300)]

    found = []
    for text in texts:
        file.write_bytes(text)
        os.utime(file, (1, 1))
        found.append(read(file))

    assert found == texts


@pytest.mark.usefixtures("settled")
def test_a_file_of_the_same_size_and_time_is_another_one(tmp_path: Path) -> None:
    read, file = Reader(), tmp_path / "x"
    file.write_bytes(b"one")
    os.utime(file, (1, 1))
    first = read(file)

    time.sleep(0.02)  # beyond the tick of the clock that ctimes are told by
    file.write_bytes(b"two")
    os.utime(file, (1, 1))

    assert (first, read(file)) == (b"one", b"two")


@pytest.mark.usefixtures("settled")
def test_a_file_moved_over_another_of_its_size_and_time_is_another_one(tmp_path: Path) -> None:
    read, file, other = Reader(), tmp_path / "x", tmp_path / "y"
    for path, text in ((file, b"one"), (other, b"two")):
        path.write_bytes(text)
        os.utime(path, (1, 1))
    first = read(file)

    other.replace(file)

    assert (first, read(file)) == (b"one", b"two")


@pytest.mark.usefixtures("settled")
def test_one_of_several_files_counts(tmp_path: Path) -> None:
    read, files = Reader(), [tmp_path / "x", tmp_path / "y"]
    for file in files:
        file.write_bytes(b"one")
    first = read(*files)

    files[1].write_bytes(b"three")

    assert (first, read(*files)) == (b"oneone", b"onethree")


@pytest.mark.usefixtures("settled")
def test_what_was_not_asked_for_the_longest_is_forgotten(tmp_path: Path) -> None:
    memo: FileMemo[str] = FileMemo(room=2)
    for name in "abc":
        (tmp_path / name).write_text(name)
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    for name in "abacab":
        memo.get([tmp_path / name], partial(make, name))

    assert made == ["a", "b", "c", "b"]


def test_what_files_hold_is_remembered_by_file_memos_alone() -> None:
    """Size and time alone tell too little: whoever asks for the time has a reason that is known."""
    root = Path(__file__).parents[2]
    asking = {
        path.relative_to(root).as_posix()
        for package in ("nodegraph", "nodes")
        for path in (root / package).rglob("*.py")
        if "st_mtime" in path.read_text(encoding="utf-8")
    }

    assert asking == {
        "nodegraph/base/file_memo.py",
        "nodegraph/cache/files.py",  # what was left half written, by age
        "nodegraph/cache/store.py",  # what goes first, by age
        "nodegraph/jobs/assets.py",  # what nobody needs, by age
        "nodegraph/web/page.py",  # whether sources are newer than what was built
        "nodegraph/web/workflows/library.py",  # shown to people
        "nodes/files/find.py",  # the order of pictures by date
    }
