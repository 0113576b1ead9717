"""The list of models at hand: built-in ones, the hub's local cache, the server's folders."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from nodegraph.base.characters import is_text, spelled
from nodegraph.base.safe_paths import safe_path_below
from nodegraph.errors import NotFetchedError, UserError
from nodegraph.node import Reach

from ..checkpoints.hub import files_to_fetch
from ..checkpoints.names import ADDRESSES, BUILT_IN, Role, family_of
from ..checkpoints.resolve import HereAlone, find_local, is_hub_id
from .examine import examine
from .fit import NOTHING, ROLES, Look, look_at

log = logging.getLogger("nodegraph.models")
Listing: TypeAlias = Mapping[str, Any]
_DETECTORS: Mapping[str, str] = {"soft edge": "hed", "lines": "mlsd", "pose": "movenet"}


def models(folders: Iterable[Path] = ()) -> dict[str, list[Listing]]:
    """Every model that is here, by what it is; no weights are read.

    Args:
        folders: The model folders of a server.

    Returns:
        Of each its name and family, where it comes from (``package``, ``hub``, ``partly`` from the
        hub, or a ``folder``), and why it cannot be used, which is empty for one that seems to fit.
    """
    listings: dict[str, list[Listing]] = {
        sort: [_built_in(name) for name in BUILT_IN[role]] for sort, role in ROLES.items()
    }
    listings |= {sort: [_built_in(name)] for sort, name in _DETECTORS.items()}
    for name, look, is_whole in _cached(hub_folder()):
        listings[look.sort or ""].append(_listing(name, look, "hub" if is_whole else "partly"))
    for folder in folders:
        for name, look in _in_folder(folder):
            listings[look.sort or ""].append(_listing(name, look, "folder"))
    return listings


def misfit(name: str, role: Role, reach: Reach, choice: str = "") -> str:
    """Why the model of this name cannot be used as ``role``, in words; empty where it seems to fit.

    What is not here, and what only loading tells, is not known against it.

    Args:
        choice: The variant, or which file of a folder.
    """
    if not name or name in BUILT_IN[role]:
        return ""
    look = _look_for(name, reach)
    if look.sort is not None and ROLES[look.sort] != role:
        other = ROLES[look.sort]
        return f"is {'an' if other[0] in 'aeiou' else 'a'} {other}; give a {role}"
    if (path := find_local(name, reach.folders)) is None:
        return look.unfit
    here = HereAlone(reach.folders, reach.allow | {"offline"})
    try:
        examine(name, path, role, choice, here)
    except NotFetchedError:
        return ""
    except UserError as error:
        sentence = str(error).removeprefix(f"{ADDRESSES[role]}: ")
        return (
            sentence.removeprefix(f"{name!r} ") if sentence.startswith(f"{name!r} ") else sentence
        )
    return ""


def _look_for(name: str, reach: Reach) -> Look:
    """Look at what a name leads to without fetching it."""
    if path := find_local(name, reach.folders):
        return look_at(path)
    if not is_hub_id(name):
        return NOTHING
    repository = hub_folder() / f"models--{name.replace('/', '--')}"
    return next((look for look, _ in _snapshots(repository)), NOTHING)


def hub_folder() -> Path:
    """The cache folder of huggingface_hub, without importing it: that would be slow."""
    if place := os.environ.get("HF_HUB_CACHE"):
        return Path(place).expanduser()
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(home).expanduser() / "hub"


def _cached(folder: Path) -> Iterator[tuple[str, Look, bool]]:
    """Every repository in the cache that is a model of ours, and whether its files are all here."""
    for path in sorted(folder.glob("models--*--*")):
        name = path.name.removeprefix("models--").replace("--", "/", 1)
        for look, snapshot in _snapshots(path):
            yield name, look, _is_whole(snapshot, ROLES[look.sort or ""])
            break


def _snapshots(repository: Path) -> Iterator[tuple[Look, Path]]:
    for snapshot in sorted(repository.glob("snapshots/*")):
        look = look_at(snapshot)
        if look.sort is not None:
            yield look, snapshot


def _is_whole(snapshot: Path, role: Role) -> bool:
    names = [p.relative_to(snapshot).as_posix() for p in snapshot.rglob("*") if p.is_file()]
    return bool(files_to_fetch(names, role, "", pickle=True))


def _in_folder(folder: Path) -> Iterator[tuple[str, Look]]:
    """The name of every model in a folder, as jobs may name it, and what it is."""
    waiting = [folder]
    while waiting:
        for path in _entries(waiting.pop()):
            name = path.relative_to(folder).as_posix()
            # A link that leads out of the folder: jobs could not name what is behind it.
            if safe_path_below([folder], name) is None:
                continue
            look = look_at(path)
            if look.sort is not None:
                yield name, look
            elif path.is_dir():  # no model itself, so there may be some in it
                waiting.append(path)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        log.warning("no models are listed of %s: %s", folder, (error.strerror or "").lower())
        return []


def _built_in(name: str) -> Listing:
    return _listing(name, NOTHING, "package")


def _listing(name: str, look: Look, source: str) -> Listing:
    # Of a file whose name nobody can send it is at least told that it is there.
    nameless = "" if is_text(name) else "has a name that is no text in UTF-8; rename it"
    return {
        "name": spelled(name),
        "family": look.family or family_of(name),
        "built_in": source == "package",
        "source": source,
        "unfit": nameless or look.unfit,
    }
