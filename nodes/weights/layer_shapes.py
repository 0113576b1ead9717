"""The shapes of a model's layers, without reading its weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from .lora import flat_name
from .reference import Weights


@lru_cache(maxsize=16)
def shapes(weights: Weights) -> Mapping[str, tuple[int, ...]]:
    """The shape of every layer's weight, by its name with ``_`` for dots."""
    from .build import config_of, hollow

    config = config_of(weights.source)
    return {
        flat_name(name.removesuffix(".weight")): tuple(weight.shape)
        for name, weight in hollow(weights.part, config).named_parameters()
        if name.endswith(".weight")
    }
