"""Models pinned to the very files that a workflow was made with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nodegraph.errors import UserError
from nodegraph.inspection.pins import changed_files
from nodegraph.node import Context, Pin

from ..checkpoints.folders import pick_weights
from ..checkpoints.hashes import sha256
from ..checkpoints.names import is_built_in

if TYPE_CHECKING:
    from ..types import ControlNetModel, DiffusionModel
    from ..weights.reference import Weights

_COMMIT = re.compile(r"/snapshots/([0-9a-f]{40})/")


def digest_of_base(model: DiffusionModel) -> str:
    """The SHA-256 of everything in a base model that makes a difference to its pictures."""
    return _sha256([model.text_encoder, model.unet, model.vae], model.scheduler)


def digest_of_controlnet(model: ControlNetModel) -> str:
    """The SHA-256 of a ControlNet's configuration and weights."""
    return digest_of_weights(model.net)


def digest_of_weights(weights: Weights) -> str:
    """The SHA-256 of one network's configuration and weights."""
    return _sha256([weights])


def pin(
    name: str, path: str, digest: str, files: Mapping[str, str] | None = None
) -> Mapping[str, Pin]:
    """The entry of a model in a workflow; none for a built-in one, which comes with the package.

    Args:
        path: Where its files lie; a path in the hub's cache has the commit in it.
    """
    return {} if is_built_in(name) else {name: (commit_of(path), digest, files or {})}


def commit_of(path: str) -> str:
    """The commit of a file in the hub's cache; empty for any other."""
    match = _COMMIT.search(path.replace("\\", "/") + "/")
    return match[1] if match else ""


def digests_of_files(*parts: Weights) -> Mapping[str, str]:
    """The SHA-256 of every file that makes up a model, by its name below the model's folder."""
    return {name: sha256(path) for part in parts for name, path in sorted(_files(part))}


def _files(part: Weights) -> Iterator[tuple[str, Path]]:
    path = Path(part.path)
    if path.is_file():
        yield path.name, path
        return
    names = [file.name for file in path.iterdir() if file.is_file()]
    within = f"{part.part}/" if part.part in ("text_encoder", "unet", "vae") else ""
    for name in ("config.json", *pick_weights(names, part.variant, pickle=False)):
        yield within + name, path / name
    if part.tokenizer:
        words = Path(part.tokenizer)
        yield from ((f"tokenizer/{file.name}", file) for file in words.glob("*") if file.is_file())
    scheduler = path.parent / "scheduler" / "scheduler_config.json"
    if part.part == "unet" and scheduler.is_file():
        yield "scheduler/scheduler_config.json", scheduler


def check_pin(
    name: str, context: Context, digest: str, path: str, *parts: Weights, address: str = "model"
) -> None:
    """Refuse a model whose files are not those that the workflow was made with.

    Args:
        digest: Its SHA-256.
        path: Where its files lie.
    """
    revision, expected = context.pinned(name)
    if not expected or expected == digest:
        return
    here = commit_of(path)
    moved = revision and here != revision
    changes = [f"revision {revision[:12]}, here {here[:12]}"] if moved else []
    # The files that differ, as far as the workflow has their digests.
    changes += changed_files(context.pinned_files(name), digests_of_files(*parts))
    details = f": {'; '.join(changes)}" if changes else ""
    raise UserError(
        f"{address}: {name!r} is not the one this workflow was made with"
        f" (sha256 {expected[:12]}…, here {digest[:12]}…{details});"
        " get that one, or pin this one with `nodegraph lock`"
    )


def _sha256(parts: Iterable[Weights], extra: str = "") -> str:
    # A key ends in the dtype that was asked for, if any: that is no property of the files.
    lines = [part.key.removesuffix(f" {part.dtype}") for part in parts]
    return hashlib.sha256("\n".join([*lines, extra]).encode()).hexdigest()
