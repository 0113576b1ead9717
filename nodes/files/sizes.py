"""Sizes of picture files, from their headers alone, for who looks before a run."""

from __future__ import annotations

from itertools import islice
from math import prod
from pathlib import Path

from nodegraph.base.file_memo import FileMemo
from nodegraph.node import Folders
from nodegraph.pictures.read import read_size

from .find import candidates, is_picture, native, url_of

MOST = 32
"""Files that are looked at, of a list or a folder: who only looks must not wait."""

_sizes: FileMemo[tuple[int, int] | None] = FileMemo()


def largest(paths: object, folders: Folders) -> tuple[int, int] | None:
    """Width and height of the largest picture among files and folders; None if none is known."""
    names = paths if isinstance(paths, list) else [paths]
    files = [file for name in names[:MOST] for file in _files(Path(str(name)), folders)]
    sizes = (size_of(file) for file in files[:MOST])
    return max((size for size in sizes if size), key=prod, default=None)


def _files(path: Path, folders: Folders) -> list[Path]:
    """The picture that a path names, or the first ones of its folder; patterns are not followed."""
    if url_of(path):
        return []
    for place in candidates(native(path, folders), folders):
        if place.is_file():
            return [place]
        if place.is_dir():
            entries = islice(place.iterdir(), 10 * MOST)
            return [e for e in entries if is_picture(Path(e.name)) and e.is_file()][:MOST]
    return []


def size_of(file: Path) -> tuple[int, int] | None:
    """Width and height of a picture as it is shown; None if its header cannot be read."""
    return _sizes.get([file], lambda: _read_size(file))


def _read_size(file: Path) -> tuple[int, int] | None:
    try:
        return read_size(file.read_bytes())
    except Exception:  # the run says what is wrong with it
        return None
