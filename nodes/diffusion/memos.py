"""What sampling keeps for later runs: control images, prompts and times as networks take them."""

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

Name: TypeAlias = "tuple[object, ...]"
"""What a thing is, by content."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Wire):
    """Tensors that belong together, in the order of a network's layers."""

    tensors: tuple[Tensor, ...]


class Embedded(Memo):
    """Control images as a ControlNet adds them to its input."""

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


class Names:
    """Names values by their content; each is hashed once while this lives."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # With the value, so that no other one gets its id.
        self._known: dict[int, tuple[object, bytes]] = {}

    def __call__(self, value: object) -> bytes | None:
        """Name a value; None stands for itself."""
        if value is None:
            return None
        if id(value) not in self._known:
            self._known[id(value)] = value, self._context.digest(value)
        return self._known[id(value)][1]


def name_of(weights: Weights) -> Name:
    """What leased weights are: their content, and what is put on them."""
    return weights.key, weights.patches


def embedded(context: Context, make: Callable[[], Tensor], *name: object) -> Tensor:
    """Control images as a ControlNet embeds them: (B or 1, C, h, w).

    They are kept batch by batch: one by one they would be rounded otherwise.
    """
    return context.kept(Embedded, lambda: Embedded(rows=Rows((make(),))), *name).rows.tensors[0]


def keeper(context: Context, net: Weights, prompts: Name, times: Name) -> Keep:
    """Keep what a network makes of ``prompts`` and ``times``.

    Args:
        prompts: What the batch's prompts are, in order.
        times: What its timesteps are, and how many rows they are computed in.
    """

    def keep(
        what: Literal["prompts", "times"], make: Callable[[], Sequence[Tensor]]
    ) -> Sequence[Tensor]:
        if what == "prompts":
            told = context.kept(Prompts, lambda: Prompts(rows=_rows(make)), name_of(net), prompts)
            return told.rows.tensors
        shifts = context.kept(Times, lambda: Times(rows=_rows(make)), name_of(net), times)
        return shifts.rows.tensors

    return keep


def _rows(make: Callable[[], Sequence[Tensor]]) -> Rows:
    return Rows(tuple(make()))
