"""Files of whole models (.safetensors): the header, and the tensors by diffusers' names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nodegraph.errors import UserError

from . import ldm
from .headers import DamagedError, read_header
from .parts import Part, Shapes

if TYPE_CHECKING:
    from torch import Tensor

# Libraries follow the dots of a tensor's name through Python objects; `__class__` and its like lead
# to where no weights are.
_INSIDES = re.compile(r"(?:^|\.)__[^.]*__(?:\.|$)")
SCALES = (".scale_weight", ".weight_scale")
"""What the factor of a weight of 8 bits is called, after its layer."""
_MARKS = re.compile(
    # Factors of what goes into a layer: for those who multiply in 8 bits.
    r".*\.(?:scale_input|input_scale)|scaled_fp8"
    # Numbers that are the same for every model, or were of use in training alone.
    r"|(?:.*\.)?(?:position_ids|num_batches_tracked|logit_scale|text_projection(?:\.weight)?)"
    r"|first_stage_model\.(?:loss|model_ema)\..*|model_ema\..*|denoiser\..*|global_step"
    r"|(?:.*_)?(?:betas|alphas_cumprod(?:_prev)?|lvlb_weights|logvar)"
    r"|posterior_(?:variance|log_variance_clipped|mean_coef[12])"
    r"|v_pred|ztsnr"
)
"""Keys that no layer takes and that change nothing, or that are read as markers."""


class Origin(NamedTuple):
    """The tensor of a file that a weight is: its key, and the shape that the weight has."""

    key: str
    shape: tuple[int, ...]


def header(path: Path, address: str) -> tuple[Shapes, Mapping[str, str]]:
    """The shapes of a .safetensors file's tensors, and its metadata; ``address`` is for errors.

    Raises:
        UserError: It is damaged, or a tensor is named like the insides of Python's objects, which
            is of no use but to change a program that follows such names.
    """
    from safetensors import SafetensorError, safe_open

    try:
        shapes, _, metadata = read_header(path)
        with safe_open(path, framework="np"):
            pass  # Refuses what is left of files whose header and length do not agree.
    except (DamagedError, SafetensorError) as error:
        raise UserError(
            f"{address}: {str(path)!r} is damaged or no .safetensors file: {error}"
        ) from error
    except OSError as error:
        raise UserError(f"{address}: {str(path)!r} cannot be read: {error.strerror}") from error
    if unfit := next(filter(_INSIDES.search, shapes), ""):
        raise UserError(f"{address}: {str(path)!r} has a tensor called {unfit!r}; no model has")
    return shapes, metadata


def origins(part: Part, shapes: Shapes, config: Mapping[str, Any]) -> dict[str, Origin]:
    """The weights of one part by diffusers' names, each with the tensor of the file that it is.

    diffusers' converters only rename and reshape (the VAE's attention: [C, C, 1, 1] to [C, C]).
    They are given numbers in the shapes of the tensors, which tell afterwards what became of which.
    """
    import torch

    prefix = ldm.PREFIXES[part]
    own = [key for key in own_keys(part, shapes) if 0 not in shapes[key]]
    if part == "text_encoder":
        # CompVis wrapped transformers' own module: below the prefix the names are the same.
        inner = f"{prefix}transformer."
        return {key.removeprefix(inner): Origin(key, shapes[key]) for key in own}
    numbers = torch.arange(len(own), dtype=torch.float64)
    numbered = {key: numbers[i].expand(shapes[key]) for i, key in enumerate(own)}
    renamed = _convert(part, numbered, config)
    return {
        name: Origin(own[int(tensor[(0,) * tensor.dim()])], tuple(tensor.shape))
        for name, tensor in renamed.items()
        if tensor is not None
    }


def own_keys(part: Part, shapes: Shapes) -> list[str]:
    """The keys of one part's tensors; a file of one part alone has no prefix."""
    prefix = ldm.PREFIXES[part]
    prefixed = [key for key in shapes if key.startswith(prefix)]
    return [key for key in prefixed or shapes if not key.endswith(SCALES)]


def unread(keys: Iterable[str]) -> list[str]:
    """Those of a file's keys that mean something unknown: no harmless ones, and no markers."""
    return [key for key in keys if not _MARKS.fullmatch(key)]


def strangers(shapes: Shapes) -> list[str]:
    """The keys of a base model's file that belong to no part of it, and are not known."""
    prefixes = tuple(ldm.PREFIXES.values())
    return unread(key for key in shapes if not key.startswith(prefixes))


def scale_of(key: str, shapes: Shapes) -> str:
    """The key of the factor that a weight of 8 bits is to be multiplied with; empty for none."""
    layer = key.removesuffix(".weight")
    return next((f"{layer}{end}" for end in SCALES if f"{layer}{end}" in shapes), "")


def _convert(
    part: Part, tensors: Mapping[str, Tensor], config: Mapping[str, Any]
) -> Mapping[str, Tensor | None]:
    from diffusers.loaders import single_file_utils

    convert: Mapping[Part, Any] = {
        "unet": single_file_utils.convert_ldm_unet_checkpoint,
        "vae": single_file_utils.convert_ldm_vae_checkpoint,
        "controlnet": single_file_utils.convert_controlnet_checkpoint,
    }
    renamed: Mapping[str, Tensor | None] = convert[part]({**tensors}, config)
    return renamed


def config_of(part: Part, path: Path) -> dict[str, Any]:
    """The part's configuration, from the sizes of its weights."""
    shapes = header(path, "model")[0]
    if part == "controlnet":
        config = ldm.controlnet_config(shapes) or {}
        return {**config, "global_pool_conditions": is_averaged(path)}
    return (ldm.base_configs(shapes) or {}).get(part, {})


def is_averaged(path: Path) -> bool:
    """Whether a ControlNet's residuals are averaged: those of one kind, which its name tells."""
    return "shuffle" in re.split(r"[^a-z]+", path.stem.lower())
