"""Small pictures of what is being made: previews of steps, and thumbnails of nodes' outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, get_args, runtime_checkable

from ..events import Items
from ..execution.results import Picture
from ..graph.ports import is_list, outputs
from ..jobs.files import put
from ..jobs.types import StorageFullError
from ..node import Node, Output

if TYPE_CHECKING:
    from PIL.Image import Image as Pixels

LARGEST = 512
"""Pixels a side of a preview."""
SMALL = 256
"""Pixels a side of a thumbnail."""
MOST = 16
"""Entries of an output that is a list, of which thumbnails are made."""


@runtime_checkable
class Drawn(Protocol):
    """A picture already drawn by the picture library."""

    @property
    def size(self) -> tuple[int, int]: ...

    def convert(self, mode: str) -> Any: ...


Preview: TypeAlias = "Picture | Drawn | Callable[[], Any] | list[Any] | tuple[Any, ...]"
"""What a node may give as ``Progress(…, preview)``.

Something with ``pil()``, or a PIL picture, or a function without arguments that makes one, called
only if someone looks; or a list of these, one for each item of the batch.
"""


class Jpeg(NamedTuple):
    """A preview as it is sent: which items it shows, its size in pixels, and the file."""

    items: Items
    width: int
    height: int
    data: bytes


def jpegs(preview: object, items: Items) -> Iterator[Jpeg]:
    """Make small JPEGs of a preview: one for each item, or one for all of them.

    What is no preview gives none.
    """
    if callable(preview) and not isinstance(preview, Picture | Drawn):
        preview = preview()
    if isinstance(preview, list | tuple):
        numbers = items if len(items) == len(preview) else range(len(preview))
        for item, part in zip(numbers, preview, strict=True):
            yield from jpegs(part, (item,))
        return
    picture = preview.pil() if isinstance(preview, Picture) else preview
    if isinstance(picture, Drawn):
        small = _within(picture, LARGEST)
        yield Jpeg(items, *small.size, _jpeg(small, 80))


def thumbnails(
    folder: Path,
    output: str,
    key: bytes,
    value: Callable[[], Output | None],
) -> list[str]:
    """Make thumbnails of an output, unless there are some already.

    They are named by what was computed, not by what they hold: of a result that was known before,
    nothing has to be read.

    Args:
        value: Fetches what the node made.

    Returns:
        Their file names, one for each entry where the output is a list.
    """
    names = [_name(key, output, entry) for entry in range(MOST)]
    there = [name for name in names if (folder / name).is_file()]
    if there and there == names[: len(there)]:
        return there
    entries = getattr(value(), output, None)
    pictures = entries if isinstance(entries, list) else [entries]
    files = []
    for name, picture in zip(names, pictures, strict=False):
        if isinstance(picture, Picture):
            with suppress(OSError, StorageFullError):  # the job does not depend on it
                put(folder / name, _jpeg(_within(picture.pil(), SMALL), 85), durable=False)
                files.append(name)
    return files


@cache
def pictured(kind: type[Node]) -> tuple[str, ...]:
    """The outputs of ``kind`` that are pictures, or lists of them."""
    return tuple(
        name
        for name, port in outputs(kind).items()
        if any(hasattr(part, "pil") for part in _parts(port.annotation, is_list(port.annotation)))
    )


def _parts(annotation: Any, several: bool) -> tuple[Any, ...]:
    return get_args(annotation) if several else (annotation, *get_args(annotation))


def _name(key: bytes, output: str, entry: int) -> str:
    return (
        hashlib.sha256(b"thumbnail:%s:%s:%d" % (key, output.encode(), entry)).hexdigest() + ".jpg"
    )


def _within(picture: Any, most: int) -> Pixels:
    small: Pixels = picture.convert("RGB")
    small.thumbnail((most, most))
    return small


def _jpeg(picture: Pixels, quality: int) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def header(jpeg: Jpeg, node: str, done: int, total: int) -> Mapping[str, Any]:
    """The header that goes with the bytes of a preview."""
    return {
        "node": node,
        "items": list(jpeg.items),
        "done": done,
        "total": total,
        "width": jpeg.width,
        "height": jpeg.height,
    }
