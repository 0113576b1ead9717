"""Prompts turned into what a text encoder makes of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._weights import tokenizer

if TYPE_CHECKING:
    from torch import Tensor

    from ._weights import Weights

_log = logging.getLogger(__name__)


def encode(texts: Sequence[str], weights: Weights, encoder: Any) -> list[Tensor]:
    """Encode each text, equal ones once.

    Args:
        encoder: The loaded CLIPTextModel that ``weights`` refers to.

    Returns:
        One (77, D) tensor a text, on the encoder's device.
    """
    import torch

    distinct = list(dict.fromkeys(texts))
    tokens = tokenizer(weights)
    length = min(tokens.model_max_length, encoder.config.max_position_embeddings)
    for text in distinct:
        _warn_if_cut(tokens, text, length)
    options = {"padding": "max_length", "max_length": length, "truncation": True}
    ids = tokens(distinct, return_tensors="pt", **options).input_ids
    with torch.no_grad():
        hidden = encoder(ids.to(encoder.device))[0]
    embedded = {text: row.clone() for text, row in zip(distinct, hidden, strict=True)}
    return [embedded[text] for text in texts]


def _warn_if_cut(tokens: Any, text: str, length: int) -> None:
    ids = tokens(text, truncation=False, verbose=False).input_ids
    if len(ids) > length:
        lost = tokens.decode(ids[length - 1 : -1]).strip()
        _log.warning("the prompt is longer than the model reads; its end is left out: %r", lost)
