"""The workflows that are kept: files in a folder, and those that came with packages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ...base.safe_paths import is_plain_name, safe_path
from ...errors import WorkflowError
from ...graph.workflow import Workflow
from ...jobs.files import put
from ..errors import ApiError, refused

Lock: TypeAlias = Callable[[], AbstractContextManager[object]]


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


class Library:
    """Kept workflows by name. A change says which version it is made to, so that none is lost.

    Args:
        lock: Keeps out all others, of other processes too, while a version is looked at and
            replaced: the queue's database, which all servers of a folder share, sees to that.
    """

    def __init__(self, folder: Path, shipped: Mapping[str, Path], lock: Lock) -> None:
        self.folder, self._shipped, self._lock = folder, shipped, lock

    def entries(self) -> Iterator[Entry]:
        """Saved ones by name, then shipped ones."""
        names = sorted(path.stem for path in self.folder.glob("*.json"))
        saved = [name for name in names if name not in self._shipped]
        for name in [*saved, *self._shipped]:
            entry = self._find(name)
            if entry is not None:
                yield entry

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
        if not is_plain_name(name) or "." in name:
            raise ApiError(
                422, f"{name[:120]!r} is no name; use letters, digits, - and _, at most 120"
            )
        path = safe_path(self.folder, f"{name}.json")
        if path is None:
            raise ApiError(404, f"there is no workflow {name[:120]!r}")
        if not match and not new:
            raise ApiError(428, "say which version this replaces (If-Match), or If-None-Match: *")
        with self._lock():
            before = self._find(name)
            self._judge(before, name, match, new)
            put(path, workflow.to_json().encode())
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
        shipped = self._shipped.get(name)
        path = shipped or safe_path(self.folder, f"{name}.json")
        try:
            # A name with a dot would be another file's on the way back.
            if path is None or (not shipped and "." in name):
                return None
            text, modified = path.read_bytes(), path.stat().st_mtime
        except OSError:
            return None
        version = hashlib.sha256(text).hexdigest()
        return Entry(name, path, shipped is not None, version, modified, text)
