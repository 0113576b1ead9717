"""A text encoder's first layer with words added to its vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module


class Vocabulary(Module):
    """An embedding whose ids go on, after those of another one, with ``added`` vectors."""

    def __init__(self, known: Any, added: Sequence[Tensor]) -> None:
        super().__init__()
        self.known = known
        self.added = added
        self.first = len(known.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """(…) ids to (…, D)."""
        found: Tensor = self.known(ids.clamp(max=self.first - 1))
        vectors = torch.cat(list(self.added)).to(found)
        other = vectors[(ids - self.first).clamp(min=0)]
        return torch.where((ids < self.first)[..., None], found, other)
