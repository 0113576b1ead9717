"""Picture files that carry the workflow that made them: PNG, JPEG and WebP."""

from __future__ import annotations

from pathlib import Path

from . import jpeg, png, webp
from .errors import UserError


def is_picture(path: Path) -> bool:
    """Whether a file is a picture that can carry a workflow, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    return png.is_png(head) or jpeg.is_jpeg(head) or webp.is_webp(head)


def read_workflow(path: Path) -> str | None:
    """The workflow a picture file carries, as JSON text; None where it carries none.

    Raises:
        UserError: It carries one that is damaged.
    """
    data = path.read_bytes()
    try:
        if jpeg.is_jpeg(data):
            return jpeg.text_in(data)
        if webp.is_webp(data):
            return webp.text_in(data)
    except ValueError as error:
        raise UserError(f"{path}: the workflow inside this picture is damaged") from error
    return png.read_workflow(path)


def with_workflow(data: bytes, workflow: str) -> bytes:
    """A copy of a picture file's bytes that carries ``workflow``, pixels untouched."""
    if png.is_png(data):
        return png.with_workflow(data, workflow)
    texts = {png.KEY: workflow}
    if jpeg.is_jpeg(data):
        return jpeg.with_texts(data, texts)
    if webp.is_webp(data):
        return webp.with_texts(data, texts)
    raise ValueError("neither PNG nor JPEG nor WebP")
