"""Files appear whole or not at all, over another one or never over another one."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from threading import Barrier, Thread

import pytest

from nodegraph.base.files import replacing, write_new, write_whole


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_text_and_bytes_are_written_in_order(tmp_path: Path) -> None:
    size = write_whole(tmp_path / "a", "é\n", b"x", memoryview(b"yz"), durable=True)

    assert (tmp_path / "a").read_bytes() == "é\nxyz".encode()
    assert size == 6


def test_a_new_file_has_the_permissions_that_any_program_would_give_it(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")

    write_whole(tmp_path / "ours", "")

    modes = {path.name: path.stat().st_mode for path in tmp_path.iterdir()}
    assert modes["ours"] == modes["usual"]


def test_a_file_written_again_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o640)

    write_whole(path, "new")

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)

    write_whole(path, "long")

    assert path.read_text() == "long"


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a", "text")

    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_writer_of_another_library_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_writer_of_another_library_replaces_the_file_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    with replacing(path) as temporary:
        temporary.write_text("new")
        meanwhile = path.read_text()

    assert (meanwhile, path.read_text()) == ("old", "new")
    assert os.listdir(tmp_path) == ["a"]


def test_a_new_file_is_not_written_over_another(tmp_path: Path) -> None:
    written = [write_new(tmp_path / "a", text) for text in ("first", "second")]

    assert written == [True, False]
    assert (tmp_path / "a").read_text() == "first"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.usefixtures("no_links")
def test_a_new_file_is_not_written_over_another_where_there_are_no_links(tmp_path: Path) -> None:
    written = [write_new(tmp_path / "a", text) for text in ("first", "second")]

    assert written == [True, False]
    assert (tmp_path / "a").read_text() == "first"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        write_new(tmp_path / "a", "text")

    assert os.listdir(tmp_path) == []


def test_of_several_that_write_one_name_at_once_one_does(tmp_path: Path) -> None:
    start, written = Barrier(8), []

    def write(text: str) -> None:
        start.wait()
        if write_new(tmp_path / "a", text):
            written.append(text)

    threads = [Thread(target=write, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [(tmp_path / "a").read_text()] == written
    assert os.listdir(tmp_path) == ["a"]
