"""Save results that are pictures: whole files or none, and never over another one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import TypeAlias

from ..base import file_names
from ..base.files import write_new
from ..carriers.png import with_texts
from ..errors import UserError
from ..events import Outcome
from ..execution.results import Picture, pictures
from ..savings import Shortages

_ROOM = len("-1234567.png")

TextsOf: TypeAlias = Callable[[Mapping[str, str], Shortages], Mapping[str, str]]
"""From the keys of what a file shows, and how that was made to fit, to the texts it carries."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The files of pictures with the names of their results, and why others are not saved."""

    paths: tuple[tuple[str, Path], ...]
    problems: tuple[str, ...] = ()


def save_pictures(outcome: Outcome, texts_of: TextsOf, folder: Path, prefix: str) -> Saved:
    """Save every picture among the results; one that cannot be does not keep the others waiting."""
    paths, problems = list[tuple[str, Path]](), dict[str, None]()
    for name, picture, result, item in pictures(outcome.results):
        several = f"[{item}]" if isinstance(outcome.results[result], list) else ""
        # The key of the item alone: it says what this picture was made of, not the whole list.
        key = {result + several: outcome.keys[result][item]}
        try:
            texts = texts_of(key, outcome.shortages[result][item])
            paths.append((name, save_picture(picture, texts, folder, prefix + name)))
        except UserError as error:
            problems[str(error)] = None
    return Saved(tuple(paths), tuple(problems))


def save_picture(picture: Picture, texts: Mapping[str, str], folder: Path, name: str) -> Path:
    """Write a PNG that carries ``texts``.

    Returns:
        ``folder/name.png``, or with a number behind it where that is another picture. A file that
        already holds exactly this is left as it is.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    file = BytesIO()
    picture.pil().save(file, "PNG")
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return _place(with_texts(file.getvalue(), texts), folder, file_name(name))


def file_name(name: str) -> str:
    """A name that is a file name everywhere, with room for a number and a suffix."""
    safe = file_names.safe(name, ".-").strip("-.")
    return file_names.undeviced(file_names.cut(safe, file_names.LONGEST - _ROOM) or "workflow")


def _place(data: bytes, folder: Path, name: str) -> Path:
    # Another run may save here now: a name counts as taken only when write_new could not have it.
    for number in count(1):
        path = folder / (f"{name}.png" if number == 1 else f"{name}-{number}.png")
        if _holds(path, data) or write_new(path, data):
            return path
    raise AssertionError  # count never ends


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def prepare_folder(folder: Path) -> None:
    """Make the folder, or say why nothing can be saved there, before anything is computed."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn errors of writing into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"the disk of {str(folder)!r} is full") from error
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            raise UserError(f"{str(folder)!r} is not a folder; name one with --out") from error
        reason = (error.strerror or str(error)).lower()
        raise UserError(
            f"cannot write to {str(folder)!r}: {reason}; name a folder with --out"
        ) from error
