"""What commands print, whatever the encoding of their output is."""

from __future__ import annotations

import io
import json
import sys
from xml.etree import ElementTree

import pytest

from nodegraph.cli.output import cell, echo, echo_json

from ..support.commands import Write
from ..support.streams import NARROW, encoded, run_on, written

VALUE = {"é → 写": "\udce9\x1b\u2028"}


@pytest.mark.parametrize("encoding", ["utf-8", *NARROW])
def test_json_is_json_for_every_reader(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    output = encoded(encoding)
    monkeypatch.setattr(sys, "stdout", output)

    echo_json(VALUE)

    assert json.loads(written(output)) == VALUE


def test_json_in_utf_8_stays_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    output = encoded("utf-8")
    monkeypatch.setattr(sys, "stdout", output)

    echo_json({"a": "é → 写"})

    assert written(output).decode() == '{"a": "é → 写"}\n'


def test_what_would_steer_a_terminal_is_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    echo("a\x1b[2J\x1b[31mb\rc\x07\u202ed\n\te")

    assert capsys.readouterr().out == "a\\x1b[2Jb\\rc\\x07\\u202ed\n\te\n"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "é\\n→"), ("cp437", "é\\n\\u2192"), ("ascii", "\\xe9\\n\\u2192")],
)
def test_a_cell_takes_the_room_that_it_seems_to_take(encoding: str, shown: str) -> None:
    assert cell("é\n→", io.TextIOWrapper(io.BytesIO(), encoding=encoding)) == shown


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_a_drawing_that_is_printed_can_be_read_as_a_file(write: Write, encoding: str) -> None:
    file = write(title="写真 – “é”", nodes={"a": {"type": "Nothing"}})

    ended = run_on(["show", file, "--format", "svg"], encoded(encoding), encoded(encoding))

    assert ElementTree.fromstring(ended.output)[0].text == "写真 – “é”"
