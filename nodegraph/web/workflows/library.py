"""The workflows that are kept: files in a folder, and those that came with packages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from ...base.characters import is_text
from ...base.file_memo import FileMemo
from ...base.safe_paths import path_inside
from ...errors import WorkflowError
from ...graph.workflow import Workflow
from ...jobs.files import put
from ..errors import ApiError, refused
from . import names

Lock: TypeAlias = Callable[[], AbstractContextManager[object]]

SHOWN = 50
"""Names of params, and of results, that a list shows of a workflow."""
LARGEST = 32 * 2**20
"""Bytes of a saved workflow: its text may be longer than what was sent, by its indentation."""
_TITLE = 200


class _GoneError(Exception):
    """A file is there no more, or was none of a workflow."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept workflow; ``version`` is a digest of its text."""

    name: str
    path: Path
    shipped: bool
    version: str
    modified: float
    text: bytes

    def workflow(self) -> Workflow:
        """Its document.

        Raises:
            ApiError: the file is no workflow any more.
        """
        try:
            return Workflow.load(self.text)
        except WorkflowError as error:
            raise refused(error) from error


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a kept workflow; of params and results the first ``SHOWN`` names."""

    name: str
    title: str
    shipped: bool
    version: str
    modified: float
    params: tuple[str, ...]
    results: tuple[str, ...]


class Library:
    """Kept workflows by name. A change says which version it is made to, so that none is lost.

    Args:
        lock: Keeps out all others, of other processes too, while a version is looked at and
            replaced: the queue's database, which all servers of a folder share, sees to that.
        most: Workflows that may be saved.
    """

    def __init__(
        self, folder: Path, shipped: Mapping[str, Path], lock: Lock, most: int = 1000
    ) -> None:
        self.folder, self._shipped, self._lock, self._most = folder, shipped, lock, most
        self._summaries: FileMemo[Summary] = FileMemo()

    def summaries(self) -> Iterator[Summary]:
        """Saved ones by name, then shipped ones; a file is read again when it has changed."""
        files = self._files()
        saved = sorted(set(files) - set(self._shipped))
        for name in [*saved, *self._shipped]:
            path = self._shipped.get(name) or files[name]
            with suppress(OSError, _GoneError):
                yield self._summaries.get([path], partial(self._summary, name))

    def _summary(self, name: str) -> Summary:
        entry = self._find(name)
        if entry is None:
            raise _GoneError
        title, params, results = _outline(entry.text)
        return Summary(
            name,
            title[:_TITLE] or name,
            entry.shipped,
            entry.version,
            entry.modified,
            params[:SHOWN],
            results[:SHOWN],
        )

    def get(self, name: str) -> Entry:
        """The workflow called ``name``.

        Raises:
            ApiError: there is none, or none that could be.
        """
        entry = self._find(name)
        if entry is None:
            raise ApiError(404, f"there is no workflow {name[:120]!r}")
        return entry

    def put(self, name: str, workflow: Workflow, match: str, new: bool) -> tuple[Entry, bool]:
        """Save a workflow.

        Args:
            match: The version it replaces; ``*`` for any.
            new: Whether it must not be there yet.

        Returns:
            What is kept now, and whether it is new.
        """
        name = names.normal(name)
        if reason := names.why_no_name(name):
            raise ApiError(422, f"{name[:120]!r} cannot be a name: it {reason}")
        path = self._path(name)
        if path is None:
            raise ApiError(404, f"there is no workflow {name[:120]!r}")
        if not match and not new:
            raise ApiError(428, "say which version this replaces (If-Match), or If-None-Match: *")
        text = workflow.to_json().encode()
        if len(text) > LARGEST:
            raise ApiError(422, f"a workflow has at most {LARGEST // 2**20} MiB when it is saved")
        with self._lock():
            before = self._find(name)
            self._judge(before, name, match, new)
            if before is None and len(self._files()) >= self._most:
                raise ApiError(422, f"{self._most} workflows are kept already; delete some first")
            put(path, text)
            # Still alone: another's version must not be taken for the one that was saved.
            return self.get(name), before is None

    def delete(self, name: str, match: str) -> None:
        """Delete a saved workflow."""
        if not match:
            raise ApiError(428, "say which version is to be deleted (If-Match)")
        with self._lock():
            entry = self.get(name)
            self._judge(entry, name, match, new=False)
            entry.path.unlink(missing_ok=True)

    def _judge(self, before: Entry | None, name: str, match: str, new: bool) -> None:
        if before is not None and before.shipped:
            raise ApiError(403, f"{name!r} came with a package; save it under another name")
        if new and before is not None:
            raise ApiError(412, f"there is a workflow {name!r} already")
        if not new and before is None:
            raise ApiError(412, f"there is no workflow {name!r} any more; create it again")
        if not new and before is not None and match not in ("*", before.version):
            raise ApiError(412, f"{name!r} was changed meanwhile; read it again first")

    def _find(self, name: str) -> Entry | None:
        name = names.normal(name)
        shipped = self._shipped.get(name)
        path = shipped or self._path(name)
        if path is None:
            return None
        try:
            text, modified = path.read_bytes(), path.stat().st_mtime
        except OSError:
            return None
        version = hashlib.sha256(text).hexdigest()
        return Entry(name, path, shipped is not None, version, modified, text)

    def _path(self, name: str) -> Path | None:
        """The file of a saved workflow, there or not; None where the name could lead elsewhere."""
        if names.why_no_name(name):
            return None
        path = path_inside(self.folder, names.file_name(name))
        # Who copied a file here may have spelled its name otherwise (macOS takes letters apart).
        if path is not None and not path.exists() and (other := self._files().get(name)):
            return path_inside(self.folder, other.name)
        return path

    def _files(self) -> dict[str, Path]:
        """The files that are kept, by name; those that begin with a dot are none."""
        paths = sorted(self.folder.glob(f"[!.]*{names.SUFFIX}"), reverse=True)
        return {names.name_of(path): path for path in paths}


def _outline(text: bytes) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The title, and the names of the params and results, of what may be no workflow any more."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return "", (), ()
    title = document.get("title")
    params, results = (document.get(part) for part in ("params", "results"))
    return (
        title if isinstance(title, str) and is_text(title) else "",
        tuple(params if isinstance(params, dict) else ()),
        tuple(results if isinstance(results, dict) else ()),
    )
