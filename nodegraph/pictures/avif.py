"""AVIF files bare of metadata: the items of Exif are called something else."""

from __future__ import annotations

import re

from .bare import Bare

# The entry of an item (ISO 14496-12, 8.11.6): version and flags, its number, protection, its type.
_EXIF = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))Exif", re.DOTALL)


def bare(data: bytes) -> Bare:
    """A copy in which nothing is Exif; how it is turned stands in a property of its own."""
    return Bare(_EXIF.sub(rb"\1skip", data))
