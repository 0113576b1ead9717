"""Picture files bare of metadata: the pixels to decode, and what of the rest says how to show them.

Decoders refuse whole pictures for a text that is too long, a checksum, a damaged profile. What they
are given here holds nothing but pixels, and nothing that is wrong with the rest can reach them.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_PARTS = 250_000
"""Chunks or segments of one file; real ones have some thousands at most."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A file to decode, and how to show what is in it.

    Attributes:
        data: The file with the same pixels and no metadata.
        orientation: As Exif numbers it, 1 (upright) to 8; None where the file does not say.
        profile: The ICC profile of its colours, not looked into yet.
        key: The grey or colour that is transparent, as eight bits a channel; of sixteen bits of
            grey, as sixteen.
    """

    data: bytes
    orientation: int | None = None
    profile: bytes | None = None
    key: tuple[int, ...] | None = None


class TooManyPartsError(ValueError):
    """The file is made of more parts than any real one."""

    def __init__(self) -> None:
        super().__init__(f"it is made of more than {MOST_PARTS:,} parts")
