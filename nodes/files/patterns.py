"""Patterns of paths: folders walked once, names matched without going back, both bounded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fnmatch import translate
from pathlib import Path
from re import compile as compiled
from typing import TypeAlias

from nodegraph.errors import UserError

ANY_DEPTH = "**"
"""Stands for any number of folders within one another."""
MOST_STARS = 20
"""Wildcards in one part of a pattern."""
MOST_ENTRIES = 200_000
"""Files and folders that are looked at for one pattern."""

_Matches: TypeAlias = Callable[[str], object]


def check_pattern(parts: tuple[str, ...]) -> None:
    """Refuse a pattern that may take for ever.

    Raises:
        UserError: It has more wildcards than it may.
    """
    if parts.count(ANY_DEPTH) > 1:
        raise UserError(f"{'/'.join(parts)[:80]!r} has ** more than once; once is any depth")
    for part in parts:
        if part.count("*") + part.count("?") + part.count("[") > MOST_STARS:
            raise UserError(f"{part[:80]!r} has too many wildcards; at most {MOST_STARS} are taken")


def glob(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """The files and folders below ``folder`` whose path matches, part by part.

    A part is a name, with ``*``, ``?`` and ``[…]`` in it perhaps; ``**`` is any number of folders.
    Links to folders are followed where a part names them, and not by ``**``.

    Raises:
        UserError: It has more wildcards than it may, or leads to more entries.
    """
    check_pattern(parts)
    walk = _Walk()
    yield from walk.below(folder, parts)


class _Walk:
    def __init__(self) -> None:
        self.left = MOST_ENTRIES

    def below(self, folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
        # A stack instead of recursion: folders may lie in one another deeper than Python's stack.
        waiting = [(folder, parts)]
        while waiting:
            place, (part, *rest) = waiting.pop()
            following = tuple(rest)
            if part == ANY_DEPTH:
                inner = [Path(e.path) for e in self._list(place) if e.is_dir(follow_symlinks=False)]
                waiting += [(path, (part, *following)) for path in reversed(inner)]
                if following:
                    waiting.append((place, following))
                else:
                    yield place
                continue
            for path in self._named(place, part):
                if not following:
                    yield path
                elif path.is_dir():
                    waiting.append((path, following))

    def _named(self, folder: Path, part: str) -> Iterator[Path]:
        """The entries of a folder that a part matches."""
        if not any(sign in part for sign in "*?["):
            path = folder / part
            return iter([path] if path.exists() else [])
        # translate() matches a star's text once and does not try another length for it.
        matches: _Matches = compiled(translate(part)).match
        return (Path(entry.path) for entry in self._list(folder) if matches(entry.name))

    def _list(self, folder: Path) -> list[os.DirEntry[str]]:
        """The entries of a folder by name; none where it cannot be listed."""
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return []
        self.left -= len(listed)
        if self.left < 0:
            raise UserError(
                f"the pattern leads to more than {MOST_ENTRIES:,} files and folders; name more of"
                " the path before its first wildcard"
            )
        return listed
