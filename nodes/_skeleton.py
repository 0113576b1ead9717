"""The shapes of a model's layers, without reading its weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._folders import read_json
from ._lora import flat
from ._weights import LOADING, Weights

if TYPE_CHECKING:
    from torch.nn import Module


@lru_cache(maxsize=16)
def shapes(weights: Weights) -> Mapping[str, tuple[int, ...]]:
    """The shape of every layer's weight, by its name with ``_`` for dots."""
    import torch

    from ._quiet import quiet

    config = _config(weights)
    with LOADING, quiet(), torch.device("meta"):
        module = _built(weights, config)
    named = module.named_parameters()
    ends = ".weight"
    return {flat(k.removesuffix(ends)): tuple(v.shape) for k, v in named if k.endswith(ends)}


def _config(weights: Weights) -> dict[str, Any]:
    path = Path(weights.path)
    if path.is_file():
        from ._single import config_of

        return config_of(weights.part, path)
    return read_json(path / "config.json")


def _built(weights: Weights, config: Mapping[str, Any]) -> Module:
    if weights.part == "text_encoder":
        from transformers import CLIPTextConfig, CLIPTextModel

        text: Module = CLIPTextModel(CLIPTextConfig.from_dict(dict(config)))
        return text
    from diffusers import UNet2DConditionModel

    unet: Module = UNet2DConditionModel.from_config(config)
    return unet
