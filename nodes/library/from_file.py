"""Models in one file, as they were first published: what they hold, and how it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodegraph.errors import UserError

from ..checkpoints import ldm as _ldm
from ..checkpoints.hashes import identity, sha256
from ..types import ControlNetModel, DiffusionModel
from ..weights.reference import DType, Part, Weights, key_of

if TYPE_CHECKING:
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
_INSIDES = re.compile(r"(?:^|\.)__[^.]*__(?:\.|$)")

# Every SD 1.x checkpoint was trained with these; the file does not say.
_SCHEDULER = {
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


def base_from_file(name: str, path: Path, dtype: DType, allow: frozenset[str]) -> DiffusionModel:
    """Describe the base model in one file."""
    from .describe import shape, takes_a_mask

    given, path = path, _usable(path, allow)
    configs = _ldm.base_configs(_shapes(path))
    if configs is None:
        raise UserError(f"model: {name!r} is no Stable Diffusion 1.x base model in one file")
    channels = configs["unet"]["in_channels"], configs["vae"]["latent_channels"]
    tokenizer = _tokenizer(name, given, allow)
    digest = sha256(path)

    def part(which: Part) -> Weights:
        words = identity(tokenizer.iterdir()) if which == "text_encoder" else ""
        key = key_of(which, digest + words, dtype)
        return Weights(which, str(path), key, tokenizer=str(tokenizer), dtype=dtype)

    factor = 2 ** (len(configs["vae"]["block_out_channels"]) - 1)
    return DiffusionModel(
        name=name,
        shape=shape(configs["unet"], name),
        factor=factor,
        size=64 * factor,
        scheduler=json.dumps(_SCHEDULER, sort_keys=True),
        text_encoder=part("text_encoder"),
        unet=part("unet"),
        vae=part("vae"),
        inpaints=takes_a_mask(*channels, name),
    )


def controlnet_from_file(
    name: str, path: Path, dtype: DType, allow: frozenset[str]
) -> ControlNetModel:
    """Describe the ControlNet in one file."""
    from ..checkpoints.resolve import conditioning_of
    from .describe import shape

    path = _usable(path, allow)
    config = _ldm.controlnet_config(_shapes(path))
    if config is None:
        raise UserError(f"model: {name!r} is no ControlNet for Stable Diffusion in one file")
    net = Weights("controlnet", str(path), key_of("controlnet", sha256(path), dtype), dtype=dtype)
    return ControlNetModel(name, shape(config, name), net, conditioning_of(Path(name).stem))


def renamed(
    part: Part, found: Mapping[str, Tensor], config: Mapping[str, Any]
) -> dict[str, Tensor]:
    """What a file holds of one part, by diffusers' names: the same tensors, or views of them."""
    from diffusers.loaders import single_file_utils as theirs

    prefix = _ldm.PREFIXES[part]
    own = {key: one for key, one in found.items() if key.startswith(prefix)} or dict(found)
    if part == "text_encoder":
        inner = f"{prefix}transformer."
        return {key.removeprefix(inner): one for key, one in own.items()}
    convert: Mapping[Part, Any] = {
        "unet": theirs.convert_ldm_unet_checkpoint,
        "vae": theirs.convert_ldm_vae_checkpoint,
        "controlnet": theirs.convert_controlnet_checkpoint,
    }
    names: dict[str, Tensor] = convert[part](own, config)
    return names


def config_of(part: Part, path: Path) -> dict[str, Any]:
    """The part's configuration, from the sizes of its weights."""
    shapes = _shapes(path)
    if part == "controlnet":
        return _ldm.controlnet_config(shapes) or {}
    return (_ldm.base_configs(shapes) or {}).get(part, {})


def _usable(path: Path, allow: frozenset[str]) -> Path:
    """The file itself, or what an allowed pickle was converted into."""
    from ..checkpoints.pickles import converted_file, is_pickle, pickle_refused

    if not is_pickle(path):
        return path.resolve()
    if "pickle" not in allow:
        raise UserError(pickle_refused(path))
    return converted_file(path, convert="offline" not in allow)


def _shapes(path: Path) -> Shapes:
    return header(path, "model")[0]


def header(path: Path, address: str) -> tuple[Shapes, Mapping[str, str]]:
    """The shapes of a .safetensors file's tensors, and its metadata; ``address`` is for errors.

    Raises:
        UserError: It is damaged, or a tensor is named like the insides of Python's objects, which
            is of no use but to change a program that follows such names.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise UserError(
            f"{address}: {str(path)!r} is damaged or no .safetensors file: {error}"
        ) from error
    if unfit := next(filter(_INSIDES.search, shapes), ""):
        raise UserError(f"{address}: {str(path)!r} has a tensor called {unfit!r}; no model has")
    return shapes, metadata


def _tokenizer(name: str, path: Path, allow: frozenset[str]) -> Path:
    """The vocabulary that a single file lacks: from a folder beside it, else CLIP's own."""
    beside = path.parent / "tokenizer"
    if beside.is_dir():
        return beside
    from ..checkpoints.hub import clip_vocabulary

    return clip_vocabulary(name, allow)
