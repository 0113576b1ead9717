"""A folder of models that was moved is looked into where it is now, whatever is known of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodegraph import Workflow, load_registry, plan, run
from nodegraph.cache import Cache
from nodegraph.graph.shipped import inputs
from nodegraph.node import Folders
from nodegraph.settings import Settings

from ..support.weights import TINY

NODES: Mapping[str, Any] = {
    "photo": {"type": "LoadImage", "values": {"path": "portrait.png"}},
    "sized": {
        "type": "Resize",
        "values": {"width": 64, "height": 64},
        "links": {"image": "photo.image"},
    },
    "base": {"type": "LoadBaseModel", "values": {"model": "base"}},
    "inked": {
        "type": "LoadLoRA",
        "values": {"lora": "ink.safetensors"},
        "links": {"model": "base.model"},
    },
    "net": {"type": "LoadControlNet", "values": {"model": "net"}},
    "control": {
        "type": "Control",
        "links": {"image": "sized.image", "controlnet": "net.controlnet"},
    },
    "sample": {
        "type": "Sample",
        "values": {"prompt": "a man", "steps": 1, "seed": 1},
        "links": {"model": "inked.model", "controls": ["control.control"]},
    },
}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    shutil.copytree(TINY / "base", folder / "base")
    shutil.copytree(TINY / "controlnet-canny", folder / "net")
    shutil.copy(TINY / "ink.safetensors", folder)
    return folder


def drawn(models: Path, cache: Cache, seed: int) -> np.ndarray:
    sample = NODES["sample"]
    nodes = {**NODES, "sample": {**sample, "values": {**sample["values"], "seed": seed}}}
    workflow = Workflow.model_validate(
        {"format": 1, "nodes": nodes, "results": {"image": "sample.image"}}
    )
    settings = Settings(folders=Folders(data=inputs(), models=(models,)))
    image: Any = run(plan(workflow, load_registry()), cache, settings)["image"]
    pixels: np.ndarray = image.pixels
    return pixels


def test_models_that_were_moved_are_found_where_they_are_now(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for worth in ("WORTH_NOTING", "WORTH_WRITING"):  # models of gigabytes take their time
        monkeypatch.setattr(f"nodegraph.cache.cache.{worth}", 0.0)
    cache = Cache(tmp_path / "cache")
    drawn(models, cache, seed=1)
    cache.close()
    moved = models.rename(models.with_name("elsewhere"))

    cache = Cache(tmp_path / "cache")
    again = drawn(moved, cache, seed=2)
    cache.close()

    np.testing.assert_array_equal(again, drawn(moved, Cache.in_memory(), seed=2))
