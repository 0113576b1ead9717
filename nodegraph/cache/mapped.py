"""Files as views: nothing is copied, and what nobody looks at need not stay in memory."""

from __future__ import annotations

import os
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from weakref import WeakSet

SMALLEST = 2**16
"""Bytes. Smaller files are read: a view keeps whole pages, and a file open."""
MOST = 256
"""Files that may be viewed at once. Python keeps each open, and a process may have only so many."""


class Views:
    """Opens files as views, as many as it may at once, and reads the others.

    A file may be removed while it is viewed, except on Windows, where all are read.
    """

    def __init__(self) -> None:
        self._open: WeakSet[mmap] = WeakSet()

    def open(self, path: Path) -> memoryview:
        """View a file's bytes. They can be written to, but that changes neither file nor others.

        Raises:
            OSError: it cannot be read.
            ValueError: it is being cut off at this moment.
        """
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < SMALLEST or os.name == "nt" or len(self._open) >= MOST:
                # A bytearray, because PyTorch warns of memory that cannot be written to.
                return memoryview(bytearray(file.read()))
            mapped = mmap(file.fileno(), size, access=ACCESS_COPY)
        self._open.add(mapped)
        return memoryview(mapped)
