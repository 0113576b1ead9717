"""Models that are no more than their weights, and what finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nodegraph import Node, Output, Wire
from nodegraph.node import Context, LaneName

from .pretend import MB, Pretend, PretendRef, PretendWeights

PRETEND = Pretend()
REFS = {name: PretendRef(name, MB, PRETEND) for name in "abmn"}


@dataclass(frozen=True)
class Ref:
    """A reference to the weights of a model."""

    key: str

    def load(self, device: str, dtype: str) -> PretendWeights:
        return REFS[self.key].load(device, dtype)


@dataclass(frozen=True)
class Light(Wire):
    """A model, by reference."""

    ref: Ref


class Lit(Output):
    """A model."""

    light: Light


class Load(Node):
    """Find a model."""

    lane: ClassVar[LaneName] = "io"
    model: str

    def pins(self, context: Context) -> Mapping[str, tuple[str, str]]:  # noqa: ARG002
        return {}

    def run(self) -> Lit:
        return Lit(light=Light(Ref(self.model)))
