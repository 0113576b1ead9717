"""Models pinned to the very files that a workflow was made with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nodegraph.errors import UserError

from ._resolve import built_in

if TYPE_CHECKING:
    from ._weights import Weights
    from .types import ControlNetModel, DiffusionModel

_COMMIT = re.compile(r"/snapshots/([0-9a-f]{40})/")


def of_base(model: DiffusionModel) -> str:
    """The SHA-256 of everything in a base model that makes a difference to its pictures."""
    return _sha256([model.text_encoder, model.unet, model.vae], model.scheduler)


def of_controlnet(model: ControlNetModel) -> str:
    """The SHA-256 of a ControlNet's configuration and weights."""
    return of_weights(model.net)


def of_weights(weights: Weights) -> str:
    """The SHA-256 of one network's configuration and weights."""
    return _sha256([weights])


def pin(name: str, path: str, sha256: str) -> Mapping[str, tuple[str, str]]:
    """What a workflow notes of a model; nothing of a built-in one, which comes with the package.

    Args:
        path: Where its files lie; in the hub's cache that tells the commit.
    """
    if built_in(name):
        return {}
    commit = _COMMIT.search(path.replace("\\", "/") + "/")
    return {name: (commit[1] if commit else "", sha256)}


def check(name: str, expected: str, found: str) -> None:
    """Refuse a model whose files are not those that the workflow was made with."""
    if expected and expected != found:
        raise UserError(
            f"model: {name!r} is not the one this workflow was made with"
            f" (sha256 {expected[:12]}…, here {found[:12]}…);"
            " get that one, or pin this one with `nodegraph lock`"
        )


def _sha256(parts: Iterable[Weights], more: str = "") -> str:
    # A key ends in the dtype that was asked for, if any: that is no property of the files.
    lines = [part.key.removesuffix(f" {part.dtype}") for part in parts]
    return hashlib.sha256("\n".join([*lines, more]).encode()).hexdigest()
