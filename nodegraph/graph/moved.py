"""New places of modules that other people's nodes still import by the old ones."""

from __future__ import annotations

import re
from importlib import import_module

_MISSING = re.compile(r"cannot import name '(\w+)'")


def new_place(error: ImportError) -> str | None:
    """The sentence where the module that could not be imported lies now; None if it never was.

    A package names its moved modules in ``MOVED`` of its module ``_moved``, which is read only
    here: an import that works costs nothing.
    """
    module = error.name or ""
    if not module:
        return None
    # `from nodes import _files` names the package, and what it lacks in the text alone.
    missing = _MISSING.match(str(error))
    try:
        moved = import_module(f"{module.partition('.')[0]}._moved").MOVED
    except (ImportError, AttributeError):
        return None
    for name in (f"{module}.{missing[1]}" if missing else module, module):
        if name in moved:
            return f"{name} is now {moved[name]}"
    return None
