"""Weights files are known by their content, and read for it once."""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from nodegraph import Builder, Cache, Settings, execute
from nodegraph.base import file_memo
from nodegraph.graph.ports import output_of
from nodegraph.node import Folders
from nodegraph.planning.plan import plan
from nodes.checkpoints import hashes
from nodes.checkpoints.hashes import identity, read_ahead, sha256
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.preprocessors import Canny

from ..support.weights import TINY


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that was read whole, in order, whatever earlier tests have read."""
    paths: list[Path] = []
    read = hashes._hash_file

    def noted(path: Path) -> str:
        paths.append(path)
        return read(path)

    monkeypatch.setattr(hashes, "_digests", {})
    monkeypatch.setattr(file_memo, "GRAIN", -(10**15))  # as if all had been written long ago
    monkeypatch.setattr(hashes, "_hash_file", noted)
    return paths


def write(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_read_once(tmp_path: Path, reads: list[Path]) -> None:
    expected = write(tmp_path / "x", b"weights")

    digests = [sha256(tmp_path / "x"), sha256(tmp_path / "." / "x")]
    identity([tmp_path / "x"])

    assert digests == [expected, expected]
    assert reads == [tmp_path / "x"]


def test_threads_that_ask_at_once_wait_for_one_reading(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write(tmp_path / "x", b"weights")
    together, may_read, read = Barrier(3), Event(), hashes._hash_file

    def slow(path: Path) -> str:
        may_read.wait(60)
        return read(path)

    def ask() -> str:
        together.wait(60)
        return sha256(tmp_path / "x")

    monkeypatch.setattr(hashes, "_hash_file", slow)
    with ThreadPoolExecutor(2) as threads:
        futures = [threads.submit(ask) for _ in range(2)]
        together.wait(60)
        may_read.set()

    assert [future.result() for future in futures] == [expected, expected]
    assert len(reads) == 1


def test_files_are_read_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["text_encoder", "unet", "vae"]
    for name in names:
        write(tmp_path / name, name.encode())
    together = Barrier(3, timeout=60)

    def meet(path: Path) -> str:
        together.wait()
        return path.name

    monkeypatch.setattr(hashes, "_digests", {})
    monkeypatch.setattr(hashes, "_hash_file", meet)
    monkeypatch.setattr(file_memo, "GRAIN", -(10**15))

    read_ahead(tmp_path / name for name in names)

    assert [sha256(tmp_path / name) for name in names] == names


def test_other_content_is_noticed_though_size_and_time_are_set_back(
    tmp_path: Path, reads: list[Path]
) -> None:
    file = tmp_path / "x"
    write(file, b"one")
    before, stat = sha256(file), file.stat()

    expected = write(file, b"two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert sha256(file) == expected != before
    assert len(reads) == 2


def test_a_large_file_is_not_read_by_the_next_process(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "_LARGE", 3)
    expected = write(tmp_path / "x", b"weights")
    sha256(tmp_path / "x")
    monkeypatch.setattr(hashes, "_digests", {})  # as a new process finds it

    assert sha256(tmp_path / "x") == expected
    assert len(reads) == 1


def test_what_could_not_be_read_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[Path]
) -> None:
    expected = write(tmp_path / "x", b"weights")

    def fail(path: Path) -> str:
        raise OSError(f"no connection to {path}")

    with monkeypatch.context() as patch:
        patch.setattr(hashes, "_hash_file", fail)
        with pytest.raises(OSError, match="no connection"):
            sha256(tmp_path / "x")

    assert sha256(tmp_path / "x") == expected
    assert len(reads) == 1


def test_a_blob_of_the_hubs_cache_is_called_by_its_hash(tmp_path: Path, reads: list[Path]) -> None:
    digest = "ab" * 32
    (tmp_path / "blobs").mkdir()
    write(tmp_path / "blobs" / digest, b"anything")
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "blobs" / digest)

    assert sha256(tmp_path / "model.safetensors") == digest
    assert reads == []


def test_a_run_reads_each_file_of_its_models_once_while_it_preprocesses(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("base", "controlnet-canny"):
        shutil.copytree(TINY / name, tmp_path / name)
    hashing, read, run = Event(), hashes._hash_file, Canny.run
    met = []

    def noted(path: Path) -> str:
        hashing.set()
        return read(path)

    def traced(self: Canny) -> Any:
        met.append(hashing.wait(60))
        return run(self)

    traced.__annotations__ = {"return": output_of(Canny)}
    monkeypatch.setattr(hashes, "_hash_file", noted)
    monkeypatch.setattr(Canny, "run", traced)
    builder, sample = _drawn(tmp_path)
    builder.result("image", sample.image)
    settings = Settings(folders=Folders(data=(tmp_path,)))

    list(execute(plan(builder.workflow(), builder.registry), Cache(), settings))

    assert met == [True]
    assert len(reads) == len(set(reads))
    weights = {path.parent.name for path in reads if path.suffix == ".safetensors"}
    assert weights == {"text_encoder", "unet", "vae", "controlnet-canny"}


def _drawn(folder: Path) -> tuple[Builder, Any]:
    import numpy as np

    from nodes.images import LoadImage
    from nodes.sampling import Control, Sample
    from nodes.types import Image

    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[16:48, 16:48] = 255
    Image(pixels).pil().save(folder / "square.png")
    g = Builder()
    base = g.add("base", LoadBaseModel, model=str(folder / "base"))
    net = g.add("net", LoadControlNet, model=str(folder / "controlnet-canny"))
    photo = g.add("photo", LoadImage, path=Path("square.png"))
    edges = g.add("edges", Canny, image=photo.image)
    control = g.add("control", Control, image=edges.image, controlnet=net.controlnet)
    sample = g.add("sample", Sample, model=base.model, controls=[control.control], steps=1)
    return g, sample
