"""The workflows that installed packages bring along."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path


@cache
def shipped() -> Mapping[str, Path]:
    """The workflows of installed packages, by name (entry points ``nodegraph.workflows``)."""
    paths: dict[str, Path] = {}
    for entry in entry_points(group="nodegraph.workflows"):
        spec = find_spec(entry.module)
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(folder).glob("*.json")):
                paths.setdefault(path.stem, path)
    return paths


def inputs() -> tuple[Path, ...]:
    """The folders of pictures beside the shipped workflows."""
    folders = dict.fromkeys(path.parent / "inputs" for path in shipped().values())
    return tuple(folder for folder in folders if folder.is_dir())
