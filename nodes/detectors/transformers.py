"""Depth and segmentation models of transformers: found, checked, and shown a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError
from nodegraph.node import Context, Pin, Reach

from ..checkpoints import folders, resolve
from ..checkpoints.hashes import sha256
from ..checkpoints.hub import PROCESSOR
from ..checkpoints.names import Role
from ..library import describe
from ..library import pins as library_pins
from ..weights.reference import Weights
from . import files
from .sizes import Pixels

if TYPE_CHECKING:
    from torch import Tensor

Task: TypeAlias = Literal["depth", "seg"]
_ROLES: Mapping[Task, Role] = {"depth": "depth model", "seg": "segmentation model"}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's folder, its configuration, and a reference to its weights."""

    folder: Path
    config: Mapping[str, Any]
    weights: Weights

    @property
    def kind(self) -> str:
        """The name of its class."""
        return str(self.config["architectures"][0])

    @property
    def stamp(self) -> list[str]:
        """The content that its results depend on."""
        return [self.weights.key, sha256(self.folder / PROCESSOR)]

    @contextmanager
    def result_of(self, pixels: Pixels, context: Context) -> Iterator[Any]:
        """The network's result for a picture, as long as the block runs."""
        import torch

        inputs = _processor(self.folder)(images=pixels, return_tensors="pt")
        with context.lease(self.weights) as net, torch.no_grad():
            yield net(pixel_values=inputs["pixel_values"].to(net.device))


def find_model(model: str, task: Task, context: Context) -> ModelFiles:
    """Find a model on the hub or in a folder.

    Raises:
        UserError: It cannot be had, or is none of those that can be loaded.
    """
    folder = resolve.resolve(model, _ROLES[task], context.pinned(model)[0], "", context)
    config = check_folder(model, folder, task, context)
    # They compute in float32 whatever the run does: they are small, and control images exact.
    weights = describe.refer_to_weights(folder, task, "", "float32", context.allow)
    digest = library_pins.digest_of_weights(weights)
    library_pins.check_pin(model, context, digest, str(folder), weights)
    return ModelFiles(folder, config, weights)


def check_folder(model: str, folder: Path, task: Task, reach: Reach) -> Mapping[str, Any]:
    """Read the configuration of a model, and check that its other parts are there and whole.

    Raises:
        UserError: What is missing or wrong, and where.
    """
    if not folder.is_dir():
        raise UserError(f"model: {model!r} is a file; give the folder of a model of transformers")
    config = folders.check_part(folder, task)
    if not (folder / PROCESSOR).is_file():
        raise UserError(f"model: {model!r} has no {PROCESSOR}, which says how to show it pictures")
    if not {"image_processor_type", "feature_extractor_type"} & {
        *folders.read_json(folder / PROCESSOR)
    }:
        raise UserError(
            f"model: {str(folder / PROCESSOR)!r} does not say how to show pictures: it has no"
            " image_processor_type"
        )
    describe.check_weights(folder, "", reach.allow)
    return config


def examined(model: str, task: Task, reach: Reach) -> list[tuple[str, str]]:
    """What is wrong with a model that is at hand, as far as no weights must be read to tell."""
    folder = None if model == "tiny" else resolve.find_local(model, reach.folders)
    if folder is None:
        return []
    return files.refusal(lambda: check_folder(model, folder, task, reach))


def pins(model: str, task: Task, context: Context) -> Mapping[str, Pin]:
    """The pin of a model in a workflow, so that it runs with the same files again."""
    reference = find_model(model, task, context)
    weights = reference.weights
    files, digest = library_pins.digests_of_files(weights), library_pins.digest_of_weights(weights)
    return library_pins.pin(model, str(reference.folder), digest, files)


def resized_to(values: Tensor, height: int, width: int) -> Tensor:
    """(B, C, h, w) as (B, C, height, width)."""
    from torch.nn.functional import interpolate

    result: Tensor = interpolate(values.float(), size=(height, width), mode="bilinear")
    return result


_processors: FileMemo[Any] = FileMemo(4)


def _processor(folder: Path) -> Any:
    """How the model is shown pictures, as its folder says."""
    return _processors.get([folder / PROCESSOR], lambda: _load_processor(folder))


def _load_processor(folder: Path) -> Any:
    from ..weights.quiet import quiet

    with quiet():
        from transformers import AutoImageProcessor

        try:
            return AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # of a library, about a value that it cannot do with
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"model: {str(folder / PROCESSOR)!r} does not say how to show pictures: {reason}"
            ) from error
