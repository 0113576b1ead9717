"""Weights that wait on the host: whole models that take turns on a device, or layer by layer."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from nodegraph.node import ModelRef
from nodegraph.savings import Offload

if TYPE_CHECKING:
    from torch.nn import Module

_TURN = "turn_on_device"
"""What a network calls its turn."""


@dataclass(frozen=True, slots=True)
class Offloaded:
    """A reference to weights that are computed with on ``device`` but lie on the host.

    They are weights of their own, never those that others lease: hooks stay on them.

    Attributes:
        by: What is on the device at a time.
    """

    weights: ModelRef[Module]
    device: str
    by: Offload

    @property
    def key(self) -> str:
        return f"{self.weights!r} offloaded from {self.device} by {self.by}"

    def load(self, device: str, dtype: str) -> Module:
        """Read the weights onto ``device``, which is the host, and put the hooks on."""
        module = self.weights.load(device, dtype)
        if self.by == "models":
            module.__dict__[_TURN] = Turn(module, self.device)
            return module
        from diffusers.hooks import apply_group_offloading

        # Layers, not blocks: a ControlNet's and a VAE's parts are called one by one, and models
        # within a model (as Transformer2DModel is one) refuse to be moved back by themselves.
        apply_group_offloading(module, self.device, device, offload_type="leaf_level")
        return module

    def put_back(self, weights: Module) -> None:
        """Leave the device, if they are on it: whoever leased the weights has done with them."""
        if (turn := weights.__dict__.get(_TURN)) is not None:
            turn.leave()


class Turn:
    """A network on its way: it comes to a device whole when a part of it is called.

    It stays until another one's turn comes. What lies on the host stays there meanwhile, so going
    back copies nothing.
    """

    def __init__(self, module: Module, device: str) -> None:
        self._device, self._seat = device, _seat(device)
        self._weights = [(one, one.data) for one in (*module.parameters(), *module.buffers())]
        own = weakref.ref(self)
        for part in (module, *_called(module)):
            part.register_forward_pre_hook(lambda *_: _come(own))

    def come(self) -> None:
        """Be on the device, alone of all that take turns there."""
        import torch

        if not self._seat.take(self):
            return
        # What is made while gradients are left out for good could not be a weight's.
        with torch.inference_mode(mode=False):
            for one, host in self._weights:
                one.data = host.to(self._device, copy=True)

    def leave(self) -> None:
        """Be on the host again."""
        self._seat.free(self)
        for one, host in self._weights:
            one.data = host


class Seat:
    """Whose turn it is on a device."""

    def __init__(self) -> None:
        self._taken: weakref.ref[Turn] | None = None

    def take(self, turn: Turn) -> bool:
        """Let ``turn`` begin, after the one before it has left; tell if it had not begun yet."""
        before = self._taken() if self._taken else None
        if before is turn:
            return False
        if before is not None:
            before.leave()
        self._taken = weakref.ref(turn)
        return True

    def free(self, turn: Turn) -> None:
        if self._taken is not None and self._taken() is turn:
            self._taken = None


@cache
def _seat(device: str) -> Seat:  # noqa: ARG001 (each device has its own)
    return Seat()


def _come(turn: weakref.ref[Turn]) -> None:
    if (found := turn()) is not None:
        found.come()


def _called(module: Module) -> Iterator[Any]:
    """Yield the parts that are called one by one, where not the whole network is."""
    from torch.nn import ModuleList

    for part in module.children():
        yield from part if isinstance(part, ModuleList) else (part,)
