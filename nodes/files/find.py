"""Input files: looked up in the allowed folders, listed by pattern, identified by content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError
from nodegraph.node import Folders

PICTURES = frozenset(
    {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".mpo", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
_URL = re.compile(r"(https?):/{1,2}(?=[^/])")


def url_of(path: Path) -> str | None:
    """The http(s) address a path stands for, whose second slash Path has swallowed; else None."""
    text = path.as_posix()
    return _URL.sub(r"\1://", text, count=1) if _URL.match(text) else None


def find_file(path: Path, folders: Folders) -> Path:
    """The file that ``path`` names, in the first data folder that has it.

    Raises:
        UserError: It lies outside every data folder, or there is no such file.
    """
    inside = candidates(path, folders)
    for place in inside:
        if place.is_file():
            return place
    if any(place.is_dir() for place in inside):
        raise UserError(f"{str(path)!r} is a folder; a picture is needed here")
    raise UserError(missing(path, inside))


def candidates(path: Path, folders: Folders) -> list[Path]:
    """Where ``path`` may lie: in each data folder, as far as it stays inside one of them."""
    if not folders.data:
        raise UserError(f"cannot look for {str(path)!r}: no input folder is set")
    allowed = [folder.resolve() for folder in folders.data]
    places = [(folder / path).resolve() for folder in allowed]
    inside = [place for place in places if any(place.is_relative_to(folder) for folder in allowed)]
    if not inside:
        raise UserError(f"{str(path)!r} lies outside the input folders ({listing(allowed)})")
    return list(dict.fromkeys(inside))


def missing(path: Path, places: Sequence[Path]) -> str:
    """Say that there is no such file, where it was looked for, and what is nearest to it there."""
    message = f"no file {str(path)!r} in {listing([place.parent for place in places])}"
    for folder in {place.parent: None for place in places}:
        names = pictures_in(folder) if folder.is_dir() else []
        close = get_close_matches(path.name, [file.name for file in names], n=1)
        if close:
            return f"{message}; did you mean {str(path.with_name(close[0]))!r}?"
    return message


def expand(value: object, folders: Folders) -> list[Path] | None:
    """The pictures that a folder or a glob stands for, in natural order; None for a single file."""
    path = Path(str(value))
    if url_of(path):
        return None
    inside = candidates(path, folders)
    # A file may be called "a[1].png": what exists is never taken for a pattern.
    if any(_is_file(place) for place in inside):
        return None
    if is_pattern(path):
        return matches(path, folders)
    for place in inside:
        if place.is_dir():
            pictures = [path / file.name for file in pictures_in(place)]
            if not pictures:
                raise UserError(f"no pictures in the folder {str(path)!r}")
            return pictures
    return None


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError as error:  # a name that is longer than the system allows
        name = f"{place.name[:40]}…" if len(place.name) > 40 else place.name
        raise UserError(f"{name!r} is no file name: {(error.strerror or '').lower()}") from error


def is_pattern(path: Path) -> bool:
    """Whether the path holds wildcards."""
    return any(sign in str(path) for sign in "*?[")


def matches(pattern: Path, folders: Folders) -> list[Path]:
    """The pictures a glob matches in the first data folder where it matches any.

    What lies outside every data folder, behind a link or above, is matched by nothing.
    """
    fixed = Path(*(part for part in fixed_parts(pattern)))
    wild = pattern.relative_to(fixed)
    if ".." in wild.parts:
        raise UserError(
            f"{str(pattern)!r} leads up (..) after a wildcard, where it may only lead down"
        )
    allowed = [folder.resolve() for folder in folders.data]
    for place in candidates(fixed, folders):
        # A link inside may lead outside: what it leads to counts.
        pictures = (
            file
            for file in place.glob(str(wild))
            if file.suffix.lower() in PICTURES
            and file.is_file()
            and any(file.resolve().is_relative_to(folder) for folder in allowed)
        )
        names = sorted((file.relative_to(place) for file in pictures), key=natural)
        if names:
            return [fixed / name for name in names]
    raise UserError(f"no pictures match {str(pattern)!r} in {listing(folders.data)}")


def fixed_parts(pattern: Path) -> list[str]:
    """The parts of a glob before its first wildcard."""
    parts = list(pattern.parts)
    wild = next(i for i, part in enumerate(parts) if is_pattern(Path(part)))
    return parts[:wild]


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by their suffix, in natural order."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in PICTURES)
    return sorted((file for file in files if file.is_file()), key=natural)


def natural(path: Path) -> list[tuple[int, int | str]]:
    """Sort so that "pose-10" comes after "pose-9"."""
    pieces = re.split(r"(\d+)", str(path).lower())
    return [(0, int(piece)) if piece.isdecimal() else (1, piece) for piece in pieces]


def ordered(paths: Sequence[Path], by: str, folders: Folders) -> list[Path]:
    """Sort by the numbers in their names, by name letter by letter, or by date, oldest first."""
    if by == "date":
        return sorted(paths, key=lambda path: (find_file(path, folders).stat().st_mtime_ns, path))
    return sorted(paths, key=None if by == "name" else natural)


def listing(folders: Sequence[Path]) -> str:
    """Folders as one phrase."""
    return ", ".join(dict.fromkeys(str(folder) for folder in folders))


def read_file(path: Path, folders: Folders) -> bytes:
    """The bytes of the file that ``path`` names."""
    file = find_file(path, folders)
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {(error.strerror or '').lower()}") from error


def content_digest(data: bytes) -> str:
    """The digest of bytes, as cache keys have it."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


_digests: FileMemo[str] = FileMemo()


def file_digest(path: Path) -> str:
    """The digest of a file's bytes, read again when anything about it has changed."""
    try:
        return _digests.get([path], lambda: content_digest(path.read_bytes()))
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {(error.strerror or '').lower()}") from error
