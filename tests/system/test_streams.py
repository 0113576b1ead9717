"""Standard streams that take any text, whoever is at their other end."""

from __future__ import annotations

import errno
import io
import subprocess
import sys

import pytest

from nodegraph.system.streams import SteadyStream, steady_streams

from ..support.streams import gone, written


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "é → \\udce9 写"),
        ("latin-1", "é \\u2192 \\udce9 \\u5199"),
        ("cp437", "é \\u2192 \\udce9 \\u5199"),
        ("cp932", "\\xe9 → \\udce9 写"),
        ("ascii", "\\xe9 \\u2192 \\udce9 \\u5199"),
    ],
)
def test_a_character_that_an_encoding_lacks_is_escaped(encoding: str, text: str) -> None:
    under = io.TextIOWrapper(io.BytesIO(), encoding=encoding)

    assert SteadyStream(under).write("é → \udce9 写") == 7

    assert written(under).decode(encoding) == text


def test_what_cannot_be_written_is_dropped_and_its_reason_kept() -> None:
    with gone() as pipe:
        stream = SteadyStream(pipe)

        stream.write("one")
        stream.write("two")

        assert stream.error is not None
        assert (stream.error.errno, stream.isatty()) == (errno.EPIPE, False)


def test_a_stream_that_is_not_there_fails_only_when_something_is_written() -> None:
    stream = SteadyStream(None)

    stream.write("")
    stream.flush()
    assert stream.error is None

    stream.write("one")
    assert stream.error is not None


def test_the_streams_of_before_come_back() -> None:
    before = sys.stdout, sys.stderr

    with steady_streams() as steady:
        assert (sys.stdout, sys.stderr) == steady

    assert (sys.stdout, sys.stderr) == before


def test_children_of_a_process_whose_streams_were_closed_have_some() -> None:
    child = "import os; [os.fstat(number) for number in (0, 1, 2)]"
    parent = (
        "import os, subprocess, sys\n"
        "from nodegraph.system.streams import steady_streams\n"
        "with steady_streams():\n"
        f"    done = subprocess.run([sys.executable, '-c', {child!r}])\n"
        "os._exit(done.returncode)"
    )

    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, parent], timeout=60, check=False
    )

    assert done.returncode == 0
