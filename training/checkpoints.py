"""State that a later sitting goes on from: weights in fp32, optimiser, averages, clock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from nodegraph.base.files import replacing


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state at once: a process killed half-way leaves the former one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        torch.save(dict(state), temporary)


def load_state(path: Path) -> dict[str, Any] | None:
    """Read a state, or give None where there is none yet."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    return state
