"""Bundles: the templates that a workflow uses put inside it, so that it needs no other file."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from ..base.order import find_circles, topological_order
from ..errors import Problem, WorkflowError
from .expand import is_file
from .registry import Registry, Template
from .workflow import Call, Workflow

LARGEST = 16 * 2**20
"""Bytes that the template files of one workflow may hold together."""


def bundle(
    workflow: Workflow,
    registry: Registry,
    source: Path | None = None,
    folders: Iterable[Path] = (),
) -> Workflow:
    """Copy ``workflow`` with every template it uses under ``templates``: files and installed ones.

    Nothing else of it changes, so what it makes has the same keys. What is inside it already is
    never looked for again.

    Args:
        source: The file it was read from. Files are looked for beside whatever uses them, and none
            is read that lies neither below the folder of this one nor in ``folders``. Without it
            the workflow is in no folder, and files are left as they are, for ``plan`` to refuse.

    Raises:
        WorkflowError: a file is missing, too large, no template or used by itself; each is named at
            the call that uses it.
    """
    bundler = _Bundler(registry, source.resolve() if source else None)
    root = bundler.source.parent if bundler.source else None
    allowed = tuple(folder.resolve() for folder in folders)
    # Files lead only below the folder of the outermost one, whatever their own folder is: else a
    # shared workflow could read any file of who opens it.
    scope = _Scope("", root, (*allowed, *([root] if root else [])), workflow.templates)
    # The workflow itself has the name "", so that a file that uses it closes a circle.
    bundler.add(_Entry("", workflow, scope, root, ""))
    # Breadth first, each template once: the outermost use gives the address of its problems.
    while bundler.todo:
        bundler.visit(bundler.todo.popleft())
    bundler.refuse_circles()
    if bundler.problems:
        raise WorkflowError(bundler.problems)
    outer = bundler.bundled.pop("")
    return outer.model_copy(update={"templates": bundler.bundled})


@dataclass(frozen=True, slots=True)
class _Scope:
    """The place that types of some workflows are looked up in.

    Attributes:
        prefix: Comes before the names of all templates that were found through it.
        root: Files below it are named by their path from there.
        allowed: The folders that files may lie in.
        inside: The templates that came in the same document.
    """

    prefix: str
    root: Path | None
    allowed: tuple[Path, ...]
    inside: Mapping[str, Workflow]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A workflow whose calls are to be looked through: its name in the bundle, and its folder.

    Attributes:
        address: That of the call that was the first to use it; empty for the outermost.
    """

    name: str
    workflow: Workflow
    scope: _Scope
    folder: Path | None
    address: str


class _UnusableError(Exception):
    """A template's file cannot be used; the text says why."""


@dataclass(slots=True)
class _Bundler:
    registry: Registry
    source: Path | None
    todo: deque[_Entry] = field(default_factory=deque)
    bundled: dict[str, Workflow] = field(default_factory=dict)
    uses: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left: int = LARGEST

    def add(self, entry: _Entry) -> None:
        self.bundled[entry.name] = entry.workflow
        self.todo.append(entry)

    def visit(self, entry: _Entry) -> None:
        """Find the template of every call, and let the calls name it as the bundle does."""
        uses = self.uses.setdefault(entry.name, {})
        nodes = dict(entry.workflow.nodes)
        for name, call in entry.workflow.nodes.items():
            address = f"{entry.address}/{name}" if entry.address else name
            try:
                target = self._target(call, entry, address)
            except _UnusableError as error:
                self.problems.append(Problem(address, str(error)))
                continue
            if target is not None:
                uses.setdefault(target, address)
                nodes[name] = call.model_copy(update={"type": target})
        self.bundled[entry.name] = entry.workflow.model_copy(
            update={"nodes": nodes, "templates": {}}
        )

    def refuse_circles(self) -> None:
        """Report templates that use themselves, by the way that leads round."""
        names = [*self.uses]
        places = {name: place for place, name in enumerate(names)}
        before = [
            [places[target] for target in uses if target in places] for uses in self.uses.values()
        ]
        if len(topological_order(before)) == len(names):
            return
        for circle in find_circles(before):
            way = [names[place] for place in reversed(circle)]
            # The outermost workflow is visited first: where it is part of a circle, say so first.
            start = way.index(min(way, key=places.__getitem__))
            way = [*way[start:], *way[: start + 1]]
            words = " -> ".join(self._spelled(name) for name in way)
            self.problems.append(Problem(self.uses[way[0]][way[1]], f"contains itself: {words}"))

    def _spelled(self, name: str) -> str:
        return name.removeprefix("./") if name or self.source is None else self.source.name

    def _target(self, call: Call, entry: _Entry, address: str) -> str | None:
        """The name in the bundle of the template that ``call`` uses; None if it uses none."""
        scope, type = entry.scope, call.type
        # What came in the document goes first, so it means the same wherever it is opened. Names
        # of different documents are told apart by the prefix: ``Sketch#Edges``.
        if type in scope.inside:
            name = scope.prefix + type
            if name not in self.bundled:
                self.add(_Entry(name, scope.inside[type], scope, entry.folder, address))
            return name
        if is_file(type):
            return self._file(type, entry, address) if entry.folder else None
        kind = self.registry.get(type)
        if not isinstance(kind, Template):
            return None
        if type not in self.bundled:
            folder = kind.path.resolve().parent if kind.path else None
            allowed = (folder,) if folder else ()
            own = _Scope(f"{type}#", folder, allowed, kind.workflow.templates)
            self.add(_Entry(type, kind.workflow, own, folder, address))
        return type

    def _file(self, type: str, entry: _Entry, address: str) -> str:
        scope, folder = entry.scope, entry.folder
        assert folder is not None
        path, size = locate_file(type, folder, scope.allowed)
        # The resolved path decides: by links, a file may have many names.
        if path == self.source:
            return ""
        name = scope.prefix + _relative_name(path, scope.root or folder)
        if name not in self.bundled:
            workflow = self._read(path, size, type)
            if workflow.templates:
                scope = _Scope(f"{name}#", scope.root, scope.allowed, workflow.templates)
            self.add(_Entry(name, workflow, scope, path.parent, address))
        return name

    def _read(self, path: Path, size: int, type: str) -> Workflow:
        # Counted before it is read, all files together: many small ones fill the memory as well.
        self.left -= size
        if self.left < 0:
            most = f"{LARGEST // 2**20} MB"
            raise _UnusableError(
                f"{type!r} is too large; all template files may hold {most} together"
            )
        try:
            workflow = Workflow.load(path)
        except WorkflowError as error:
            if isinstance(error.__cause__, OSError):
                raise _UnusableError(_unreadable_message(type, error.__cause__)) from error
            more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
            raise _UnusableError(f"{type!r} is no workflow: {error.problems[0]}{more}") from error
        if not workflow.results:
            raise _UnusableError(f"{type!r} is no template: it needs results, they are its outputs")
        return workflow


def locate_file(type: str, folder: Path, allowed: Iterable[Path]) -> tuple[Path, int]:
    """The file that ``type`` names for a workflow in ``folder``, all links followed, and its size.

    A path that was written on Windows may part its folders with backslashes.

    Raises:
        _UnusableError: it lies outside all ``allowed`` folders, or there is none.
    """
    try:
        if "\\" in type and not (folder / type).is_file():
            type = type.replace("\\", "/")
        path = (folder / type).resolve()
        inside = any(path.is_relative_to(root) for root in allowed)
        there = inside and path.is_file()
        size = path.stat().st_size if there else 0
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, a NUL, links in a ring
        raise _UnusableError(_unreadable_message(type, error)) from error
    if not inside:
        listed = ", ".join(dict.fromkeys(map(str, allowed)))
        raise _UnusableError(f"{type!r} lies outside the folders of templates ({listed})")
    if not there:
        raise _UnusableError(_missing_message(type, path))
    return path, size


def _missing_message(type: str, path: Path) -> str:
    near = get_close_matches(path.stem, sorted(_list_stems(path.parent)), n=1)
    if near:
        nearest = f"{type.removesuffix(path.name)}{near[0]}.json"
        return f"no file {type!r}; did you mean {nearest!r}?"
    return f"no file {type!r} in {str(path.parent)!r}"


def _list_stems(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        yield from (path.stem for path in folder.glob("*.json"))


def _unreadable_message(type: str, error: Exception) -> str:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return f"{type!r} cannot be read: {reason}"


def _relative_name(path: Path, root: Path) -> str:
    """The path as calls may write it: ``./parts/edges.json``."""
    relative = Path(os.path.relpath(path, root)).as_posix()
    return relative if relative.startswith("../") else f"./{relative}"
