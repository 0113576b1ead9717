"""Numbered PNG files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError
from nodegraph.png import with_workflow


def png(pixels: npt.NDArray[np.uint8], workflow: str = "") -> bytes:
    """Encode (H, W, 3) pixels, with the workflow as a text chunk where there is one."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return with_workflow(file.getvalue(), workflow) if workflow else file.getvalue()


def write(data: bytes, folder: Path, name: str) -> Path:
    """Write to the next free ``name-0001.png``, unless a file of that name holds these bytes.

    The bytes go to a temporary file first, which then takes its place in one step: nobody sees half
    a picture, not even after a crash.
    """
    with sentences(folder):
        folder.mkdir(parents=True, exist_ok=True)
        numbered = dict(taken(folder, name))
        for path in numbered.values():
            if path.stat().st_size == len(data) and path.read_bytes() == data:
                return path
        temporary = folder / f".{uuid4().hex}.part"
        try:
            temporary.write_bytes(data)
            return place(temporary, folder, name, max(numbered, default=0) + 1)
        finally:
            temporary.unlink(missing_ok=True)


def taken(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    """The numbered files of this name that are there."""
    pattern = re.compile(re.escape(name) + r"-(\d+)\.png")
    for path in sorted(folder.iterdir()):
        if found := pattern.fullmatch(path.name):
            yield int(found[1]), path


def place(temporary: Path, folder: Path, name: str, number: int) -> Path:
    """Give the temporary file the first number from ``number`` on that nobody takes meanwhile."""
    while True:
        path = folder / f"{name}-{number:04}.png"
        try:
            claim(temporary, path)
            return path
        except FileExistsError:
            number += 1


def claim(temporary: Path, path: Path) -> None:
    """Move a file to a name that must be free: unlike a rename, a link fails if it is not."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without links
        path.open("x").close()
        temporary.replace(path)


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
        why = (error.strerror or str(error)).lower()
        raise UserError(
            f"cannot write to {str(folder)!r}: {why}; name a folder with --out"
        ) from error
