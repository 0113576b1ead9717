"""Assets: only pictures come in, only under the name of their content, and only whole."""

from __future__ import annotations

import os
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from nodegraph.jobs import assets as assets_module
from nodegraph.jobs import files as publish
from nodegraph.jobs import sanitise
from nodegraph.jobs.assets import Assets
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import (
    AssetRefusedError,
    JobResult,
    NoSuchAssetError,
    Order,
    StorageFullError,
)


def picture(
    format: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any
) -> bytes:
    from PIL import Image

    file = BytesIO()
    drawn = Image.linear_gradient("L").resize(size).convert(mode)
    drawn.save(file, format, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png_of(width: int, height: int, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    parts = [chunk(b"IHDR", header), *more, data, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("format", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")]
)
def test_a_picture_is_kept_under_the_hash_of_its_content(
    assets: Assets, format: str, suffix: str
) -> None:
    from PIL import Image

    asset = assets.put(picture(format), "cat.png")

    kept = assets.path(asset.file).read_bytes()
    assert asset.file == sha256(kept).hexdigest() + suffix
    assert (asset.name, asset.width, asset.height) == ("cat.png", 40, 20)
    assert (asset.bytes, asset.made) == (len(kept), False)
    with Image.open(BytesIO(kept)) as again:
        assert (again.format, again.size) == (format, (40, 20))


def test_the_pixels_of_a_png_stay_as_they_are(assets: Assets) -> None:
    from PIL import Image

    data = picture(mode="RGBA")

    asset = assets.put(data)

    with Image.open(assets.path(asset.file)) as kept, Image.open(BytesIO(data)) as given:
        assert (kept.mode, kept.tobytes()) == ("RGBA", given.tobytes())


def test_the_same_picture_is_one_asset_under_its_latest_name(assets: Assets) -> None:
    first = assets.put(picture(), "a.png")
    other = assets.put(picture(size=(8, 8)), "b.png")
    again = assets.put(picture(), "c.png")

    assert again.file == first.file
    assert [(a.file, a.name) for a in assets.list()[0]] == [
        (first.file, "c.png"),
        (other.file, "b.png"),
    ]


def test_uploads_are_listed_page_by_page(assets: Assets) -> None:
    names = [assets.put(picture(size=(n, 1)), str(n)).name for n in (3, 4, 5)]

    first, more = assets.list(limit=2)
    rest, none = assets.list(before=more, limit=2)

    assert [asset.name for asset in (*first, *rest)] == names[::-1]
    assert none is None


def test_nothing_but_pixels_is_kept(assets: Assets) -> None:
    from PIL import Image, PngImagePlugin

    said = PngImagePlugin.PngInfo()
    said.add_text("secret", "s3cr3t")
    exif = Image.Exif()
    exif[0x010E] = "s3cr3t"
    for data in (
        picture(pnginfo=said) + b"<html>s3cr3t</html>",
        picture("JPEG", exif=exif, icc_profile=b"s3cr3t", comment=b"s3cr3t"),
        picture("WEBP", exif=exif, icc_profile=b"s3cr3t"),
    ):
        assert b"s3cr3t" in data
        assert b"s3cr3t" not in assets.path(assets.put(data).file).read_bytes()


def test_a_picture_that_lies_on_its_side_is_put_upright(assets: Assets) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6

    asset = assets.put(picture("JPEG", exif=exif))

    assert (asset.width, asset.height) == (20, 40)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_mode_is_brought_to_eight_bits(assets: Assets, mode: str) -> None:
    from PIL import Image

    asset = assets.put(picture(mode=mode))

    with Image.open(assets.path(asset.file)) as kept:
        assert kept.mode in ("L", "RGB", "RGBA")


def test_sixteen_bits_of_grey_keep_their_brightness() -> None:
    from PIL import Image

    file = BytesIO()
    Image.new("I;16", (2, 2), 65535).save(file, "PNG")

    with Image.open(BytesIO(sanitise.cleaned(file.getvalue()).data)) as kept:
        assert kept.getpixel((0, 0)) == 255


def test_of_a_moving_picture_the_first_frame_is_kept(assets: Assets) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    file = BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)

    asset = assets.put(file.getvalue())

    with Image.open(assets.path(asset.file)) as kept:
        assert getattr(kept, "n_frames", 1) == 1
        assert kept.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


REFUSED = {
    "no bytes": (b"", "kind"),
    "text": (b"hello", "kind"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "kind"),
    "html": (b"<html><script>alert(1)</script>", "kind"),
    "gif": (b"GIF89a" + b"\0" * 50, "kind"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "kind"),
    "psd": (b"8BPS\0\1" + b"\0" * 50, "kind"),
    "fits": (b"SIMPLE  =                    T", "kind"),
    "pdf": (b"%PDF-1.7\n", "kind"),
    "tiff": (b"II*\0" + b"\0" * 50, "kind"),
    "pickle": (b"\x80\x04\x95", "kind"),
    "only a png's signature": (b"\x89PNG\r\n\x1a\n", "damaged"),
    "only a jpeg's": (b"\xff\xd8\xff\xe0", "damaged"),
    "only a webp's": (b"RIFF\0\0\0\0WEBP", "damaged"),
    "half a png": (picture(size=(200, 200))[:300], "damaged"),
    "half a jpeg": (picture("JPEG", size=(200, 200))[:400], "damaged"),
    "half a webp": (picture("WEBP", size=(200, 200))[:100], "damaged"),
    "a wrong checksum": (picture()[:45] + b"\0" + picture()[46:], "damaged"),
    "too many pixels": (png_of(20_000, 20_000), "size"),
    "too wide": (png_of(50_000, 1), "size"),
    "wider than can be": (png_of(2**31, 2**31), "size"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sound_picture_is_refused(assets: Assets, name: str) -> None:
    data, reason = REFUSED[name]

    with pytest.raises(AssetRefusedError) as caught:
        assets.put(data)

    assert caught.value.reason == reason
    assert files_in(assets.folder) == []
    assert assets.list() == ([], None)


def test_a_text_that_would_fill_the_memory_is_not_unpacked(assets: Assets) -> None:
    from PIL import Image

    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(b" " * 100_000_000))

    asset = assets.put(png_of(4, 4, bomb))

    with Image.open(assets.path(asset.file)) as kept:
        assert (kept.size, kept.info) == ((4, 4), {})


def test_files_may_not_be_too_large(assets: Assets) -> None:
    with pytest.raises(AssetRefusedError, match="64 MB") as caught:
        assets.put(picture() + b"\0" * sanitise.MOST_BYTES)

    assert caught.value.reason == "size"


HOSTILE = [
    "", ".", "..", "/etc/passwd", "../jobs.sqlite", "..\\jobs.sqlite", "a.png", "\0", "x" * 5000,
    "../" + "a" * 64 + ".png", "a" * 64 + ".png/", "a" * 64 + ".png\n", "A" * 64 + ".png",
    "a" * 64 + ".svg", "a" * 64 + ".png.exe", "C:\\" + "a" * 64 + ".png", "a" * 64, "％2e％2e",
    "a" * 64 + ".PNG", "//host/share/" + "a" * 64 + ".png", "a" * 63 + ".png", "a" * 64 + ".png:x",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_only_names_of_content_lead_to_files(assets: Assets, name: str) -> None:
    (assets.folder / "a.png").write_bytes(b"secret")

    for ask in (assets.path, assets.get, assets.thumbnail, assets.delete):
        with pytest.raises(NoSuchAssetError):
            ask(name)


def test_a_link_in_the_folder_leads_nowhere(assets: Assets, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(picture())
    (assets.folder / ("a" * 64 + ".png")).symlink_to(secret)

    with pytest.raises(NoSuchAssetError):
        assets.path("a" * 64 + ".png")


@pytest.mark.parametrize(("asked", "side"), [(1, 64), (64, 64), (200, 256), (9999, 512)])
def test_thumbnails_come_in_a_few_sizes(assets: Assets, asked: int, side: int) -> None:
    from PIL import Image

    asset = assets.put(picture("JPEG", size=(1000, 500)))

    small = assets.thumbnail(asset.file, asked)

    with Image.open(small) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (side, side // 2))
    before = small.stat().st_mtime_ns
    assert assets.thumbnail(asset.file, asked).stat().st_mtime_ns == before


def files_in(folder: Path) -> list[Path]:
    """Its files, those included that are not published yet."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_deleted_asset_is_gone_from_everywhere(assets: Assets, store: Store) -> None:
    asset = assets.put(picture())
    made(store, asset.file)
    assets.thumbnail(asset.file)

    assets.delete(asset.file)

    assert (assets.list()[0], store.results()[0]) == ([], [])
    assert [*files_in(assets.folder), *assets.thumbnails.iterdir()] == []


def published(assets: Assets, data: bytes) -> str:
    """A picture that a job made, on the disk under its name."""
    file = publish.staged(assets.folder, "job", data, ".png")
    publish.publish_staged(assets.folder, "job", [file])
    return file


def made(store: Store, file: str) -> str:
    job, _ = store.submit(Order({"format": 1}))
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    return store.finish(job.id, claim.token, [JobResult("grid", None, file, 4, 3)], {}).id


def test_what_a_job_made_is_an_asset(assets: Assets, store: Store) -> None:
    file = published(assets, picture())
    made(store, file)

    asset = assets.get(file)

    assert (asset.name, asset.width, asset.height, asset.made) == ("grid", 4, 3, True)


def test_what_nobody_accounts_for_is_swept_away_after_a_day(assets: Assets, store: Store) -> None:
    uploaded = assets.put(picture(size=(5, 5))).file
    of_job = published(assets, picture(size=(6, 6)))
    of_deleted = published(assets, picture(size=(7, 7)))
    unfinished = published(assets, picture(size=(8, 8)))
    torn = assets.folder / ".x.png.123.tmp"
    torn.write_bytes(b"half")
    made(store, of_job)
    made(store, of_deleted)
    store.forget_result(store.results()[0][0].id)
    for name in (uploaded, of_job, of_deleted, torn.name):
        old = time.time() - assets_module.ABANDONED - 10
        os.utime(assets.folder / name, (old, old))

    assert assets.sweep() == 2

    assert {path.name for path in files_in(assets.folder)} == {uploaded, of_job, unfinished}


def ends(store: Store, file: str, data: bytes, folder: Path) -> str:
    """A job that makes a picture and has it recorded; returns its id."""
    job, _ = store.submit(Order({"format": 1}))
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    assert publish.staged(folder, job.id, data, ".png") == file
    return store.finish(job.id, claim.token, [JobResult("grid", None, file, 4, 3)], {}).id


ORDERS = [
    order
    for other in ("upload", "sweep")
    for order in permutations(("make", "record", "delete", other))
    if order.index("make") < order.index("record")  # nothing is recorded that was not made
]


@pytest.mark.parametrize("steps", ORDERS, ids="-".join)
def test_what_is_listed_is_there_in_every_order_of_events(
    assets: Assets, store: Store, steps: tuple[str, ...]
) -> None:
    """Another job made the same picture before, and both may be deleted, uploaded, swept."""
    data = sanitise.cleaned(picture()).data
    file = f"{sha256(data).hexdigest()}.png"
    ends(store, file, data, assets.folder)
    job, _ = store.submit(Order({"format": 1}))
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None

    def delete() -> None:
        with suppress(NoSuchAssetError):
            assets.delete(file)

    acts: dict[str, Callable[[], object]] = {
        "make": lambda: publish.staged(assets.folder, job.id, data, ".png"),
        "record": lambda: store.finish(
            job.id, claim.token, [JobResult("grid", None, file, 4, 3)], {}
        ),
        "delete": delete,
        "upload": lambda: assets.put(data),
        "sweep": lambda: assets.sweep(older=1000),
    }
    for step in steps:
        acts[step]()
        listed = [shown.asset for shown in store.results()[0]]
        listed += [asset.file for asset in assets.list()[0]]
        for shown in listed:
            assert assets.path(shown).read_bytes() == data, step


def test_a_picture_is_deleted_and_made_again_at_once_and_never_listed_without_its_file(
    assets: Assets, store: Store
) -> None:
    """Many small jobs that make the same, while somebody deletes what they made."""
    data = sanitise.cleaned(picture()).data
    file = f"{sha256(data).hexdigest()}.png"
    over = threading.Event()

    def deletes() -> None:
        while not over.is_set():
            with suppress(NoSuchAssetError):
                assets.delete(file)

    deleting = threading.Thread(target=deletes)
    deleting.start()
    missing = 0
    try:
        for _ in range(8):
            ends(store, file, data, assets.folder)
            # Under the lock that deleting takes: what is listed now is there now.
            with store.database.turn():
                if store.results()[0]:
                    missing += not (assets.folder / file).is_file()
    finally:
        over.set()
        deleting.join()

    assert missing == 0


def test_the_oldest_thumbnails_go_when_there_are_too_many(
    assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets_module, "THUMBNAILS", 250)
    for age, name in enumerate("abc"):
        path = assets.thumbnails / name
        path.write_bytes(b"\0" * 100)
        os.utime(path, (time.time() - age * 60, time.time() - age * 60))

    assets.sweep()

    assert {path.name for path in assets.thumbnails.iterdir()} == {"a", "b"}


def test_a_full_disk_is_said_to_be_full_and_leaves_nothing_behind(
    assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)

    with pytest.raises(StorageFullError, match="the disk is full"):
        assets.put(picture())

    monkeypatch.undo()
    assert files_in(assets.folder) == []
