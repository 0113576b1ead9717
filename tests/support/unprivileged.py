"""Root for a while without its right to read and write everything: permissions of files count."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION = 0x20080522
_RIGHTS = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Head(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Rights(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32 * 1) for name in ("effective", "permitted", "inheritable")]


@contextmanager
def unprivileged() -> Iterator[bool]:
    """Have this thread, and those it starts, obey permissions; whether they do."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield sys.platform != "win32"
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head, rights = _Head(_VERSION, 0), (_Rights * 2)()
    if not hasattr(libc, "capget") or libc.capget(ctypes.byref(head), rights) != 0:
        yield False
        return
    before = rights[0].effective[0]
    rights[0].effective[0] = before & ~_RIGHTS
    done = libc.capset(ctypes.byref(head), rights) == 0
    try:
        yield done
    finally:
        rights[0].effective[0] = before
        libc.capset(ctypes.byref(head), rights)
