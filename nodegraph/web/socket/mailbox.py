"""A client's mailbox: events bounded in number and bytes, of previews only the newest."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable

PICTURES = 64
"""Previews that may wait at once, each of another node or other items."""


class Mailbox:
    """Events in their order, then previews, of which a newer one takes an older one's place."""

    def __init__(self, events: int, size: int) -> None:
        self._most, self._size = events, size
        self._events: deque[str] = deque()
        self._bytes = 0
        self._previews: OrderedDict[Hashable, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._events) + len(self._previews)

    def put(self, text: str) -> bool:
        """Add an event; False where no more fit: whoever reads so slowly is to be cut off."""
        if len(self._events) >= self._most or self._bytes + len(text) > self._size:
            return False
        self._events.append(text)
        self._bytes += len(text)
        return True

    def show(self, key: Hashable, frame: bytes) -> None:
        """Add a preview in the place of an older one with this key; the oldest may have to go."""
        self._previews.pop(key, None)
        self._previews[key] = frame
        while len(self._previews) > PICTURES:
            self._previews.popitem(last=False)

    def take(self) -> str | bytes | None:
        """What is to be sent next."""
        if self._events:
            text = self._events.popleft()
            self._bytes -= len(text)
            return text
        return self._previews.popitem(last=False)[1] if self._previews else None
