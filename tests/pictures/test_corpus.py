"""Picture files of all kinds: read alike by nodes, uploads, thumbnails and commands, or refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from typer.testing import CliRunner

from nodegraph.cli.app import app
from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodegraph.pictures import bare, png
from nodegraph.pictures.read import read_size
from nodegraph.web.services import Services
from nodes.files.decode import decode_picture
from nodes.files.find import PICTURES
from nodes.images import LoadImage

from ..support.corpus import LOSSY, File, chunk, distance, files
from ..support.corpus import png as scene_png
from ..support.pictures import Hand
from ..support.serving import client, serving

FILES = files()
EVERY = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
UPLOADED = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@EVERY
def test_a_file_is_read_as_every_viewer_shows_it_or_refused_in_a_sentence(
    file: File, tmp_path: Path
) -> None:
    (tmp_path / file.name).write_bytes(file.data)
    node, hand = LoadImage(path=Path(file.name)), Hand(folders=Folders((tmp_path,)))

    if file.pixels is None:
        with pytest.raises(UserError) as caught:
            node.run(hand)
        assert str(caught.value).startswith(f"{file.name!r} is ")
        assert "\n" not in str(caught.value)
    else:
        assert distance(file, node.run(hand).image.pixels) <= file.within


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with serving(tmp_path_factory.mktemp("server")) as parts:
        yield parts


@pytest.fixture(scope="module")
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.format in UPLOADED], ids=lambda file: file.name
)
def test_what_a_node_reads_can_be_uploaded_and_is_shown_alike(
    file: File, asking: TestClient, services: Services
) -> None:
    headers = {"Content-Type": UPLOADED[file.format]}

    answer = asking.put("/v1/assets", content=file.data, headers=headers)

    if file.pixels is None:
        assert (answer.status_code, answer.json()["error"]["code"]) in (
            (415, "wrong_type"), (422, "refused"),
        )  # fmt: skip
        return
    assert answer.status_code == 201
    name = answer.json()["asset"]
    stored = (services.assets.folder / name).read_bytes()
    assert distance(file, decode_picture(stored, name)[0]) <= file.within
    small = asking.get(f"/v1/assets/{name}/thumbnail?size=64")
    assert small.status_code == 200
    assert distance(file, decode_picture(small.content, name)[0], LOSSY) <= LOSSY


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_stored_file_has_a_thumbnail_or_is_said_to_be_damaged(
    file: File, asking: TestClient, services: Services
) -> None:
    """Pictures that jobs made are stored as they are, and anything may happen to a disk."""
    suffix = {"JPEG": ".jpg", "WEBP": ".webp"}.get(file.format, ".png")
    name = hashlib.sha256(file.name.encode()).hexdigest() + suffix
    (services.assets.folder / name).write_bytes(file.data)

    answer = asking.get(f"/v1/assets/{name}/thumbnail?size=64")

    shown = file.pixels is not None and file.format in UPLOADED
    assert answer.status_code == (200 if shown else 422)
    if not shown:
        assert answer.json()["error"]["message"].endswith("so it has no thumbnail")


def test_a_folder_of_them_is_read_by_a_command(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    suffixes = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "BMP": "bmp",
                "PPM": "ppm", "TIFF": "tif", "AVIF": "avif"}  # fmt: skip
    sound = {file.name: file for file in FILES if file.pixels is not None}
    for file in sound.values():
        (folder / f"{file.name}.{suffixes[file.format]}").write_bytes(file.data)
    nodes = {
        "photos": {"type": "LoadImages", "values": {"path": "all"}},
        "saved": {
            "type": "SaveImage",
            "values": {"pattern": "{name}"},
            "links": {"image": "photos.image", "name": "photos.name"},
        },
    }
    (tmp_path / "all.json").write_text(json.dumps({"format": 1, "nodes": nodes}))

    done = CliRunner().invoke(
        app, ["run", str(tmp_path / "all.json"), "--out", str(tmp_path / "out"), "--no-cache"]
    )

    assert done.exit_code == 0, done.output
    saved = {path.stem: path for path in (tmp_path / "out").iterdir()}
    assert saved.keys() == sound.keys()
    for name, file in sound.items():
        with Image.open(saved[name]) as picture:
            assert distance(file, np.asarray(picture.convert("RGB"))) <= file.within


def test_a_file_of_more_parts_than_any_picture_has_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(png, "MOST_PARTS", 20)
    data = scene_png(*[chunk(b"tEXt", b"k\0v")] * 20)

    with pytest.raises(UserError, match="it is made of more than"):
        decode_picture(data, "x.png")


def test_what_is_handed_to_a_decoder_holds_pixels_alone() -> None:
    for file in FILES:
        if file.pixels is not None and file.format == "PNG":
            kinds = {kind for kind, _ in parts_of(png.bare(file.data))}
            assert kinds <= {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def parts_of(file: bare.Bare) -> Iterator[tuple[bytes, bytes]]:
    from nodegraph.carriers.png import _chunks

    return _chunks(file.data)


def test_every_suffix_of_a_format_that_is_read_is_listed() -> None:
    from nodegraph.pictures.read import FORMATS

    Image.init()
    suffixes = {
        suffix for suffix, format in Image.registered_extensions().items() if format in FORMATS
    }

    assert suffixes <= PICTURES


def test_names_of_srgb_change_no_pixel() -> None:
    """Half of all photographs name sRGB: converting them would change pixels by one."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(noise).save(file, "PNG", icc_profile=profile)

    assert np.array_equal(noise, decode_picture(file.getvalue(), "x")[0])


def test_warnings_come_back_when_the_last_of_several_readers_is_done() -> None:
    import warnings

    from nodegraph.pictures.silence import SILENCE

    def filters() -> list[Any]:
        return list(warnings.filters)

    before = filters()
    with SILENCE:
        with SILENCE:
            warnings.warn("nobody hears this", stacklevel=1)
        warnings.warn("nor this", stacklevel=1)
    assert filters() == before


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.pixels is not None], ids=lambda file: file.name
)
def test_the_size_is_known_from_the_header_alone(file: File) -> None:
    assert file.pixels is not None
    if file.name != "avif-exif":  # whose header is read at the second try
        assert read_size(file.data) == file.pixels.shape[1::-1]


@pytest.mark.parametrize(
    "filler", [b"\xff", b"\xff\x00", b"\x00", b"\xff\xd8", b"\xff\xe1\x00\x02"]
)
@pytest.mark.parametrize(
    "start", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF0000WEBP", b"II*\0"]
)
def test_a_file_of_one_byte_over_and_over_is_refused_at_once(start: bytes, filler: bytes) -> None:
    """A search that goes back over what it has seen would take hours for these."""
    with pytest.raises(UserError):
        decode_picture(start + filler * (1_000_000 // len(filler)), "x")
