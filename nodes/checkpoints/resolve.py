"""The path of a model that a user names: built-in, in a folder, or fetched from the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from nodegraph.base.safe_paths import safe_path_below
from nodegraph.errors import UserError, did_you_mean
from nodegraph.node import Folders, Reach

from . import hub
from .folders import PICKLES
from .names import ADDRESSES, BUILT_IN, Role

_SUFFIXES = (".safetensors", *PICKLES)
_HUB = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


@dataclass(frozen=True, slots=True)
class HereAlone:
    """A reach that fetches nothing and reads no pickle."""

    folders: Folders
    allow: frozenset[str] = frozenset({"offline"})


def resolve(model: str, role: Role, revision: str, variant: str, reach: Reach) -> Path:
    """Find the folder or file that ``model`` names, fetching it from the hub where it must be.

    Args:
        variant: Of an add-on: which file.

    Raises:
        UserError: There is no such model, or it cannot be had from here.
    """
    if model in BUILT_IN[role]:
        return BUILT_IN[role][model]
    if path := find_local(model, reach.folders):
        return path
    at = ADDRESSES[role]
    if is_hub_id(model):
        return hub.fetch(model, role, revision, variant, reach.allow)
    if reach.folders.models is not None:
        raise UserError(f"{at}: {no_such_model(model, BUILT_IN[role])}")
    if _is_path(model):
        places = dict.fromkeys(map(_absolute, _places(model.replace("\\", "/"), reach.folders)))
        sought = ", ".join(map(repr, places)) or repr(model)
        raise UserError(f"{at}: no file or folder {model!r}; looked for {sought}")
    start = f"{did_you_mean(model, BUILT_IN[role])}; or" if BUILT_IN[role] else f"no {model!r};"
    raise UserError(f"{at}: {start} give a hub id (owner/name), a folder or a file")


def find_local(model: str, folders: Folders) -> Path | None:
    """The folder or file that ``model`` names; a server has only those in its model folders.

    A relative path is looked for where pictures are, beside the workflow first, and then from the
    current folder. One that was written on Windows may part its folders with backslashes.
    """
    for name in dict.fromkeys((model, model.replace("\\", "/"))):
        if folders.models is not None:
            place = safe_path_below(folders.models, name)
        else:
            place = next(filter(_exists, _places(name, folders)), None)
        if place is not None:
            return place
    return None


def _places(name: str, folders: Folders) -> Iterator[Path]:
    with suppress(RuntimeError):  # the home of nobody
        path = Path(name).expanduser()
        yield from (folder / path for folder in folders.data)
        yield path


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # too long a name, a NUL
        return False


def no_such_model(model: str, built_in: Iterable[str]) -> str:
    """A server's error for a name that leads to no model.

    The same whatever lies at that path outside of its folders: it must not tell if a file exists.
    """
    names = list(built_in)
    close = get_close_matches(model, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    listed = f"{', '.join(names)}, " if names else ""
    return (
        f"there is no such model; give {listed}a hub id (owner/name), or a file or folder"
        f" in the server's model folders{hint}"
    )


def is_hub_id(model: str) -> bool:
    """Whether a model's name has the form of a repository's."""
    return _HUB.fullmatch(model) is not None and not _is_path(model)


def _is_path(model: str) -> bool:
    return (
        model.startswith((".", "~", "/"))
        or "\\" in model
        or Path(model).suffix.lower() in _SUFFIXES
    )


def _absolute(place: Path) -> str:
    return str(place.absolute())
