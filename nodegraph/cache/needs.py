"""How much memory work takes beside its weights: what was measured, kept for later processes."""

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

_Known: TypeAlias = dict[str, dict[int, int]]


class Needs:
    """Bytes by work and size, in a file that is read when it is first needed.

    Two processes may write it: what one learned meanwhile is read again before the other writes,
    and what gets lost all the same is measured again.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, Lock()
        self._known: _Known | None = None

    def note(self, work: str, size: int, taken: int) -> None:
        """Remember what ``work`` on so much took: the most it ever did."""
        with self._lock:
            sizes = self._read().get(work, {})
            if taken <= sizes.get(size, -1):
                return
            known = self._known = self._stored() | self._read()
            sizes = known[work] = {**known.get(work, {}), size: taken}
            for oldest in list(sizes)[:-SIZES]:
                del sizes[oldest]
            for first in list(known)[:-KINDS]:
                del known[first]
            if self._path is not None:
                with suppress(OSError):
                    publish(self._path, [json.dumps(known).encode()], durable=False)

    def expect(self, work: str, size: int) -> int | None:
        """What ``work`` on so much will take; None where it has never been measured.

        Between two measured sizes, and beyond them, it is taken to grow with the size.
        """
        with self._lock:
            sizes = self._read().get(work, {})
        below = max((known for known in sizes if known <= size), default=0)
        above = min((known for known in sizes if known >= size), default=0)
        if not below or not above:
            nearest = below or above
            return sizes[nearest] * size // nearest if nearest else None
        share = (size - below) / max(above - below, 1)
        return round(sizes[below] + (sizes[above] - sizes[below]) * share)

    def _read(self) -> _Known:
        if self._known is None:
            self._known = self._stored()
        return self._known

    def _stored(self) -> _Known:
        """What the file says; one that cannot be understood says nothing."""
        if self._path is None:
            return {}
        try:
            found = json.loads(self._path.read_bytes())
            return {
                str(work): {int(size): int(taken) for size, taken in sizes.items() if int(size) > 0}
                for work, sizes in found.items()
            }
        except (OSError, ValueError, AttributeError, TypeError, RecursionError):
            return {}
