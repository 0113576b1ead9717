"""Workflows inside JPEG and WebP files: read back whole, whatever else the file holds."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image as Pictures

from nodegraph.carriers import jpeg, png, webp, xmp
from nodegraph.carriers.picture import is_picture, read_text, read_workflow, with_texts
from nodegraph.carriers.png import KEY
from nodegraph.errors import UserError

from ..support.pictures import encoded, gradient

WAYS: dict[str, dict[str, Any]] = {
    "png": {"format": "PNG"},
    "jpeg": {"format": "JPEG"},
    "jpeg-exif": {"format": "JPEG", "exif": Pictures.Exif()},
    "jpeg-progressive": {"format": "JPEG", "progressive": True, "icc_profile": b"x" * 70_000},
    "webp": {"format": "WEBP"},
    "webp-lossless": {"format": "WEBP", "lossless": True},
    "webp-icc": {"format": "WEBP", "icc_profile": b"x" * 101},
}
WAYS["jpeg-exif"]["exif"][0x010E] = "by hand"
FILES = {
    name: encoded(lambda file, way=way: gradient().pil().save(file, **way))  # type: ignore[misc]
    for name, way in WAYS.items()
}
EVERY = pytest.mark.parametrize("name", FILES)
# The text of any JSON document.
JSON = st.dictionaries(st.text(max_size=9), st.text(max_size=40), max_size=4).map(
    lambda found: json.dumps(found, ensure_ascii=False, indent=2)
)


def carried(folder: Path, data: bytes) -> str | None:
    path = folder / "picture"
    path.write_bytes(data)
    return read_workflow(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("carriers")


@EVERY
def test_a_picture_without_a_workflow_carries_none(name: str, folder: Path) -> None:
    assert carried(folder, FILES[name]) is None
    assert is_picture(folder / "picture")


@EVERY
@given(text=JSON)
@example(text='{"title": "café – 猫 <&> ]]> \\n \uffff \x85 \u2028"}')
def test_what_was_written_is_read_back(name: str, text: str, folder: Path) -> None:
    found = carried(folder, with_texts(FILES[name], {KEY: text}))

    assert found is not None
    assert json.loads(text) == json.loads(found)


@EVERY
@pytest.mark.parametrize("length", [60_000, 65_000, 66_000, 200_001])
def test_a_workflow_may_be_longer_than_a_segment(name: str, length: int, folder: Path) -> None:
    text = json.dumps({"title": "é" * (length // 2)}, ensure_ascii=False)

    assert text == carried(folder, with_texts(FILES[name], {KEY: text}))


@EVERY
def test_other_programs_still_see_the_same_picture(name: str) -> None:
    text = json.dumps({"title": "x" * 150_000})
    before = Pictures.open(BytesIO(FILES[name]))
    after = Pictures.open(BytesIO(with_texts(FILES[name], {KEY: text})))

    np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
    assert before.mode == after.mode
    assert before.info.get("icc_profile") == after.info.get("icc_profile")
    assert before.getexif() == after.getexif()


@pytest.mark.parametrize("name", ["jpeg", "webp", "webp-lossless"])
def test_other_programs_see_the_packet(name: str) -> None:
    picture = Pictures.open(BytesIO(with_texts(FILES[name], {KEY: "{}"})))

    assert xmp.packet({KEY: "{}"}) == picture.info["xmp"]


@pytest.mark.parametrize(("name", "module"), [("jpeg", jpeg), ("webp", webp)])
def test_texts_are_told_apart_by_their_keywords(name: str, module: Any) -> None:
    texts = {KEY: "{}", f"{KEY}:params": '{"a": 1}', f"{KEY}:long": "[" * 70_000}

    data = module.with_texts(FILES[name], texts)

    assert texts == {keyword: module.text_in(data, keyword) for keyword in texts}
    assert module.text_in(data, f"{KEY}:par") is None


def test_a_simple_webp_file_with_alpha_keeps_it() -> None:
    layer = Pictures.new("RGBA", (5, 3), (10, 20, 30, 40))
    simple = encoded(lambda file: layer.save(file, "WEBP", lossless=True))

    after = Pictures.open(BytesIO(webp.with_texts(simple, {KEY: "{}"})))

    assert simple[12:16] == b"VP8L"
    assert (after.size, after.mode) == ((5, 3), "RGBA")
    assert after.getpixel((0, 0)) == (10, 20, 30, 40)


def test_a_packet_that_another_program_wrote_anew_is_read() -> None:
    element = xmp.packet({KEY: '{"title": "a"}'}).decode()
    start, end = "<nodegraph:workflow>", "</nodegraph:workflow>"
    inner = element[element.index(start) + len(start) : element.index(end)]
    attribute = element.replace(f">{start}{inner}{end}", f" nodegraph:workflow='{inner}'>")
    renamed = element.replace("nodegraph:", "ns1:").replace("xmlns:nodegraph", "xmlns:ns1")
    padded = b"\xef\xbb\xbf" + element.encode() + b" " * 2000 + b"\0"

    for packet in (element.encode(), attribute.encode(), renamed.encode(), padded):
        assert xmp.text_in(packet) == '{"title": "a"}'


def test_a_packet_of_other_things_is_passed_over(folder: Path) -> None:
    other = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>\xff not even XML"

    assert xmp.text_in(other) is None
    for way in ({"format": "JPEG", "xmp": other}, {"format": "WEBP", "xmp": other}):
        data = encoded(lambda file, way=way: gradient().pil().save(file, **way))  # type: ignore[misc]
        assert carried(folder, data) is None


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<x xmlns:n="urn:x-nodegraph#"><n:workflow>&b;</n:workflow></x>'
)


@pytest.mark.parametrize(
    "packet",
    [
        xmp.packet({KEY: "{}"})[:-60],
        xmp.packet({KEY: "{}"}).replace(b"{}", b"\xff"),
        BOMB,
        BOMB.decode().encode("utf-16"),
    ],
    ids=["cut off", "not UTF-8", "entities", "entities in UTF-16"],
)
def test_a_damaged_packet_is_said_to_be_damaged_or_not_ours(packet: bytes, folder: Path) -> None:
    for way in ({"format": "JPEG", "xmp": packet}, {"format": "WEBP", "xmp": packet}):
        data = encoded(lambda file, way=way: gradient().pil().save(file, **way))  # type: ignore[misc]
        if xmp.NAMESPACE.encode() in packet:
            with pytest.raises(UserError, match="the workflow inside this picture is damaged"):
                carried(folder, data)
        else:
            assert carried(folder, data) is None


def test_an_extension_with_a_part_missing_is_said_to_be_damaged(folder: Path) -> None:
    whole = jpeg.with_texts(FILES["jpeg"], {KEY: json.dumps({"title": "x" * 150_000})})
    second = whole.index(b"http://ns.adobe.com/xmp/extension/\0") - 4
    (length,) = struct.unpack_from(">H", whole, second + 2)

    with pytest.raises(UserError, match="damaged"):
        carried(folder, whole[:second] + whole[second + 2 + length :])


SMALL = {
    name: with_texts(
        encoded(lambda file, way=way: Pictures.new("L", (2, 2)).convert("RGB").save(file, **way)),  # type: ignore[misc]
        {KEY: "{}" if name != "jpeg-exif" else json.dumps({"title": "x" * 70_000})},
    )
    for name, way in WAYS.items()
    if name != "jpeg-progressive"
}


@given(
    name=st.sampled_from(list(SMALL)),
    cut=st.integers(0, 1200),
    noise=st.binary(max_size=60),
    keep=st.booleans(),
)
def test_a_cut_or_garbled_file_is_never_a_crash(
    name: str, cut: int, noise: bytes, keep: bool, folder: Path
) -> None:
    whole = SMALL[name]
    rest = whole[cut + len(noise) :] if keep else b""

    try:
        found = carried(folder, whole[:cut] + noise + rest)
    except UserError:
        found = None

    assert found is None or isinstance(found, str)


@given(noise=st.binary(max_size=200), start=st.sampled_from([b"\xff\xd8\xff", b"RIFF0000WEBP"]))
def test_any_bytes_behind_a_signature_are_never_a_crash(
    noise: bytes, start: bytes, folder: Path
) -> None:
    with suppress(UserError):
        assert carried(folder, start + noise) is None


def test_what_is_no_picture_cannot_be_made_to_carry_one() -> None:
    with pytest.raises(ValueError, match="neither PNG nor JPEG nor WebP"):
        with_texts(b"GIF89a", {KEY: "{}"})


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(("png", size) for size in (999_999, 1_000_001, 2**20, 1_600_000, 15_000_000)),
        *((name, 1_600_000) for name in ("jpeg", "webp-lossless")),
    ],
)
def test_a_picture_with_a_large_workflow_opens_in_other_programs(
    name: str, size: int, folder: Path
) -> None:
    """Pillow gives up at texts that unpack to 1 MiB, libpng at chunks of 8 MB."""
    import cv2

    text = json.dumps({"title": "é" + "a" * (size - 15)}, ensure_ascii=False)
    data = with_texts(FILES[name], {KEY: text, f"{KEY}:params": text[:1_500_000]})

    by_pillow = np.asarray(Pictures.open(BytesIO(data)))
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)

    assert len(text.encode()) == size
    np.testing.assert_array_equal(by_pillow, np.asarray(Pictures.open(BytesIO(FILES[name]))))
    assert by_opencv is not None
    assert text == carried(folder, data)
    assert read_text(folder / "picture", f"{KEY}:params") == text[:1_500_000]


def test_texts_that_no_program_would_read_together_are_left_out_longest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(png, "_MOST_CARRIED", 100)

    data = png.with_texts(FILES["png"], {KEY: "x" * 90, f"{KEY}:params": "y" * 50})

    assert (png.text_in(data), png.text_in(data, f"{KEY}:params")) == (None, "y" * 50)


def test_a_long_text_is_put_together_whatever_the_order_and_missed_when_a_part_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(png, "_MOST_PACKED", 10)
    monkeypatch.setattr(png, "_MOST_PART", 9)
    text = "Grüße, 猫猫猫猫猫猫!"

    parts = [*png._text_chunks(KEY, text.encode())]

    signature = b"\x89PNG\r\n\x1a\n"
    assert len(parts) > 3
    assert png.text_in(signature + b"".join(reversed(parts))) == text
    with pytest.raises(ValueError, match="a part is missing"):
        png.text_in(signature + b"".join(parts[1:]))
