"""Weights files known by their content, without reading gigabytes twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from nodegraph.cache.folder import default_folder

_BLOB = re.compile(r"[0-9a-f]{64}")
_LARGE = 32 << 20
_TOGETHER = 4

Facts: TypeAlias = tuple[str, int, int, int, int]
"""A file's place, size, number, and when its content and anything about it last changed."""

_known: dict[Facts, Future[str]] = {}
_looking = Lock()


def sha256(path: Path) -> str:
    """A file's SHA-256, remembered as long as nothing about it changes."""
    place = path.resolve()
    # The hub's cache calls every large file by its hash.
    if place.parent.name == "blobs" and _BLOB.fullmatch(place.name):
        return place.name
    facts = _facts(place)
    with _looking:
        found = _known.get(facts)
        mine = found is None
        found = _known.setdefault(facts, found or Future())
    if mine:
        _settle(found, facts)
    # Somebody else may be reading it just now.
    return found.result()


def _facts(place: Path) -> Facts:
    # The time of its content can be set back, as some copying does; the other one cannot.
    told = place.stat()
    return str(place), told.st_size, told.st_ino, told.st_mtime_ns, told.st_ctime_ns


def _settle(found: Future[str], facts: Facts) -> None:
    try:
        found.set_result(_noted(facts) if facts[1] > _LARGE else _read(Path(facts[0])))
    except BaseException as error:
        with _looking:
            del _known[facts]
        found.set_exception(error)


def read_ahead(files: Iterable[Path]) -> None:
    """Hash several files at once, so that asking for each needs no time."""
    with ThreadPoolExecutor(_TOGETHER) as threads:
        list(threads.map(sha256, files))


def identity(files: Iterable[Path]) -> str:
    """One digest of several files' names and contents."""
    lines = [f"{path.name} {sha256(path)}" for path in sorted(files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _noted(facts: Facts) -> str:
    """The digest of a large file, from an earlier process where one has read it."""
    note = (
        default_folder() / "hashes" / f"{hashlib.sha256(facts[0].encode()).hexdigest()[:32]}.json"
    )
    try:
        *told, digest = json.loads(note.read_text("utf-8"))
        if told == list(facts) and _BLOB.fullmatch(digest):
            return str(digest)
    except (OSError, ValueError, TypeError):
        pass
    digest = _read(Path(facts[0]))
    write_whole(note, json.dumps([*facts, digest]).encode())
    return digest


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there completely or not at all; a full or read-only disk is no error."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
