"""Files of whole models (.safetensors): the header, and the tensors by diffusers' names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodegraph.errors import UserError

from . import ldm
from .parts import Part, Shapes

if TYPE_CHECKING:
    from torch import Tensor

# Libraries follow the dots of a tensor's name through Python objects; `__class__` and its like lead
# to where no weights are.
_INSIDES = re.compile(r"(?:^|\.)__[^.]*__(?:\.|$)")


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


def rename(
    part: Part, tensors: Mapping[str, Tensor], config: Mapping[str, Any]
) -> dict[str, Tensor]:
    """The tensors of one part by diffusers' names: the same ones, or views of them."""
    from diffusers.loaders import single_file_utils

    prefix = ldm.PREFIXES[part]
    # A file of one part alone has no prefix.
    own = {key: tensor for key, tensor in tensors.items() if key.startswith(prefix)} or {**tensors}
    if part == "text_encoder":
        # CompVis wrapped transformers' own module: below the prefix the names are the same.
        inner = f"{prefix}transformer."
        return {key.removeprefix(inner): tensor for key, tensor in own.items()}
    # diffusers' converters only rename and reshape (the VAE's attention: [C, C, 1, 1] to [C, C]),
    # so that what is mapped from the file stays mapped.
    convert: Mapping[Part, Any] = {
        "unet": single_file_utils.convert_ldm_unet_checkpoint,
        "vae": single_file_utils.convert_ldm_vae_checkpoint,
        "controlnet": single_file_utils.convert_controlnet_checkpoint,
    }
    renamed: dict[str, Tensor] = convert[part](own, config)
    return renamed


def config_of(part: Part, path: Path) -> dict[str, Any]:
    """The part's configuration, from the sizes of its weights."""
    shapes = header(path, "model")[0]
    if part == "controlnet":
        return ldm.controlnet_config(shapes) or {}
    return (ldm.base_configs(shapes) or {}).get(part, {})
