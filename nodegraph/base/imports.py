"""Large libraries imported once, in one thread, and asked for only when they are whole."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from threading import RLock
from types import ModuleType

LARGE = frozenset({"torch", "diffusers", "transformers"})
"""Packages whose parts import one another for seconds. Python's own locks, a module each, are let
go where two threads would wait for each other: one of them then gets half of a module."""

_lock = RLock()
_whole: dict[str, ModuleType] = {}


def import_whole(name: str) -> ModuleType:
    """Import a module, while no other thread imports one of these.

    Raises:
        ImportError: there is none, or what it imports is missing.
    """
    module = _whole.get(name)
    if module is None:
        with _lock:
            module = _whole[name] = import_module(name)
    return module


def import_large(packages: Iterable[str]) -> None:
    """Import what is large of the packages that a node names; what is missing it tells itself."""
    for name in LARGE.intersection(packages) - _whole.keys():
        try:
            import_whole(name)
        except ImportError:
            continue


def imported(name: str) -> ModuleType | None:
    """A module that has been imported to its end; None while another thread is about it."""
    module = sys.modules.get(name)
    if getattr(getattr(module, "__spec__", None), "_initializing", False):
        return None
    return module
