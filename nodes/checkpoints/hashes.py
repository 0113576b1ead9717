"""Identity of weights files by content: SHA-256 digests, remembered by what ``stat`` says."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock

from nodegraph.base.file_memo import State, is_settled, state_of
from nodegraph.base.files import write_whole
from nodegraph.cache.folder import default_folder

_BLOB = re.compile(r"[0-9a-f]{64}")
_LARGE = 32 << 20
"""Bytes beyond which a digest is noted on disk: reading less takes no longer than the note."""
_TOGETHER = 4
"""Files that are hashed at once: a core hashes more slowly than an SSD reads."""

# Content names weights, not path and time: a copied or touched file is the same model, and results
# stay valid; a file replaced under its old name is another one. Reading gigabytes at every start
# would be too slow, so a digest is remembered under the file's state and computed again when
# anything in the state differs.
_digests: dict[State, Future[str]] = {}
_lock = Lock()


def sha256(path: Path) -> str:
    """A file's SHA-256, remembered as long as nothing about it changes."""
    place = path.resolve()
    # The hub's cache calls every large file by its hash, and links names to it.
    if place.parent.name == "blobs" and _BLOB.fullmatch(place.name):
        return place.name
    now = time.time_ns()
    state = state_of(place)
    # Just written: whatever is written next may leave the same state, so nothing is remembered.
    if not is_settled(state, now):
        return _hash_file(place)
    with _lock:
        digest = _digests.get(state)
        is_first = digest is None
        digest = _digests.setdefault(state, digest or Future())
    # The lock guards the dictionary alone. Whoever put the future there reads the file, outside of
    # the lock, so that files are hashed side by side; all who ask for the same one wait for it.
    if is_first:
        _settle(digest, state)
    return digest.result()


def _settle(digest: Future[str], state: State) -> None:
    try:
        digest.set_result(_large(state) if state[1] > _LARGE else _hash_file(Path(state[0])))
    except BaseException as error:
        # Forgotten before anybody hears of it: whoever asks again reads the file again.
        with _lock:
            del _digests[state]
        digest.set_exception(error)


def read_ahead(files: Iterable[Path]) -> None:
    """Hash several files at once, so that asking for each needs no time."""
    with ThreadPoolExecutor(_TOGETHER) as threads:
        list(threads.map(sha256, files))


def identity(files: Iterable[Path]) -> str:
    """One digest of several files' names and contents."""
    lines = [f"{path.name} {sha256(path)}" for path in sorted(files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _large(state: State) -> str:
    """The digest of a large file, from the note of an earlier process if its state is the same."""
    # One note for each path, so that a changed file's note replaces its old one.
    name = hashlib.sha256(state[0].encode()).hexdigest()[:32]
    note = default_folder() / "hashes" / f"{name}.json"
    try:
        *noted, digest = json.loads(note.read_text("utf-8"))
        if noted == list(state) and _BLOB.fullmatch(digest):
            return str(digest)
    except (OSError, ValueError, TypeError):
        pass
    digest = _hash_file(Path(state[0]))
    with suppress(OSError):  # a full or read-only disk: the next process reads the file again
        note.parent.mkdir(parents=True, exist_ok=True)
        write_whole(note, json.dumps([*state, digest]))
    return digest
