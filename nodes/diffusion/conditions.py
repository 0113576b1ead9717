"""Conditions of a batch: prompts and times as tensors, with keys for what is derived from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import TYPE_CHECKING

from .memos import ContentKey, ContentKeys, keeper

if TYPE_CHECKING:
    from torch import Tensor
    from torch import dtype as DType

    from nodegraph.node import Context

    from ..networks.unet import Keep
    from ..weights.reference import Weights
    from .request import Request


@dataclass(frozen=True, slots=True)
class Conditions:
    """Prompts and times, and their content keys.

    Attributes:
        prompts: (P, 77 n, D), the negative ones first where there is guidance.
        prompt_keys: P keys of the prompts before they were repeated to one length.
        times: (T,) timesteps.
        clock: The key of ``times``.
    """

    context: Context
    prompts: Tensor
    prompt_keys: ContentKey
    times: Tensor
    clock: object

    def last(self, count: int) -> Conditions:
        """The same, under the last ``count`` prompts alone."""
        prompts, keys = self.prompts[-count:], self.prompt_keys[-count:]
        return replace(self, prompts=prompts, prompt_keys=keys)

    def keep(self, net: Weights) -> Keep:
        """The memory of what a network derived from these conditions, in this run or before."""
        count, length = self.prompts.shape[:2]
        # Keys and values depend on the prompts and on how long they were repeated to be, which
        # their keys do not tell. Shifts depend on the timesteps alone, so the clock identifies
        # them whatever the prompts say; but they are computed in a row for each prompt, and
        # another number of rows rounds otherwise: so the count is part of their key.
        return keeper(self.context, net, (*self.prompt_keys, length), (self.clock, count))


def conditions_of(
    items: Sequence[Request], times: Tensor, dtype: DType, context: Context, keys: ContentKeys
) -> Conditions:
    """The conditions of a batch's networks, in the ``dtype`` they compute in."""
    import torch

    texts = [item.prompt for item in items]
    if items[0].guidance_scale > 1:
        texts = [item.negative_prompt for item in items] + texts
    rows = _equally_long([text.embeddings.to(context.device, dtype) for text in texts])
    prompt_keys = tuple(keys(text.embeddings) for text in texts)
    return Conditions(context, torch.stack(rows), prompt_keys, times, keys(times))


def _equally_long(rows: Sequence[Tensor]) -> list[Tensor]:
    """Repeat each prompt until all are of one length: (n, D) each.

    Attention to tokens that are there twice is attention to them once, as softmax shares each
    weight among the copies: this changes no prompt's meaning, whatever it meets.
    """
    length = lcm(*map(len, rows))
    return [row.repeat(length // len(row), 1) for row in rows]  # [lcm of all n, D]
