"""Pictures that carry their workflow: texts inside PNG, JPEG and WebP files."""

from __future__ import annotations

from typing import Literal, TypeAlias

from . import jpeg, png, webp

Format: TypeAlias = Literal["PNG", "JPEG", "WEBP"]
"""A file format, as Pillow names it."""


def sniff(head: bytes) -> Format | None:
    """The format of a picture file by its first 12 bytes; None where it is of another kind."""
    if png.is_png(head):
        return "PNG"
    if jpeg.is_jpeg(head):
        return "JPEG"
    return "WEBP" if webp.is_webp(head) else None
