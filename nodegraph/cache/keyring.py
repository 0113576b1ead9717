"""The keyring: digests by their parts, so that what was not edited is not hashed again."""

from __future__ import annotations

from ..base.keys import Key, digest

ROOM = 500_000
"""Parts, 20 bytes each as a rule, of the keys that are remembered at the least."""


class Keyring:
    """Digests by their parts. Any thread may ask.

    What was not asked for while ``ROOM`` parts were added is forgotten.

    Attributes:
        made: How many digests were made because they were not known.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.made = 0
        self._room, self._left = room, room
        self._young: dict[tuple[bytes, ...], Key] = {}
        self._old: dict[tuple[bytes, ...], Key] = {}

    def digest(self, *parts: bytes) -> Key:
        """The same as ``keys.digest``."""
        key = self._young.get(parts)
        return self._older(parts) if key is None else key

    def clear(self) -> None:
        """Forget all."""
        self._young, self._old, self._left = {}, {}, self._room

    def _older(self, parts: tuple[bytes, ...]) -> Key:
        key = self._old.get(parts)
        if key is None:
            key = digest(*parts)
            self.made += 1
        self._left -= len(parts)
        # Two generations: a key asked for in this one moves into it, and the rest goes at the next
        # turn. Without a lock: threads that meet here lose a key at worst, and it is made again.
        if self._left < 0:
            self._old, self._young, self._left = self._young, {}, self._room
        self._young[parts] = key
        return key
