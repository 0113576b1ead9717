"""Fixtures of the tests of nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodegraph.node import Folders
from nodes.files.write import encode_file

from ..support.pictures import Hand, gradient


@pytest.fixture
def here(tmp_path: Path) -> Hand:
    (tmp_path / "in" / "faces").mkdir(parents=True)
    for name in ("pose-10", "pose-9", "pose-1"):
        picture = encode_file(gradient().pixels, "png", 100)
        (tmp_path / "in" / "faces" / f"{name}.png").write_bytes(picture)
    (tmp_path / "in" / "faces" / "notes.txt").write_text("not a picture")
    return Hand(folders=Folders((tmp_path / "in",), tmp_path / "out"))
