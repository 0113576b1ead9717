"""Work counted, not timed: the same on every machine, however busy."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable


def work(act: Callable[[], object]) -> int:
    """How many calls and returns it takes, of Python and of C, whatever the machine."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
        gc.enable()
    return count
