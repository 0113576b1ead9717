"""Memos of what files hold, believed only as long as ``stat`` tells that nothing was written."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

State: TypeAlias = tuple[str, int, int, int, int]
"""A file's path, size, inode, mtime and ctime, the times in nanoseconds."""

GRAIN = 2_000_000_000
"""Nanoseconds within which two writes may leave the same times: FAT counts in two seconds, other
file systems in ticks of the kernel's clock."""

T = TypeVar("T")


def state_of(path: Path) -> State:
    """All that ``stat`` tells of a file's content.

    Raises:
        OSError: there is no such file.
    """
    # Copying may set the mtime back (rsync -t, cp -p), with the size the same; no user can set the
    # ctime. The inode differs where another file was moved over this one.
    stat = path.stat()
    return str(path), stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns


def is_settled(state: State, now: int) -> bool:
    """Whether whatever is written after ``now`` shows in the state.

    Args:
        now: ``time.time_ns()`` before the state was asked for.
    """
    # On Windows the ctime is when the file was made.
    changed = max(state[3], state[4]) if os.name == "nt" else state[4]
    return changed + GRAIN < now


class FileMemo(Generic[T]):
    """What was made of files, for as long as they stay as they are. Any thread may ask.

    What was written within the grain of the clock is read at every ask: it could be written once
    more, and nothing would tell.

    Args:
        room: Entries that are kept; the one that was not asked for the longest goes.
    """

    def __init__(self, room: int = 4096) -> None:
        self._room, self._lock = room, Lock()
        self._entries: OrderedDict[Hashable, tuple[tuple[State, ...], T]] = OrderedDict()

    def get(self, files: Iterable[Path], make: Callable[[], T], *key: Hashable) -> T:
        """What ``make`` makes of the files, or made when they were as they are.

        Args:
            key: All else that it depends on.

        Raises:
            OSError: there is no such file.
        """
        paths = tuple(files)
        now = time.time_ns()
        states = tuple(map(state_of, paths))
        place = (paths, key)
        with self._lock:
            entry = self._entries.get(place)
            if entry is not None and entry[0] == states:
                self._entries.move_to_end(place)
                return entry[1]
        value = make()
        if all(is_settled(state, now) for state in states):
            with self._lock:
                self._entries[place] = states, value
                self._entries.move_to_end(place)
                while len(self._entries) > self._room:
                    self._entries.popitem(last=False)
        return value
