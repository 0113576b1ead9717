"""The list of models at hand: built-in ones, the hub's local cache, the server's folders."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from nodegraph.base.safe_paths import safe_path_below

from ..checkpoints.names import BUILT_IN, Role, family_of

Listing: TypeAlias = Mapping[str, Any]
_SORTS: Mapping[str, Role] = {
    "base": "base model",
    "controlnet": "ControlNet",
    "lora": "LoRA",
    "embedding": "embedding",
    "depth": "depth model",
    "segmentation": "segmentation model",
}
_DETECTORS: Mapping[str, str] = {"soft edge": "hed", "lines": "mlsd", "pose": "movenet"}
_CLASSES = {"ControlNetModel": "controlnet"}
_TENSORS = {
    "base": ("model.diffusion_model.",),
    "controlnet": ("control_model.", "controlnet_cond_embedding."),
}
_HEADER = 32 * 2**20
"""Bytes of the longest header of a .safetensors file that is read."""


def models(folders: Iterable[Path] = ()) -> dict[str, list[Listing]]:
    """Every model that can be used without a download, by what it is; no weights are read.

    Args:
        folders: The model folders of a server.
    """
    listings: dict[str, list[Listing]] = {
        sort: [_listing(name, built_in=True) for name in BUILT_IN[role]]
        for sort, role in _SORTS.items()
    }
    listings |= {sort: [_detector(name)] for sort, name in _DETECTORS.items()}
    for name, sort in _cached(hub_folder()):
        listings[sort].append(_listing(name, built_in=False))
    for folder in folders:
        for name, sort in _in_folder(folder):
            listings[sort].append(_listing(name, built_in=False))
    return listings


def hub_folder() -> Path:
    """The cache folder of huggingface_hub, without importing it: that would be slow."""
    if place := os.environ.get("HF_HUB_CACHE"):
        return Path(place).expanduser()
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(home).expanduser() / "hub"


def _cached(folder: Path) -> Iterator[tuple[str, str]]:
    """The name and the sort of every repository in the cache that is a model of ours."""
    for path in sorted(folder.glob("models--*--*")):
        name = path.name.removeprefix("models--").replace("--", "/", 1)
        for snapshot in sorted(path.glob("snapshots/*")):
            sort = _sort(snapshot)
            if sort is not None:
                yield name, sort
                break


def _in_folder(folder: Path) -> Iterator[tuple[str, str]]:
    """The name and the sort of every model in a folder, as jobs may name it."""
    waiting = [folder]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            name = path.relative_to(folder).as_posix()
            # A link that leads out of the folder: jobs could not name what is behind it.
            if safe_path_below([folder], name) is None:
                continue
            sort = _sort(path) if path.is_dir() else _sort_of_file(path)
            if sort is not None:
                yield name, sort
            elif path.is_dir():  # no model itself, so there may be some in it
                waiting.append(path)


def _sort_of_file(path: Path) -> str | None:
    if path.suffix != ".safetensors":
        return None
    state = path.stat()
    return _sort_of_tensors(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _sort_of_tensors(path: Path, size: int, mtime_ns: int) -> str | None:  # noqa: ARG001  the memo's key
    """The sort of model in a .safetensors file, by the names of its tensors.

    It begins with the length of its header, in eight bytes, and the header in JSON: that is read.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= _HEADER else {}
    except (OSError, ValueError, RecursionError):
        return None
    names = set(header) - {"__metadata__"} if isinstance(header, dict) else set()
    for sort, beginnings in _TENSORS.items():
        if any(name.startswith(beginnings) for name in names):
            return sort
    if any("lora" in name.lower() for name in names):
        return "lora"
    return "embedding" if len(names) == 1 else None


def _sort(snapshot: Path) -> str | None:
    """The sort of model in a repository, by its small files."""
    if (snapshot / "model_index.json").is_file():
        return "base"
    if any(snapshot.glob("*lora*.safetensors")):
        return "lora"
    if any(snapshot.glob("learned_embeds.*")):
        return "embedding"
    try:
        config = json.loads((snapshot / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return _CLASSES.get(config.get("_class_name", "")) if isinstance(config, dict) else None


def _detector(name: str) -> Listing:
    return {"name": name, "family": None, "built_in": True}


def _listing(name: str, *, built_in: bool) -> Listing:
    return {"name": name, "family": family_of(name), "built_in": built_in}
