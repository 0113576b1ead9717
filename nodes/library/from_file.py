"""Models in one file, as they were first published, described by the shapes of their tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nodegraph.errors import UserError

from ..checkpoints import ldm
from ..checkpoints.hashes import identity, sha256
from ..checkpoints.kinds import recognise
from ..checkpoints.names import conditioning_of
from ..checkpoints.parts import DType, Part, Shapes
from ..checkpoints.pickles import usable_file
from ..checkpoints.single_file import header, is_averaged
from ..checkpoints.tokenizers import check_tokenizer
from ..types import ControlNetModel, DiffusionModel
from ..weights.reference import Weights, key_of
from .shape import is_inpainting, shape_of

# Every SD 1.x checkpoint was trained with these; the file does not say.
_SCHEDULER: Mapping[str, object] = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
}


class BaseFile(NamedTuple):
    """The base model in one file, as far as its header tells.

    Attributes:
        path: What is read: another file, where an allowed pickle was converted.
        configs: Of its parts.
        scheduler: As JSON.
    """

    path: Path
    configs: Mapping[str, Mapping[str, Any]]
    scheduler: str
    inpaints: bool


def read_base(name: str, path: Path, allow: frozenset[str]) -> BaseFile:
    """Read the header of a base model's file, and check the vocabulary beside it if there is one.

    Raises:
        UserError: It is no base model that can be loaded.
    """
    original, path = path, usable_file(path, allow)
    shapes, metadata = header(path, "model")
    configs, kind = ldm.base_configs(shapes), recognise(shapes)
    # A ControlNet's file may have its base model in it.
    if configs is None or (kind.sort == "base" and not kind.loads):
        raise UserError(f"model: {name!r} {kind.misfit('base model')}")
    channels = configs["unet"]["in_channels"], configs["vae"]["latent_channels"]
    inpaints = is_inpainting(*channels, name)
    scheduler = json.dumps({**_SCHEDULER, **_marked(name, shapes, metadata)}, sort_keys=True)
    if (words := _words_beside(original)).is_dir():
        check_tokenizer(words, configs["text_encoder"]["vocab_size"])
    return BaseFile(path, configs, scheduler, inpaints)


def base_from_file(name: str, path: Path, dtype: DType, allow: frozenset[str]) -> DiffusionModel:
    """Describe the base model in one file."""
    file = read_base(name, path, allow)
    tokenizer = _tokenizer(name, path, allow)  # not beside a converted pickle
    check_tokenizer(tokenizer, file.configs["text_encoder"]["vocab_size"])
    digest = sha256(file.path)

    def refer(part: Part) -> Weights:
        words = (
            identity(filter(Path.is_file, tokenizer.iterdir())) if part == "text_encoder" else ""
        )
        key = key_of(part, digest + words, dtype)
        return Weights(part, str(file.path), key, tokenizer=str(tokenizer), dtype=dtype)

    factor = 2 ** (len(file.configs["vae"]["block_out_channels"]) - 1)
    return DiffusionModel(
        name=name,
        shape=shape_of(file.configs["unet"], name),
        factor=factor,
        size=64 * factor,
        scheduler=file.scheduler,
        text_encoder=refer("text_encoder"),
        unet=refer("unet"),
        vae=refer("vae"),
        inpaints=file.inpaints,
    )


def _marked(name: str, shapes: Shapes, metadata: Mapping[str, str]) -> dict[str, object]:
    """Settings of the scheduler that a file asks for, by tensors or metadata that are marks alone.

    Raises:
        UserError: It asks for what is not supported.
    """
    if edm := [key for key in shapes if key.startswith("edm_")]:
        raise UserError(f"model: {name!r} asks for other noise levels ({edm[0]}): no SD 1.x does")
    settings: dict[str, object] = {}
    predicts = metadata.get("modelspec.prediction_type", "").lower().removesuffix("_prediction")
    if predicts not in ("", "epsilon", "eps", "v"):
        raise UserError(f"model: {name!r} predicts {predicts!r:.50}; epsilon and v are supported")
    if "v_pred" in shapes or predicts == "v":
        settings["prediction_type"] = "v_prediction"
    if "ztsnr" in shapes:  # zero terminal signal-to-noise ratio, arXiv 2305.08891
        settings |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return settings


def read_controlnet(
    name: str, path: Path, allow: frozenset[str]
) -> tuple[Path, Shapes, Mapping[str, Any]]:
    """Read the header of a ControlNet's file: what is read, its shapes, and its configuration.

    Raises:
        UserError: It is no ControlNet that can be loaded.
    """
    path = usable_file(path, allow)
    shapes = header(path, "model")[0]
    config, kind = ldm.controlnet_config(shapes), recognise(shapes)
    if config is None or not kind.loads:
        raise UserError(f"model: {name!r} {kind.misfit('ControlNet')}")
    return path, shapes, config


def controlnet_from_file(
    name: str, path: Path, dtype: DType, allow: frozenset[str]
) -> ControlNetModel:
    """Describe the ControlNet in one file."""
    path, shapes, config = read_controlnet(name, path, allow)
    # Of the same file under two names, one may be averaged: those are two networks.
    digest = sha256(path) + " averaged" * is_averaged(path)
    net = Weights("controlnet", str(path), key_of("controlnet", digest, dtype), dtype=dtype)
    return ControlNetModel(
        name,
        shape_of(config, name),
        net,
        conditioning_of(Path(name).stem),
        difference="difference" in shapes,
    )


def _tokenizer(name: str, path: Path, allow: frozenset[str]) -> Path:
    """The vocabulary that a single file lacks: from a folder beside it, else CLIP's own."""
    if (beside := _words_beside(path)).is_dir():
        return beside
    from ..checkpoints.hub import clip_vocabulary

    return clip_vocabulary(name, allow)


def _words_beside(path: Path) -> Path:
    return path.parent / "tokenizer"
