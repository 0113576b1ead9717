"""Fonts for labels: Pillow's own, the one that comes with the package, and those of this system."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nodegraph.base.file_memo import is_settled, state_of

from ..builtin.paths import FONT

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


class Face(NamedTuple):
    """A font: its file as it is now, or the one inside Pillow where there is none."""

    path: Path | None
    facts: tuple[int, ...] = ()


PILLOWS = Face(None)
"""The font inside Pillow: it has the letters of ASCII."""
BUILT_IN = Face(FONT)
"""The one that comes with the package: Latin, Greek, Cyrillic, Hebrew, Arabic, signs."""
_SUFFIXES = frozenset({".otf", ".ttc", ".ttf"})
_MOST_FILES = 3000
_MOST_TRIED = 120
# Words in the names of fonts that have many letters, and of those that are no plain text.
_LIKELY = ("cjk", "unicode", "fallback", "noto", "gothic", "hei", "ming", "song", "sans")
_UNLIKELY = ("bold", "italic", "oblique", "emoji", "symbol", "mono", "lastresort", "condensed")
_NOBODYS = "\U0010fffd"  # a letter that no font has: it is drawn as every missing one


def face_of(path: Path) -> Face:
    """The font in a file; another one as soon as something is written to the file.

    Raises:
        OSError: There is no such file.
    """
    now = time.time_ns()
    state = state_of(path)
    # Just written: whatever is written next may leave the same state, so this face is none other.
    return Face(path, state[1:] if is_settled(state, now) else (*state[1:], now))


@lru_cache(maxsize=64)
def font(face: Face, size: int) -> FreeTypeFont:
    """A font at a size in pixels.

    Raises:
        OSError: The file is no font, or has none of this size.
    """
    from PIL import ImageFont

    if face.path is None:
        plain = ImageFont.load_default(size)
        assert isinstance(plain, ImageFont.FreeTypeFont)
        return plain
    return ImageFont.truetype(str(face.path), size)


@lru_cache(maxsize=4096)
def has(face: Face, letter: str) -> bool:
    """Whether a font has a letter; what is not drawn every font has."""
    if letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf", "Mn", "Me"):
        return True
    return _drawn(face, letter) != _drawn(face, _NOBODYS)


def _drawn(face: Face, letter: str) -> tuple[object, bytes]:
    mask = font(face, 24).getmask(letter)
    return mask.size, bytes(mask)


def missing(letters: Iterable[str], faces: Sequence[Face]) -> str:
    """The letters that none of the fonts has, each once, in their order."""
    return "".join(
        letter
        for letter in dict.fromkeys("".join(letters))
        if not any(has(face, letter) for face in faces)
    )


def chosen(texts: Sequence[str], own: Path | None = None) -> tuple[Face, ...]:
    """The fonts to write texts with: one that has every letter, else several, the first first.

    Args:
        own: A font that goes before all others.

    Raises:
        OSError: That is no font.
    """
    letters = normal("".join(texts))
    if own is not None:
        faces: tuple[Face, ...] = (face_of(own), BUILT_IN)
        font(faces[0], 24)
    elif letters.isascii() or not missing(letters, [PILLOWS]):
        # Not for the texts: what is cut ends in "…".
        return PILLOWS, BUILT_IN
    else:
        faces = (BUILT_IN,)
    lost = missing(letters, faces)
    return (*faces, *map(face_of, system_fonts(lost))) if lost else faces


def normal(text: str) -> str:
    """The text with each letter and its marks as one character, where there is one."""
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=256)
def system_fonts(letters: str) -> tuple[Path, ...]:
    """The fewest fonts of this system that have the letters, as far as any has them."""
    found, left = list[Path](), letters
    for path in _installed()[:_MOST_TRIED]:
        try:
            rest = missing(left, [face_of(path)])
        except Exception:  # FreeType cannot read every file that is called a font
            continue
        if len(rest) < len(left):
            found.append(path)
            left = rest
        if not left:
            break
    return tuple(found)


@lru_cache(maxsize=1)
def _installed() -> tuple[Path, ...]:
    """The files of fonts on this system, the likeliest first, in the same order every time."""
    files = islice((file for folder in _folders() for file in _walk(folder)), _MOST_FILES)
    return tuple(sorted(files, key=lambda path: (_rank(path.stem.lower()), path.name, str(path))))


def _rank(name: str) -> int:
    likely = next((place for place, word in enumerate(_LIKELY) if word in name), len(_LIKELY))
    return likely + len(_LIKELY) * any(word in name for word in _UNLIKELY)


def _walk(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names if Path(name).suffix.lower() in _SUFFIXES)


def _folders() -> list[Path]:
    """Where systems keep fonts, their own and the user's."""
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local"))
        windows = Path(os.environ.get("WINDIR", r"C:\Windows"))
        return [windows / "Fonts", Path(local) / "Microsoft" / "Windows" / "Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    data = os.environ.get("XDG_DATA_HOME", str(home / ".local" / "share"))
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path(data) / "fonts",
            home / ".fonts"]  # fmt: skip
