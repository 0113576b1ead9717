"""Workflows inside pictures: read back whole, whoever wrote them, and never a crash on damage."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph.carriers.picture import read_text
from nodegraph.carriers.png import KEY, is_png, with_texts
from nodegraph.errors import UserError


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*more: bytes) -> bytes:
    """A PNG of one grey pixel, with ``more`` chunks before its pixel."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0\x80"))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixel + chunk(b"IEND", b"")


def written(folder: Path, data: bytes) -> Path:
    path = folder / "picture.png"
    path.write_bytes(data)
    return path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    text = '{"title": "café – 猫"}'

    assert read_text(written(tmp_path, with_texts(png(), {KEY: text})), KEY) == text


@pytest.mark.parametrize(
    "body",
    [
        chunk(b"tEXt", KEY.encode() + b"\0{}"),
        chunk(b"zTXt", KEY.encode() + b"\0\0" + zlib.compress(b"{}")),
        chunk(b"iTXt", KEY.encode() + b"\0\0\0en\0key\0{}"),
        chunk(b"iTXt", KEY.encode() + b"\0\1\0\0\0" + zlib.compress(b"{}")),
    ],
)
def test_every_kind_of_text_chunk_is_read(tmp_path: Path, body: bytes) -> None:
    assert read_text(written(tmp_path, png(body)), KEY) == "{}"


def test_other_texts_are_passed_over(tmp_path: Path) -> None:
    other = chunk(b"tEXt", b"Comment\0made by hand")

    assert read_text(written(tmp_path, with_texts(png(other), {KEY: "{}"})), KEY) == "{}"
    assert read_text(written(tmp_path, png(other)), KEY) is None


def test_texts_are_told_apart_by_their_keywords(tmp_path: Path) -> None:
    texts = {"nodegraph": "{}", "nodegraph:params": '{"a": 1}'}

    path = written(tmp_path, with_texts(png(), texts))

    assert {keyword: read_text(path, keyword) for keyword in texts} == texts
    assert read_text(path, "nodegraph:par") is None


def test_a_damaged_text_is_named_by_its_keyword(tmp_path: Path) -> None:
    path = written(tmp_path, png(chunk(b"zTXt", b"nodegraph:params\0\0not zlib")))

    with pytest.raises(UserError, match="the text 'nodegraph:params' inside this picture"):
        read_text(path, "nodegraph:params")


def test_a_file_that_is_no_png_carries_nothing(tmp_path: Path) -> None:
    assert read_text(written(tmp_path, b"GIF89a"), KEY) is None
    assert not is_png(b"GIF89a")


def test_a_damaged_text_is_said_to_be_damaged(tmp_path: Path) -> None:
    damaged = chunk(b"zTXt", KEY.encode() + b"\0\0not zlib")

    with pytest.raises(UserError, match="the workflow inside this picture is damaged"):
        read_text(written(tmp_path, png(damaged)), KEY)


def test_a_text_that_would_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(65 * 2**20), 9)

    with pytest.raises(UserError, match="damaged"):
        read_text(written(tmp_path, png(chunk(b"zTXt", KEY.encode() + b"\0\0" + bomb))), KEY)


@given(cut=st.integers(0, 200), noise=st.binary(max_size=40))
def test_a_cut_or_garbled_file_is_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    whole = with_texts(png(), {KEY: "{}"})
    path = written(tmp_path_factory.mktemp("cut"), whole[:cut] + noise)

    try:
        found = read_text(path, KEY)
    except UserError:
        found = None

    assert found in (None, "{}") or noise
