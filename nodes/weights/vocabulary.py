"""A text encoder's first layer with words added to its vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module


class Vocabulary(Module):
    """An embedding whose ids go on, after those of ``base``, with ``added`` vectors."""

    def __init__(self, base: Any, added: Sequence[Tensor]) -> None:
        super().__init__()
        self.base = base
        self.added = added
        self.first = len(base.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """(…) ids to (…, D)."""
        # Both are looked up for every id, clamped into range, and one is chosen: no id is moved off
        # the device to see which vocabulary it is of.
        base: Tensor = self.base(ids.clamp(max=self.first - 1))
        vectors = torch.cat(list(self.added)).to(base)
        added = vectors[(ids - self.first).clamp(min=0)]
        return torch.where((ids < self.first)[..., None], base, added)
