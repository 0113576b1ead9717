"""Input files: looked up in the allowed folders, listed by pattern, identified by content."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError, nearest
from nodegraph.node import Folders

from .patterns import glob

# Every suffix that Pillow has for the formats we read, and those that Windows gives JPEG files.
PICTURES = frozenset({
    ".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo",
    ".pbm", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
})  # fmt: skip
_COMPARED = 2000
"""Names of a folder that a name is compared with that is not there."""
_URL = re.compile(r"(https?):/{1,2}(?=[^/])")


def url_of(path: Path) -> str | None:
    """The http(s) address a path stands for, whose second slash Path has swallowed; else None."""
    text = path.as_posix()
    return _URL.sub(r"\1://", text, count=1) if _URL.match(text) else None


def native(path: Path, folders: Folders) -> Path:
    """The path with its folders parted as they are here.

    A workflow that was made on Windows has backslashes in its paths. Elsewhere a name may have them
    as well, so what exists under the very name goes first.
    """
    text = str(path)
    if "\\" not in text or os.sep == "\\":
        return path
    try:
        if any(place.exists() for place in candidates(path, folders)):
            return path
    except (OSError, UserError):  # too long for a name, or outside; with / it may not be
        pass
    return Path(text.replace("\\", "/"))


def find_file(path: Path, folders: Folders) -> Path:
    """The file that ``path`` names, in the first data folder that has it.

    Raises:
        UserError: It lies outside every data folder, or there is no such file.
    """
    path = native(path, folders)
    inside = candidates(path, folders)
    for place in inside:
        if _is_file(place):
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
        close = nearest(
            path.name, islice((file.name for file in names if file.name != path.name), _COMPARED)
        )
        if close:
            return f"{message}; did you mean {str(path.with_name(close))!r}?"
    return message


def expand(value: object, folders: Folders) -> list[Path] | None:
    """The pictures that a folder or a glob stands for, in natural order; None for a single file."""
    path = Path(str(value))
    if url_of(path):
        return None
    path = native(path, folders)
    inside = candidates(path, folders)
    # A file or folder may be called "a[1]": what exists is never taken for a pattern.
    if any(_is_file(place) for place in inside):
        return None
    for place in inside:
        if place.is_dir():
            pictures = [path / file.name for file in pictures_in(place)]
            if not pictures:
                raise UserError(f"no pictures in the folder {str(path)!r}")
            return pictures
    return matches(path, folders) if is_pattern(path) else None


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError as error:
        raise UserError(_unreadable(place, error)) from error


def _unreadable(place: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if error.errno == errno.ENAMETOOLONG:
        name = f"{place.name[:40]}…" if len(place.name) > 40 else place.name
        return f"{name!r} is no file name: {reason}"
    return f"cannot read {str(place)!r}: {reason}"


def is_pattern(path: Path) -> bool:
    """Whether the path holds wildcards."""
    return any(sign in str(path) for sign in "*?[")


def matches(pattern: Path, folders: Folders) -> list[Path]:
    """The pictures a glob matches in the first data folder where it matches any.

    What lies outside every data folder, behind a link or above, is matched by nothing.
    """
    fixed = fixed_part(pattern, folders)
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
            for file in glob(place, wild.parts)
            if is_picture(file.relative_to(place), wild)
            and (_leads_nowhere(file) or (file.is_file() and _lies_in(file, allowed)))
        )
        names = sorted((file.relative_to(place) for file in pictures), key=natural)
        if names:
            return [fixed / name for name in names]
    raise UserError(f"no pictures match {str(pattern)!r} in {listing(folders.data)}")


def fixed_part(pattern: Path, folders: Folders) -> Path:
    """What stands before the first wildcard of a glob; a folder that exists is none."""
    fixed = Path()
    for part in pattern.parts:
        path = fixed / part
        if is_pattern(Path(part)) and not any(map(_exists, candidates(path, folders))):
            break
        fixed = path
    return fixed


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # a name that is longer than the system allows
        return False


def is_picture(path: Path, wild: Path | None = None) -> bool:
    """Whether a file is a picture by its name; a glob finds hidden ones by a dot of its own."""
    shows = any(part.startswith(".") for part in (wild.parts if wild else ()))
    hidden = any(part.startswith("._" if shows else ".") for part in path.parts)
    return path.suffix.lower() in PICTURES and not hidden


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by their suffix, in natural order.

    Hidden files are none: macOS writes a companion "._a.png" beside a picture on foreign disks.
    """
    try:
        files = [file for file in folder.iterdir() if is_picture(Path(file.name))]
    except OSError as error:
        raise UserError(_unreadable(folder, error)) from error
    return sorted((file for file in files if file.is_file() or _leads_nowhere(file)), key=natural)


def _leads_nowhere(file: Path) -> bool:
    """Whether it is a link to what is not there: listed, so that reading it says so."""
    return file.is_symlink() and not file.exists()


def _lies_in(file: Path, folders: Sequence[Path]) -> bool:
    return any(file.resolve().is_relative_to(folder) for folder in folders)


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
