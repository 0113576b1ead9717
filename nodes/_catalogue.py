"""The models that are here already: those that come along, and those in the hub's local cache."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ._resolve import TINY, Role, family_of

Named: TypeAlias = Mapping[str, Any]
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


def models() -> dict[str, list[Named]]:
    """Every model that can be used without a download, by what it is; no weights are read."""
    found: dict[str, list[Named]] = {
        sort: [_named(name, built_in=True) for name in TINY[role]] for sort, role in _SORTS.items()
    }
    found |= {sort: [_detector(name)] for sort, name in _DETECTORS.items()}
    for name, sort in _cached(hub_folder()):
        found[sort].append(_named(name, built_in=False))
    return found


def hub_folder() -> Path:
    """Where huggingface_hub keeps what it fetched; told without importing it."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
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


def _sort(snapshot: Path) -> str | None:
    """What a repository holds, by its small files."""
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


def _detector(name: str) -> Named:
    return {"name": name, "family": None, "built_in": True}


def _named(name: str, *, built_in: bool) -> Named:
    return {"name": name, "family": family_of(name), "built_in": built_in}
