"""Memos of sampling for later runs: control images, prompts and times as networks take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from nodegraph.node import Context, Memo, Wire

from .._packages import MODELS
from ..weights.reference import Weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..networks.unet import Keep

ContentKey: TypeAlias = "tuple[object, ...]"
"""What a value is, by content: equal keys mean equal bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Wire):
    """Tensors that belong together, in the order of a network's layers."""

    tensors: tuple[Tensor, ...]


class Embedded(Memo):
    """Control images as a ControlNet adds them to its input."""

    version = 2
    packages = MODELS
    rows: Rows


class Prompts(Memo):
    """Keys and values of prompts, of every cross-attention of a network."""

    packages = MODELS
    rows: Rows


class Times(Memo):
    """What every resnet of a network adds because of the time, at every step."""

    packages = MODELS
    rows: Rows


class ContentKeys:
    """Keys of values by their content; a value is hashed once while this lives."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # With the value, which lives as long as its entry: a freed one's id may be given again.
        self._digests: dict[int, tuple[object, bytes]] = {}

    def __call__(self, value: object) -> bytes | None:
        """The key of a value; None stands for itself."""
        if value is None:
            return None
        if id(value) not in self._digests:
            self._digests[id(value)] = value, self._context.digest(value)
        return self._digests[id(value)][1]


def weights_key(weights: Weights) -> ContentKey:
    """The key of leased weights: their content, and the patches put on them."""
    return weights.content


def embedded(context: Context, make: Callable[[], Tensor], *key: object) -> Tensor:
    """Control images as a ControlNet embeds them: (B or 1, C, h, w).

    They are kept batch by batch: embedded one by one they would round otherwise.
    """
    return context.kept(Embedded, lambda: Embedded(rows=Rows((make(),))), *key).rows.tensors[0]


def keeper(context: Context, net: Weights, prompts: ContentKey, times: ContentKey) -> Keep:
    """Keep what a network derives from ``prompts`` and ``times``.

    Args:
        prompts: Keys of the batch's prompts, in order, and their length.
        times: The key of its timesteps, and how many rows they are computed in.
    """

    own = weights_key(net)

    def keep(
        source: Literal["prompts", "times"], make: Callable[[], Sequence[Tensor]]
    ) -> Sequence[Tensor]:
        if source == "prompts":
            pairs = context.kept(Prompts, lambda: Prompts(rows=_rows(make)), own, prompts)
            return pairs.rows.tensors
        shifts = context.kept(Times, lambda: Times(rows=_rows(make)), own, times)
        return shifts.rows.tensors

    return keep


def _rows(make: Callable[[], Sequence[Tensor]]) -> Rows:
    return Rows(tuple(make()))
