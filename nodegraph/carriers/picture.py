"""Picture files that carry the workflow that made them: PNG, JPEG and WebP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import UserError
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


def is_picture(path: Path) -> bool:
    """Whether a file is a picture that can carry a workflow, by its first bytes."""
    with path.open("rb") as file:
        return sniff(file.read(12)) is not None


def read_workflow(path: Path) -> str | None:
    """The workflow a picture file carries, as JSON text; None where it carries none."""
    return read_text(path, png.KEY)


def read_text(path: Path, keyword: str) -> str | None:
    """The text that a picture file carries under ``keyword``; None where it carries none.

    Raises:
        UserError: It is damaged.
    """
    data = path.read_bytes()
    try:
        if png.is_png(data):
            return png.text_in(data, keyword)
        if jpeg.is_jpeg(data):
            return jpeg.text_in(data, keyword)
        return webp.text_in(data, keyword) if webp.is_webp(data) else None
    except ValueError as error:
        subject = "workflow" if keyword == png.KEY else f"text {keyword!r}"
        raise UserError(f"{path}: the {subject} inside this picture is damaged") from error


def keywords(path: Path) -> Iterator[str]:
    """The keywords of all texts that a PNG file carries, whoever wrote them; of others, none."""
    data = path.read_bytes()
    if png.is_png(data):
        yield from png.keywords(data)


def with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """A copy of a picture file's bytes that carries ``texts`` by keyword, pixels untouched."""
    if not texts:
        return data
    if png.is_png(data):
        return png.with_texts(data, texts)
    if jpeg.is_jpeg(data):
        return jpeg.with_texts(data, texts)
    if webp.is_webp(data):
        return webp.with_texts(data, texts)
    raise ValueError("neither PNG nor JPEG nor WebP")
