"""Picture files that appear whole or not at all, and never in place of another."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from nodegraph.base.files import write_new
from nodegraph.errors import UserError

from . import names

Pixels = npt.NDArray[np.uint8]
Format: TypeAlias = Literal["png", "jpeg", "webp"]

SUFFIXES: Mapping[Format, str] = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
MOST: Mapping[Format, int] = {"jpeg": 65_500, "webp": 16_383}  # pixels a side


def encode_file(pixels: Pixels, format: Format, quality: int) -> bytes:
    """Encode (H, W, 3) pixels; a good JPEG keeps thin coloured lines, the best WebP everything.

    Raises:
        UserError: The picture is too large for the format.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    most = MOST.get(format, width + height)
    if max(width, height) > most:
        raise UserError(
            f"format: a {format} file has at most {most} pixels a side, not {width} x {height};"
            " use png"
        )
    options: Mapping[Format, Mapping[str, object]] = {
        "png": {},
        "jpeg": {"quality": quality, "subsampling": 0 if quality >= 90 else 2, "optimize": True},
        "webp": {"quality": quality, "lossless": quality == 100},
    }
    file = BytesIO()
    Image.fromarray(pixels).save(file, format.upper(), **options[format])
    return file.getvalue()


def write_file(data: bytes, output: Path, pattern: str, suffix: str) -> Path:
    """Write to the next free file of this name, unless one of that name holds these bytes.

    Nobody sees half a picture, not even after a crash (see write_new).

    Args:
        output: The folder that may be written to.
        pattern: The file's name, perhaps with a sub-folder and with ``{number}``; no other field.
    """
    folder, name = names.inside(output, pattern, suffix)
    with sentences(folder):
        folder.mkdir(parents=True, exist_ok=True)
        there = dict(names.numbered_files(folder, name, suffix))
        for path in there.values():
            if holds(path, data):
                return path
        for number in count(max(there, default=0) + 1):
            path = folder / f"{names.numbered(name, number)}{suffix}"
            # Of several that save at once each takes a name of its own, or finds its very bytes.
            if holds(path, data) or write_new(path, data):
                return path
        raise AssertionError  # count never ends


def holds(path: Path, data: bytes) -> bool:
    """Whether a file is there and holds just these bytes."""
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


@contextmanager
def sentences(folder: Path) -> Iterator[None]:
    """Say in one sentence why the folder cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise UserError(f"the disk of {str(folder)!r} is full; nothing was written") from error
        if error.errno in {errno.EEXIST, errno.ENOTDIR}:
            raise UserError(f"{str(folder)!r} is not a folder; name one with --out") from error
        reason = (error.strerror or str(error)).lower()
        raise UserError(
            f"cannot write to {str(folder)!r}: {reason}; name a folder with --out"
        ) from error
