"""Needs of memory beside weights, by kind of work and size: measured, and stored for later."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from .files import publish

KINDS = 500
"""Kinds of work that are remembered; the one noted first goes first."""
SIZES = 16
"""Sizes that are remembered of each."""

_Sizes: TypeAlias = dict[str, dict[int, int]]


class Needs:
    """Bytes by work and size, in a file that is read when it is first needed.

    Two processes may write it: what one learned meanwhile is read again before the other writes,
    and what gets lost all the same is measured again.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, Lock()
        self._by_work: _Sizes | None = None

    def note(self, work: str, size: int, used: int) -> None:
        """Remember the bytes that ``work`` on so much used: the most it ever did."""
        with self._lock:
            sizes = self._read().get(work, {})
            if used <= sizes.get(size, -1):
                return
            by_work = self._by_work = self._stored() | self._read()
            sizes = by_work[work] = {**by_work.get(work, {}), size: used}
            for oldest in list(sizes)[:-SIZES]:
                del sizes[oldest]
            for first in list(by_work)[:-KINDS]:
                del by_work[first]
            if self._path is not None:
                with suppress(OSError):
                    publish(self._path, [json.dumps(by_work).encode()], durable=False)

    def expect(self, work: str, size: int) -> int | None:
        """What ``work`` on so much will take; None where it has never been measured.

        Between two measured sizes, and beyond them, it is taken to grow with the size.
        """
        with self._lock:
            sizes = self._read().get(work, {})
        below = max((measured for measured in sizes if measured <= size), default=0)
        above = min((measured for measured in sizes if measured >= size), default=0)
        if not below or not above:
            nearest = below or above
            return sizes[nearest] * size // nearest if nearest else None
        share = (size - below) / max(above - below, 1)
        return round(sizes[below] + (sizes[above] - sizes[below]) * share)

    def _read(self) -> _Sizes:
        if self._by_work is None:
            self._by_work = self._stored()
        return self._by_work

    def _stored(self) -> _Sizes:
        """What the file says; one that cannot be understood says nothing."""
        if self._path is None:
            return {}
        try:
            document = json.loads(self._path.read_bytes())
            return {
                str(work): {int(size): int(used) for size, used in sizes.items() if int(size) > 0}
                for work, sizes in document.items()
            }
        except (OSError, ValueError, AttributeError, TypeError, RecursionError):
            return {}
