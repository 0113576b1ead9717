"""Models at hand examined before a run: every part there and whole, by headers and small files."""

from __future__ import annotations

from pathlib import Path

from nodegraph.node import Reach

from ..checkpoints.names import Addon, Role
from . import addons, describe, from_file


def examine(name: str, path: Path, role: Role, choice: str, reach: Reach) -> None:
    """Refuse a model that cannot be loaded, as far as no weights must be read to tell.

    Args:
        choice: The variant, or which file of a folder.

    Raises:
        UserError: What is missing or wrong, and where.
        NotFetchedError: It is a pickle that is not converted yet.
    """
    match role:
        case "base model" if path.is_file():
            from_file.read_base(name, path, reach.allow)
        case "base model":
            describe.check_base_folder(name, path, choice, reach.allow)
        case "ControlNet" if path.is_file():
            from_file.read_controlnet(name, path, reach.allow)
        case "ControlNet":
            describe.check_controlnet_folder(name, path, choice, reach.allow)
        case "LoRA" | "embedding":
            _examine_addon(name, role, choice, reach)
        case _:
            pass


def _examine_addon(name: str, role: Addon, file: str, reach: Reach) -> None:
    addon = addons.find_addon(name, role, file, "", reach)
    if role == "LoRA":
        addons.read_lora(addon)
    else:
        addons.read_vectors(addon)
