"""SaveImage: names, numbers, formats, and the workflow in the file."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from nodegraph.carriers.picture import read_workflow
from nodegraph.cli.app import app
from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.files.decode import decode_picture
from nodes.images import SaveImage

from ..support.pictures import Hand, flat, gradient


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
    write = os.write

    def full(file: int, data: memoryview) -> int:
        write(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)

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
        ("{{name}}", "has a bracket too many"),
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
