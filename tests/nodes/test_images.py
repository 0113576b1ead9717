"""Pictures in and out: LoadImage, Resize, SaveImage and Grid."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures
from pydantic import ValidationError
from typer.testing import CliRunner

from nodegraph import Builder, Settings
from nodegraph.carriers.picture import read_workflow
from nodegraph.cli.app import app
from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.files import addresses as _addresses
from nodes.files import find as _files
from nodes.files import names as _names
from nodes.files import web as _fetch
from nodes.files.decode import decode_picture
from nodes.files.write import encode_file
from nodes.images import ListImages, LoadImage, LoadImages, Resize, SaveImage
from nodes.layout import Compare, Grid
from nodes.types import Image

from ..support.pictures import INPUTS, Hand, encoded, flat, gradient


@pytest.fixture
def here(tmp_path: Path) -> Hand:
    (tmp_path / "in" / "faces").mkdir(parents=True)
    for name in ("pose-10", "pose-9", "pose-1"):
        picture = encode_file(gradient().pixels, "png", 100)
        (tmp_path / "in" / "faces" / f"{name}.png").write_bytes(picture)
    (tmp_path / "in" / "faces" / "notes.txt").write_text("not a picture")
    return Hand(folders=Folders((tmp_path / "in",), tmp_path / "out"))


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


# Resizing


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, (48, 32)),
        ({"width": 96}, (96, 64)),
        ({"height": 16}, (24, 16)),
        ({"width": 20, "height": 50}, (20, 50)),
        ({"width": 20, "height": 50, "multiple_of": 8}, (16, 48)),
        ({"width": 100, "multiple_of": 64}, (128, 64)),
    ],
)
def test_a_side_left_out_follows_in_proportion(
    given: dict[str, int], size: tuple[int, int]
) -> None:
    for fit in ("stretch", "cover", "contain"):
        node = Resize.model_validate({"image": gradient(), "fit": fit, **given})

        assert size == node.run().image.size


def test_cover_cuts_off_what_is_too_much_and_contain_adds_a_margin() -> None:
    half = np.zeros((32, 64, 3), np.uint8)
    half[:, 16:48] = 200
    image = type(gradient())(half)

    covered = Resize(image=image, width=32, height=32, fit="cover", filter="nearest").run()
    contained = Resize(image=image, width=64, height=64, fit="contain", background="#ff0000").run()

    assert (covered.image.pixels == 200).all()
    assert contained.image.pixels[0, 0].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(contained.image.pixels[16:48], half)


def test_resizing_keeps_what_the_picture_was_drawn_as() -> None:
    edges = type(gradient())(gradient().pixels, "canny")

    assert Resize(image=edges, width=96).run().image.conditioning == "canny"


def test_a_size_out_of_range_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 8192"):
        Resize(image=gradient(), width=9000)


# Saving


def test_files_are_numbered_and_carry_the_workflow(here: Hand, tmp_path: Path) -> None:
    context = Hand(folders=here.folders, workflow='{"format":1,"title":"Grüße"}')

    paths = [SaveImage(image=flat((i, 0, 0)), name="a b").run(context).path for i in range(3)]

    assert [tmp_path / "out" / f"a b-000{i}.png" for i in (1, 2, 3)] == paths
    assert context.workflow == read_workflow(paths[0])
    np.testing.assert_array_equal(
        decode_picture(paths[2].read_bytes(), "")[0], flat((2, 0, 0)).pixels
    )


def test_the_same_picture_is_not_saved_twice(here: Hand) -> None:
    first, second = (SaveImage(image=gradient()).run(here).path for _ in range(2))

    assert first == second


def test_nothing_is_overwritten_when_many_save_at_once(here: Hand, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=SaveImage(image=flat((i, 0, 0))).run, args=(here,))
        for i in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = [
        decode_picture(path.read_bytes(), "")[0][0, 0, 0] for path in (tmp_path / "out").iterdir()
    ]
    assert list(range(12)) == sorted(int(red) for red in found)


def test_a_file_system_without_links_is_served_too(
    here: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)

    paths = [SaveImage(image=flat((i, 0, 0))).run(here).path.name for i in range(2)]

    assert paths == ["image-0001.png", "image-0002.png"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    here: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(UserError) as caught:
        SaveImage(image=gradient()).run(here)

    assert f"the disk of '{tmp_path}/out' is full; nothing was written" == str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_output_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")

    with pytest.raises(UserError) as caught:
        SaveImage(image=gradient()).run(Hand(folders=Folders((), tmp_path / "out")))

    assert f"'{tmp_path}/out' is not a folder; name one with --out" == str(caught.value)


def test_an_unwritable_output_folder_is_an_error(
    here: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)

    with pytest.raises(UserError) as caught:
        SaveImage(image=gradient()).run(here)

    assert str(caught.value) == (
        f"cannot write to '{tmp_path}/out': permission denied; name a folder with --out"
    )


def test_no_output_folder_is_an_error() -> None:
    with pytest.raises(UserError, match="no output folder is set; name one with --out"):
        SaveImage(image=gradient()).run(Hand())


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", ".hidden", "a\0b", "a:b", "a\nb"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        SaveImage(image=gradient(), name=name)


def save(here: Hand, **given: Any) -> str:
    """Save a picture; tell the file's place in the output folder."""
    path: Path = SaveImage.model_validate({"image": gradient(), **given}).run(here).path
    assert here.folders.output is not None
    return path.relative_to(here.folders.output).as_posix()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "image-0001.png"),
        ({"name": "mia", "format": "jpeg"}, "mia-0001.jpg"),
        ({"name": "mia", "pattern": "{name}", "format": "webp"}, "mia.webp"),
        ({"pattern": "{number} {name} {width}x{height}"}, "0001 image 48x32.png"),
        ({"pattern": "{number}-{number}"}, "0001-0001.png"),
        ({"pattern": "faces/small/{name}"}, "faces/small/image.png"),
        ({"pattern": "{date}/{name}"}, f"{date.today()}/image.png"),
    ],
)
def test_a_file_is_named_after_its_pattern(
    here: Hand, given: dict[str, Any], expected: str
) -> None:
    assert expected == save(here, **given)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{name}-{number}", ["image-0001.png", "image-0002.png", "image-0003.png"]),
        ("{number}", ["0001.png", "0002.png", "0003.png"]),
        ("{number}.{number}", ["0001.0001.png", "0002.0002.png", "0003.0003.png"]),
        ("{name}", ["image.png", "image-2.png", "image-3.png"]),
        ("a (x)/{name}", ["a (x)/image.png", "a (x)/image-2.png", "a (x)/image-3.png"]),
    ],
)
def test_a_name_that_is_taken_gets_the_next_number_and_the_same_picture_keeps_its_own(
    here: Hand, pattern: str, expected: list[str]
) -> None:
    pictures = [flat((i, 0, 0)) for i in (0, 1, 2, 1, 0)]

    found = [save(here, pattern=pattern, image=image) for image in pictures]

    assert [*expected, expected[1], expected[0]] == found


def test_a_free_name_is_taken_as_it_is_whatever_its_neighbours_are_called(here: Hand) -> None:
    for name in ("pose-1", "pose-7"):
        save(here, name=name, pattern="{name}")

    assert save(here, name="pose", pattern="{name}") == "pose.png"
    assert save(here, name="pose", pattern="{name}", image=flat((1, 2, 3))) == "pose-2.png"


def test_two_processes_share_one_row_of_numbers(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nodes.files.write import write_file\n"
        "for i in range(40):\n"
        "    write_file(f'{sys.argv[1]} {i}'.encode(), Path('out'), 'x-{number}', '.png')"
    )
    command = [sys.executable, "-c", code]
    running = [subprocess.Popen([*command, who], cwd=tmp_path) for who in ("one", "other")]

    assert [process.wait() for process in running] == [0, 0]
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert sorted(found) == [f"x-{number:04}.png" for number in range(1, 81)]
    assert len(set(found.values())) == 80


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("../{name}", "should be names, parted by /"),
        ("/tmp/{name}", "should be names, parted by /"),
        ("a//b", "should be names, parted by /"),
        ("", "should be names, parted by /"),
        ("a/", "should be names, parted by /"),
        ("a/.hidden", "should be names, parted by /"),
        ("a\\b", "should be names, parted by /"),
        ("C:x", "should be names, parted by /"),
        ("{prompt}", "has no 'prompt'; there are name, number, date, width, height"),
        ("{nam}", "has no 'nam'; did you mean 'name'?"),
        ("{}", "has no ''; there are name"),
        ("{name", "has a bracket too many"),
        ("{{name}}", "has no '{name'; did you mean 'name'?"),
        ("{number}/{name}", "numbers a folder; {number} belongs into the file's name"),
    ],
)
def test_a_pattern_that_names_no_file_in_the_folder_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SaveImage(image=gradient(), pattern=pattern)

    assert message in str(caught.value)


def test_a_link_does_not_lead_out_of_the_output_folder(here: Hand, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "else").mkdir()
    (tmp_path / "out" / "way").symlink_to(tmp_path / "else")

    with pytest.raises(UserError) as caught:
        save(here, pattern="way/deep/{name}")

    assert f"pattern: '{tmp_path}/out/way/deep' leads out of the output folder" == str(caught.value)
    assert list((tmp_path / "else").iterdir()) == []


def saved(here: Hand, **given: Any) -> Path:
    assert here.folders.output is not None
    return here.folders.output / save(here, **given)


def test_formats_keep_what_they_promise(here: Hand) -> None:
    def error(**given: Any) -> float:
        pixels, _ = decode_picture(saved(here, **given).read_bytes(), "")
        return float(np.abs(pixels.astype(int) - gradient().pixels).mean())

    assert error(format="png") == error(format="webp", quality=100) == 0
    assert 0 < error(format="webp", quality=90) < error(format="webp", quality=10)
    assert 0 < error(format="jpeg", quality=95) < 2 < error(format="jpeg", quality=10)


def test_a_good_jpeg_keeps_thin_coloured_lines(here: Hand) -> None:
    lines = np.zeros((32, 32, 3), np.uint8)
    lines[:, ::4, 0] = 255
    image = type(gradient())(lines)

    good, _ = decode_picture(saved(here, image=image, format="jpeg", quality=95).read_bytes(), "")
    small, _ = decode_picture(saved(here, image=image, format="jpeg", quality=80).read_bytes(), "")

    assert good[16, 16, 0] > 230
    assert small[16, 16, 0] < 200


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_every_format_carries_the_workflow(here: Hand, format: str) -> None:
    context = Hand(folders=here.folders, workflow='{"format": 1, "title": "Grüße"}')

    path = saved(context, format=format)

    assert context.workflow == read_workflow(path)
    assert decode_picture(path.read_bytes(), "")[0].shape == (32, 48, 3)


@pytest.mark.parametrize(("format", "most"), [("jpeg", 65_500), ("webp", 16_383)])
def test_a_picture_too_large_for_its_format_is_an_error(here: Hand, format: str, most: int) -> None:
    with pytest.raises(UserError) as caught:
        save(here, image=flat((0, 0, 0), most + 1, 1), format=format)

    assert str(caught.value) == (
        f"format: a {format} file has at most {most} pixels a side, not {most + 1} x 1; use png"
    )
    assert save(here, image=flat((0, 0, 0), most, 1), format=format)


def test_a_saved_jpeg_is_a_workflow_to_run_again(
    here: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {
        "format": 1,
        "nodes": {
            "photo": {"type": "LoadImage", "values": {"path": "faces/pose-1.png"}},
            "save": {
                "type": "SaveImage",
                "values": {"format": "jpeg", "pattern": "{name}"},
                "links": {"image": "photo.image"},
            },
        },
        "params": {"quality": {"to": "save.quality"}},
    }
    (tmp_path / "faces.json").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> None:
        more = ["--data", str(here.folders.data[0]), "--no-cache"]
        done = CliRunner().invoke(app, ["run", *words, *more])
        assert done.exit_code == 0, done.output

    run("faces.json", "--out", "first")
    run("first/image.jpg", "--out", "second")
    run("first/image.jpg", "--out", "first", "--set", "quality=5")

    first, second, third = (Path(f"{name}.jpg") for name in
                            ("first/image", "second/image", "first/image-2"))  # fmt: skip
    assert first.read_bytes() == second.read_bytes()
    assert third.stat().st_size < first.stat().st_size


# Grids


def test_pictures_are_laid_out_row_by_row() -> None:
    colours = [(10, 0, 0), (20, 0, 0), (30, 0, 0)]

    sheet = Grid(images=[flat(one, 10, 8) for one in colours], columns=2, padding=2).run().image

    assert sheet.size == (2 + 2 * 12, 2 + 2 * 10)
    assert sheet.pixels[5, [5, 17], 0].tolist() == [10, 20]
    assert sheet.pixels[15, [5, 17], 0].tolist() == [30, 255]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4)])
def test_without_columns_a_grid_is_as_square_as_can_be(count: int, columns: int) -> None:
    sheet = Grid(images=[flat((0, 0, 0), 16, 16)] * count, padding=0).run().image

    assert columns * 16 == sheet.size[0]


def test_pictures_of_other_sizes_fit_into_their_cell_whole() -> None:
    small, tall = flat((50, 0, 0), 10, 10), flat((60, 0, 0), 20, 40)

    sheet = Grid(images=[small, tall], padding=0, background="#000000").run().image

    assert sheet.size == (40, 40)
    assert sheet.pixels[[5, 20, 35], 10, 0].tolist() == [0, 50, 0]


def test_labels_are_written_below_above_and_beside() -> None:
    cells = [flat((0, 0, 255), 96, 64)] * 4
    plain = Grid(images=cells, columns=2).run().image

    for labels, where in (
        ({"labels": ["one", "two", "three", "four"]}, np.s_[72:80, :104]),
        ({"column_labels": ["left", "right"]}, np.s_[4:22, 8:104]),
        ({"row_labels": ["up", "down"]}, np.s_[20:60, :24]),
    ):
        sheet = Grid.model_validate({"images": cells, "columns": 2, **labels}).run().image
        assert sheet.size > plain.size or sheet.size[1] > plain.size[1]
        assert (sheet.pixels[where].max(axis=2) < 100).any(), labels


def test_a_long_label_is_wrapped_and_cut() -> None:
    long = "a very long prompt " * 20 + "x" * 300

    sheet = Grid(images=[flat((0, 0, 255), 128, 64)], labels=[long], padding=0).run().image

    assert sheet.size[0] == 128
    assert sheet.size[1] <= 64 + 3 * 14


def ink(sheet: Any, where: Any, colour: tuple[int, int, int]) -> bool:
    """Whether anything was written in about this colour there."""
    apart = np.abs(sheet.pixels[where].astype(int) - colour)
    return bool((apart.max(axis=2) < 90).any())


def test_a_title_is_written_above_everything_and_larger_than_labels() -> None:
    cells, ink_of = [flat((0, 0, 255), 96, 64)] * 2, (26, 26, 26)
    labelled = Grid(images=cells, column_labels=["x", "x"]).run().image

    sheet = Grid(images=cells, column_labels=["x", "x"], title="x").run().image

    assert sheet.size == (labelled.size[0], labelled.size[1] + 20 + 8)  # 15 * 1.3, padding
    np.testing.assert_array_equal(labelled.pixels[8:], sheet.pixels[36:])
    assert ink(sheet, np.s_[8:28, 100:116], ink_of)
    assert not ink(sheet, np.s_[8:28, :96], ink_of)


def test_labels_have_the_size_and_colour_asked_for() -> None:
    cells = [flat((0, 0, 255), 96, 64)]

    sheet = Grid(images=cells, labels=["x"], label_size=40, label_colour="#ff0000").run().image

    assert sheet.size == (112, 8 + 64 + 52 + 8)
    assert ink(sheet, np.s_[72:124], (255, 0, 0))
    assert not ink(sheet, np.s_[72:124], (26, 26, 26))


def test_a_label_too_many_is_an_error_that_says_how_many_there_should_be() -> None:
    with pytest.raises(UserError) as caught:
        Grid(images=[gradient()] * 2, labels=["a", "b", "c"]).run()

    assert str(caught.value) == "labels: 3 for 2 pictures; give one each, or none"


def test_a_sheet_that_would_be_too_large_is_an_error() -> None:
    wide = flat((0, 0, 0), 8000, 2000)

    with pytest.raises(UserError, match=r"the sheet would be .* over 128 megapixels"):
        Grid(images=[wide] * 10).run()


# Comparing

RAMP = np.arange(0, 250, 25, dtype=np.uint8)  # ten shades
BEFORE, AFTER = flat((0, 0, 0), 10, 4), Image.from_grey(np.tile(RAMP, (4, 1)))


def compared(**given: Any) -> Any:
    return Compare.model_validate({"before": BEFORE, "after": AFTER, **given}).run()


def test_pictures_stand_side_by_side_with_a_line_between_them() -> None:
    sheet = compared(line=3, line_colour="#ff0000").image.pixels

    np.testing.assert_array_equal(BEFORE.pixels, sheet[:, :10])
    assert (sheet[:, 10:13] == (255, 0, 0)).all()
    np.testing.assert_array_equal(AFTER.pixels, sheet[:, 13:])


@pytest.mark.parametrize(
    ("position", "line", "row"),
    [
        (0.5, 0, [0, 0, 0, 0, 0, 125, 150, 175, 200, 225]),
        (0.5, 2, [0, 0, 0, 0, 255, 255, 150, 175, 200, 225]),
        (0.1, 4, [255, 255, 255, 75, 100, 125, 150, 175, 200, 225]),
        (0.9, 4, [0, 0, 0, 0, 0, 0, 0, 255, 255, 255]),
        (0, 2, [0, 25, 50, 75, 100, 125, 150, 175, 200, 225]),
        (1, 2, [0] * 10),
    ],
)
def test_a_split_shows_before_on_the_left_and_after_on_the_right(
    position: float, line: int, row: list[int]
) -> None:
    sheet = compared(layout="split", position=position, line=line).image

    assert sheet.pixels[2, :, 0].tolist() == row
    assert sheet.size == (10, 4)


def test_a_difference_is_black_where_there_is_none_and_grows_lighter() -> None:
    brightness = compared(layout="difference").image.pixels[0].astype(int).sum(axis=1)
    stronger = compared(layout="difference", gain=2).image.pixels[0].astype(int).sum(axis=1)

    assert brightness[0] == stronger[0] < 10
    assert (np.diff(brightness) > 0).all()
    assert brightness[2] == stronger[1]
    assert len(set(stronger[6:])) == 1  # as large as it can be shown


def test_differences_are_told_in_numbers_whatever_is_shown() -> None:
    for layout in ("side by side", "split", "difference"):
        found = compared(layout=layout)
        assert (found.mean_difference, found.max_difference) == (112.5, 225)


def test_pictures_of_different_sizes_cannot_be_compared() -> None:
    with pytest.raises(UserError, match=r"^after: is 48 x 32 pixels, but the picture 10 x 4"):
        compared(after=gradient())


def test_the_shipped_photographs_load() -> None:
    for name in ("astronaut.jpg", "park.jpg"):
        assert load(name, Hand(folders=Folders((INPUTS,)))).image.size[0] >= 512
