"""Pictures in: LoadImage, LoadImages and ListImages, from folders and from the web."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from nodegraph import Builder, Settings
from nodegraph.base import safe_paths
from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.files import addresses as _addresses
from nodes.files import find as _files
from nodes.files import names as _names
from nodes.files import web as _fetch
from nodes.files.decode import decode_picture
from nodes.files.write import encode_file
from nodes.images import ListImages, LoadImage, LoadImages, Resize, SaveImage

from ..support.pictures import INPUTS, Hand, encoded, flat, gradient


def load(path: str | Path, context: Hand) -> Any:
    return LoadImage(path=Path(path)).run(context)


# Loading


def test_a_saved_picture_is_loaded_exactly(here: Hand) -> None:
    loaded = load("faces/pose-1.png", here)

    np.testing.assert_array_equal(loaded.image.pixels, gradient().pixels)
    assert (loaded.mask.pixels == 255).all()


@pytest.mark.parametrize("given", ["faces", "faces/*.png", "faces/pose-*", "**/*.png"])
def test_a_folder_and_a_pattern_stand_for_their_pictures_in_natural_order(
    here: Hand, given: str
) -> None:
    found = _files.expand(Path(given), here.folders)

    assert [Path(f"faces/pose-{i}.png") for i in (1, 9, 10)] == found


@pytest.mark.parametrize("target", ["gone.png", "/nowhere/of/the/annex.png"])
@pytest.mark.parametrize("given", ["faces", "faces/*.png", "**/*.png"])
def test_a_link_that_leads_nowhere_is_named_and_not_left_out(
    here: Hand, given: str, target: str
) -> None:
    """As git-annex leaves them of files that were not fetched: the others would pass for all."""
    (here.folders.data[0] / "faces" / "pose-4.png").symlink_to(target)

    found = _files.expand(Path(given), here.folders)

    assert [Path(f"faces/pose-{i}.png") for i in (1, 4, 9, 10)] == found
    with pytest.raises(
        UserError, match=r"no file 'faces/pose-4.png'|'faces/pose-4.png' lies outside"
    ):
        load("faces/pose-4.png", here)


def test_an_absolute_folder_inside_an_input_folder_is_expanded(here: Hand) -> None:
    folder = here.folders.data[0] / "faces"

    assert [folder / f"pose-{i}.png" for i in (1, 9, 10)] == _files.expand(folder, here.folders)


def test_a_single_file_stands_for_itself_even_when_its_name_looks_like_a_pattern(
    here: Hand,
) -> None:
    (here.folders.data[0] / "a[1].png").write_bytes(encode_file(gradient().pixels, "png", 100))

    assert _files.expand(Path("a[1].png"), here.folders) is None
    assert load("a[1].png", here).image.size == (48, 32)


def test_the_first_data_folder_that_has_the_file_wins(tmp_path: Path) -> None:
    for folder in ("first", "in"):
        (tmp_path / folder).mkdir()
    (tmp_path / "first" / "x.png").write_bytes(encode_file(flat((1, 2, 3)).pixels, "png", 100))
    (tmp_path / "in" / "x.png").write_bytes(encode_file(flat((4, 5, 6)).pixels, "png", 100))
    both = Hand(folders=Folders((tmp_path / "first", tmp_path / "in")))

    assert load("x.png", both).image.pixels[0, 0].tolist() == [1, 2, 3]


def test_a_changed_file_has_another_stamp_and_a_touched_one_has_not(here: Hand) -> None:
    file = here.folders.data[0] / "faces" / "pose-1.png"
    node = LoadImage(path=Path("faces/pose-1.png"))
    before = node.stamp(here)

    os.utime(file, (1, 1))
    assert before == node.stamp(here)
    file.write_bytes(encode_file(flat((9, 9, 9)).pixels, "png", 100))
    assert before != node.stamp(here)


def tagged(orientation: int) -> bytes:
    exif = Pictures.Exif()
    exif[0x0112] = orientation
    return encoded(lambda file: gradient().pil().save(file, "PNG", exif=exif))


def test_a_picture_taken_sideways_is_turned_upright() -> None:
    colours, _ = decode_picture(tagged(6), "sideways.png")

    np.testing.assert_array_equal(colours, np.rot90(gradient().pixels, -1))


def test_what_is_transparent_is_laid_on_white_and_told_by_the_mask() -> None:
    layer = Pictures.new("RGBA", (2, 1), (255, 0, 0, 255))
    layer.putpixel((1, 0), (0, 0, 0, 0))

    colours, opacity = decode_picture(encoded(lambda file: layer.save(file, "PNG")), "x.png")

    assert colours.tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert opacity.tolist() == [[255, 0]]


def animation(file: Any) -> None:
    frames = [Pictures.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(lambda f: Pictures.new("L", (4, 4), 90).save(f, "PNG")), (90, 90, 90)),
        (encoded(lambda f: Pictures.new("1", (4, 4), 1).save(f, "PNG")), (255, 255, 255)),
        (encoded(lambda f: Pictures.new("P", (4, 4), 0).save(f, "PNG")), (0, 0, 0)),
        (encoded(lambda f: Pictures.new("I;16", (4, 4), 257 * 80).save(f, "PNG")), (80, 80, 80)),
        (encoded(lambda f: Pictures.new("F", (4, 4), 0.5).save(f, "TIFF")), (128, 128, 128)),
        (
            encoded(lambda f: Pictures.new("CMYK", (4, 4), (0, 255, 255, 0)).save(f, "TIFF")),
            (255, 0, 0),
        ),
        (encoded(animation), (255, 0, 0)),
    ],
    ids=["grey", "one bit", "palette", "16 bit", "float", "cmyk", "first frame"],
)
def test_every_depth_and_colour_model_becomes_rgb(data: bytes, expected: tuple[int, ...]) -> None:
    colours, _ = decode_picture(data, "x")

    assert colours.shape == (4, 4, 3)
    np.testing.assert_allclose(colours[2, 2], expected, atol=1)


def header_of(width: int, height: int) -> bytes:
    """A PNG that says it is very large and holds nothing."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = zlib.crc32(b"IHDR" + body)
    chunk = struct.pack(">I", 13) + b"IHDR" + body + struct.pack(">I", check)
    idat = struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + chunk + idat


WHOLE = encode_file(gradient().pixels, "png", 100)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "'x.png' is not a picture in a known format (PNG, JPEG, "),
        (b"", "'x.png' is not a picture in a known format (PNG, JPEG, "),
        (WHOLE[: len(WHOLE) // 2], "'x.png' is damaged or incomplete: "),
        (
            header_of(10_000, 10_000),
            "'x.png' has 100 megapixels (10000 x 10000); at most 64 are read,"
            " so scale it down first",
        ),
        (
            header_of(60_000, 60_000),
            "'x.png' has 3600 megapixels; at most 64 are read, so scale it down first",
        ),
    ],
    ids=["text", "empty", "truncated", "100 megapixels", "3600 megapixels"],
)
def test_a_picture_that_cannot_be_used_is_named_with_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(UserError) as caught:
        decode_picture(data, "x.png")

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "faces/pose-2.png",
            "no file 'faces/pose-2.png' in {}/in/faces; did you mean 'faces/pose-",
        ),
        ("quite_else.jpg", "no file 'quite_else.jpg' in {}/in"),
        ("../secret.png", "'../secret.png' lies outside the input folders ({}/in)"),
        ("/etc/passwd", "'/etc/passwd' lies outside the input folders ({}/in)"),
        (
            "faces/../../secret.png",
            "'faces/../../secret.png' lies outside the input folders ({}/in)",
        ),
        ("way/out.png", "'way/out.png' lies outside the input folders ({}/in)"),
        ("faces", "'faces' is a folder; a picture is needed here"),
        (
            "https://example.org/a.png",
            "'https://example.org/a.png' is on the web; allow that with --allow-http, or save the"
            " picture here",
        ),
    ],
)
def test_a_path_that_cannot_be_read_is_named_with_the_reason(
    here: Hand, tmp_path: Path, path: str, message: str
) -> None:
    (tmp_path / "secret.png").write_bytes(WHOLE)
    (tmp_path / "in" / "way").symlink_to(tmp_path)

    with pytest.raises(UserError) as caught:
        load(path, here)

    assert str(caught.value).startswith(message.format(tmp_path))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("empty", "no pictures in the folder 'empty'"),
        ("faces/*.jpg", "no pictures match 'faces/*.jpg' in {}/in"),
        ("../*.png", "'../*.png' lies outside the input folders ({}/in)"),
    ],
)
def test_a_folder_or_pattern_without_pictures_is_an_error(
    here: Hand, tmp_path: Path, path: str, message: str
) -> None:
    (tmp_path / "in" / "empty").mkdir()

    with pytest.raises(UserError) as caught:
        _files.expand(Path(path), here.folders)

    assert message.format(tmp_path) == str(caught.value)


def test_the_shipped_photographs_load() -> None:
    for name in ("astronaut.jpg", "park.jpg"):
        assert load(name, Hand(folders=Folders((INPUTS,)))).image.size[0] >= 512


# Choosing from a folder


def listed(here: Hand, **given: Any) -> list[str]:
    """The names that ListImages finds, by the stamp that notices when they change."""
    node = ListImages.model_validate({"path": "faces", **given})
    paths = node.run(here).paths
    assert [path.as_posix() for path in paths] == node.stamp(here)
    return [path.stem for path in paths]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [1, 9, 10]),
        ({"order": "name"}, [1, 10, 9]),
        ({"order": "date"}, [9, 1, 10]),
        ({"reverse": True}, [10, 9, 1]),
        ({"limit": 2}, [1, 9]),
        ({"skip": 1}, [9, 10]),
        ({"skip": 1, "limit": 1}, [9]),
        ({"order": "date", "reverse": True, "limit": 1}, [10]),
        ({"path": "faces/*0.png"}, [10]),
        ({"path": "faces/pose-9.png"}, [9]),
    ],
)
def test_pictures_of_a_folder_come_in_the_order_and_number_wanted(
    here: Hand, given: dict[str, Any], expected: list[int]
) -> None:
    for age, number in enumerate((9, 1, 10)):
        os.utime(here.folders.data[0] / "faces" / f"pose-{number}.png", (age, age))

    assert [f"pose-{number}" for number in expected] == listed(here, **given)


def test_leaving_out_more_pictures_than_there_are_is_an_error(here: Hand) -> None:
    with pytest.raises(UserError) as caught:
        listed(here, skip=3)

    assert str(caught.value) == "skip: there are only 3 pictures in 'faces'"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("faces/pose-1.png", "pose-1"),
        ("Grüße, 猫 (2).jpg", "Grüße, 猫 (2)"),
        ("a:b#c!.png", "a-b-c"),
        ("...png", "picture"),
        ("(1).png", "1)"),
        (f"{'x' * 200}.png", "x" * 100),
    ],
)
def test_a_loaded_picture_tells_a_name_that_it_can_be_saved_under(path: str, name: str) -> None:
    assert name == _names.safe_name(Path(path).stem)
    assert SaveImage(image=gradient(), name=name).name == name


def test_a_folder_is_saved_under_its_own_names(here: Hand, tmp_path: Path) -> None:
    g = Builder()
    faces = g.add("faces", LoadImages, path=Path("faces"), skip=1)
    small = g.add("small", Resize, image=faces.image, width=24)
    saved = g.add("saved", SaveImage, image=small.image, name=faces.name, pattern="small/{name}")

    found: Any = g.run(saved, settings=Settings(folders=here.folders)).path

    assert [tmp_path / "out" / "small" / f"pose-{i}.png" for i in (9, 10)] == found
    assert load(found[0], Hand(folders=Folders((tmp_path,)))).image.size == (24, 16)


# The web


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        found = {"/a.png": ("image/png", WHOLE), "/page": ("text/html", b"<p>no</p>")}
        kind, body = found.get(self.path, ("image/png", b"x" * 200))
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(_addresses, "public", lambda text: text == "127.0.0.1")
    _fetch._download.cache_clear()
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


ONLINE = Hand(allow=frozenset({"http"}))


def test_a_picture_on_the_web_is_loaded_when_allowed(web: str) -> None:
    node = LoadImage(path=Path(f"{web}/a.png"))

    assert node.run(ONLINE).image.size == (48, 32)
    assert node.stamp(ONLINE) == _files.content_digest(WHOLE)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/none", "'{0}/none' answers 404 Not Found"),
        ("/page", "'{0}/page' gives text/html, not a picture"),
        ("/large", "'{0}/large' is larger than 0 MiB"),
        ("/away", "cannot load '{0}/away': "),
    ],
)
def test_an_address_that_gives_no_picture_is_named_with_the_reason(
    web: str, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    monkeypatch.setattr(_fetch, "LARGEST", 100)

    with pytest.raises(UserError) as caught:
        load(f"{web}{path}", ONLINE)

    assert str(caught.value).startswith(message.format(web))


def test_an_address_nobody_answers_at_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_addresses, "public", lambda _: True)

    with pytest.raises(UserError, match=r"cannot load 'http://127\.0\.0\.1:9/a\.png': "):
        load("http://127.0.0.1:9/a.png", ONLINE)


# Folders and names as people have them


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(WHOLE)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("set [1]", ["set [1]/a.png"]),
        ("set [1]/*.png", ["set [1]/a.png"]),
        ("set [1]/**/*.png", ["set [1]/a.png", "set [1]/b [2]/c.png"]),
        ("set [1]/b [2]/*.png", ["set [1]/b [2]/c.png"]),
        ("what*now?", ["what*now?/a.png"]),
        ("what*now?/?.png", ["what*now?/a.png"]),
        ("set 1/*.png", ["set 1/b.png"]),
        ("set [12]/*.png", ["set 1/b.png"]),
    ],
)
def test_a_folder_that_exists_is_no_pattern(here: Hand, given: str, expected: list[str]) -> None:
    put(
        here.folders.data[0], "set [1]/a.png", "set [1]/b [2]/c.png", "what*now?/a.png",
        "set 1/b.png",
    )  # fmt: skip

    assert [Path(name) for name in expected] == _files.expand(Path(given), here.folders)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("mac", ["mac/a.png"]),
        ("mac/*.png", ["mac/a.png"]),
        ("mac/**/*", ["mac/a.png"]),
        ("mac/.*", ["mac/.hidden.png"]),
    ],
)
def test_hidden_files_and_companions_are_no_pictures(
    here: Hand, given: str, expected: list[str]
) -> None:
    put(here.folders.data[0], "mac/a.png", "mac/.hidden.png", "mac/.trash/b.png")
    (here.folders.data[0] / "mac" / "._a.png").write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X        ")

    assert [Path(name) for name in expected] == _files.expand(Path(given), here.folders)


def test_a_hidden_picture_that_is_named_is_read(here: Hand) -> None:
    put(here.folders.data[0], ".hidden.png")

    assert load(".hidden.png", here).image.size == (48, 32)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (r"faces\pose-1.png", None),
        (r"faces\*.png", [f"faces/pose-{i}.png" for i in (1, 9, 10)]),
        ("faces\\", [f"faces/pose-{i}.png" for i in (1, 9, 10)]),
        (r".\faces\pose-[19].png", [f"faces/pose-{i}.png" for i in (1, 9)]),
    ],
)
def test_a_path_that_was_written_on_windows_leads_to_the_same_files(
    here: Hand, given: str, expected: list[str] | None
) -> None:
    found = _files.expand(Path(given), here.folders)

    assert found == (None if expected is None else [Path(name) for name in expected])
    listed = ListImages(path=Path(given)).run(here).paths
    assert all("\\" not in str(path) for path in listed)
    loaded = load(given if expected is None else listed[0], here)
    assert loaded.name == "pose-1"


def test_a_backslash_in_a_name_that_exists_is_part_of_it(here: Hand) -> None:
    put(here.folders.data[0], r"faces\pose-1.png")
    (here.folders.data[0] / r"faces\pose-1.png").write_bytes(
        encode_file(flat((1, 2, 3), 8, 8).pixels, "png", 100)
    )

    assert load(r"faces\pose-1.png", here).image.size == (8, 8)


@pytest.mark.parametrize("path", [r"..\secret.png", r"..\*.png", r"faces\..\..\secret.png"])
def test_backslashes_lead_out_of_no_folder(here: Hand, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.png").write_bytes(WHOLE)

    with pytest.raises(UserError, match="lies outside the input folders"):
        _files.expand(Path(path), here.folders)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("नमस्ते", "नमस्ते"),
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("con", "con_"),
        ("LPT1.a", "LPT1_.a"),
        ("猫" * 90, "猫" * 76),
        ("e\u0301" * 60, "e\u0301" * 50),
        ("x" * 99 + "e\u0301", "x" * 99),
        ("🐱", "picture"),
    ],
)
def test_names_keep_their_marks_and_are_cut_between_letters(name: str, expected: str) -> None:
    found = _names.safe_name(name)

    assert found == expected
    assert SaveImage(image=gradient(), name=found).name == found


@pytest.mark.parametrize(
    "pattern", ["{name}", "{name}-{number}", "{number}-{name}", "{name}/{name}"]
)
@pytest.mark.parametrize("name", ["猫" * 76, "x" * 100, "नमस्ते" * 12])
def test_a_long_name_is_cut_to_what_file_systems_take(here: Hand, pattern: str, name: str) -> None:
    long = pattern.replace("{name}", "{name}ü猫" + "é" * 80)
    context = Hand(folders=here.folders)

    paths = [
        SaveImage(image=flat((i, 0, 0), 8, 8), name=name, pattern=long).run(context).path
        for i in range(3)
    ]

    assert len(set(paths)) == 3
    assert all(len(part.encode()) <= 255 for path in paths for part in path.parts)
    assert [path.suffix for path in paths] == [".png"] * 3


@pytest.mark.parametrize("pattern", ["con", "con/{name}", "nul.a"])
def test_names_that_windows_takes_for_devices_are_written_otherwise(
    here: Hand, pattern: str
) -> None:
    path = SaveImage(image=gradient(), pattern=pattern).run(here).path

    inner = path.relative_to(here.folders.output or Path())
    assert not any(safe_paths.is_device(part) for part in inner.parts)


def test_folders_end_in_no_dot(here: Hand) -> None:
    path = SaveImage(image=gradient(), pattern="a. /b./{name}").run(here).path

    assert path.relative_to(here.folders.output or Path()) == Path("a/b/image.png")
