"""What all networks of a batch are told, and where each finds what it made of it before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import TYPE_CHECKING

from .memos import Name, Names, keeper

if TYPE_CHECKING:
    from torch import Tensor
    from torch import dtype as DType

    from nodegraph.node import Context

    from ..networks.unet import Keep
    from ..weights.reference import Weights
    from .request import Request


@dataclass(frozen=True, slots=True)
class Told:
    """Prompts and times, and their names.

    Attributes:
        prompts: (P, 77 n, D), the negative ones first where there is guidance.
        times: (T,) timesteps.
    """

    context: Context
    prompts: Tensor
    names: Name
    times: Tensor
    clock: object

    def last(self, count: int) -> Told:
        """The same, under the last ``count`` prompts alone."""
        return replace(self, prompts=self.prompts[-count:], names=self.names[-count:])

    def keep(self, net: Weights) -> Keep:
        """Where a network finds what it made of them before."""
        count, length = self.prompts.shape[:2]
        return keeper(self.context, net, (*self.names, length), (self.clock, count))


def told(
    items: Sequence[Request], times: Tensor, dtype: DType, context: Context, names: Names
) -> Told:
    """What a batch's networks are told, in the ``dtype`` they compute in."""
    import torch

    texts = [item.prompt for item in items]
    if items[0].guidance_scale > 1:
        texts = [item.negative_prompt for item in items] + texts
    rows = _equally_long([one.embeddings.to(context.device, dtype) for one in texts])
    named = tuple(names(one.embeddings) for one in texts)
    return Told(context, torch.stack(rows), named, times, names(times))


def _equally_long(rows: Sequence[Tensor]) -> list[Tensor]:
    """Say each prompt as often as makes all of one length: (n, D) each.

    Attention to what is said twice is attention to what is said once, so this changes no prompt's
    meaning, whatever it meets.
    """
    length = lcm(*map(len, rows))
    return [row.repeat(length // len(row), 1) for row in rows]
