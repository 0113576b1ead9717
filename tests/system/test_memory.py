"""What processes take of the machine's memory."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path

import pytest

from nodegraph.system.memory import most_bytes, own_bytes

MIB = 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it in /proc")


def test_what_a_process_fills_is_its_own_and_a_file_that_it_reads_is_not(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(64 * MIB))
    before = own_bytes(os.getpid()) or 0

    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert sum(mapped[:: mmap.PAGESIZE]) == 0
        read = own_bytes(os.getpid()) or 0
    held = bytearray(b"x") * (64 * MIB)
    filled = own_bytes(os.getpid()) or 0

    assert read - before < 16 * MIB
    assert filled - before > len(held) - 16 * MIB


def test_nothing_is_known_of_a_process_that_is_gone(tmp_path: Path) -> None:
    assert own_bytes(2**22 + 1) is None
    assert most_bytes(tmp_path) is None


@pytest.mark.parametrize(("limit", "most"), [("1000", 900), ("max", None), ("", None)])
def test_a_container_s_memory_counts_where_it_is_less(
    limit: str, most: int | None, tmp_path: Path
) -> None:
    place = tmp_path / "proc" / str(os.getpid())
    place.mkdir(parents=True)
    (place / "statm").write_text("3 2 1 0 0 0 0\n")
    whole = most_bytes(tmp_path) or 0
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")

    assert most_bytes(tmp_path) == (most or whole)
