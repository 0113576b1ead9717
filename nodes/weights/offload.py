"""Weights that wait on the host, and come to a device whole, in turns, or layer by layer.

By "models" a network comes as one when a part of it is called, and the one before it leaves:
without ControlNets that is a few times a picture, with them at every step. What lies on the host
stays there and is never changed, so leaving the device only means to point at it again. By "layers"
diffusers' hooks bring each layer before it computes and take it away after: at every step, but no
more than a layer has to fit.
"""

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
"""The attribute of a network with its turn."""


@dataclass(frozen=True, slots=True)
class Offloaded:
    """A reference to weights that are computed with on ``device`` but lie on the host.

    They are weights of their own, never those that others lease: hooks stay on them.

    Attributes:
        by: The unit that is on the device at a time.
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
        """Leave the device, if they are on it: the lease ends."""
        if (turn := weights.__dict__.get(_TURN)) is not None:
            turn.leave()


class Turn:
    """A network on its way: it comes to a device whole when a part of it is called.

    It stays until another one's turn comes, or its lease ends.
    """

    def __init__(self, module: Module, device: str) -> None:
        self._device, self._seat = device, _seat(device)
        # [(parameter or buffer, its data on the host)]
        self._weights = [(w, w.data) for w in (*module.parameters(), *module.buffers())]
        # The module owns its turn, so its hooks must not: the circle would keep dropped weights
        # until the garbage collector comes by.
        own = weakref.ref(self)
        # A pre-hook on the network and on each part that is called by itself (as our own UNet and
        # predict do): whichever is called first brings the whole network.
        for part in (module, *_called(module)):
            part.register_forward_pre_hook(lambda *_: _come(own))

    def come(self) -> None:
        """Be on the device, alone of all that take turns there."""
        import torch

        if not self._seat.take(self):
            return
        # In inference mode new tensors are inference tensors, which a parameter's data cannot be.
        with torch.inference_mode(mode=False):
            for weight, host in self._weights:
                weight.data = host.to(self._device, copy=True)

    def leave(self) -> None:
        """Be on the host again."""
        self._seat.free(self)
        for weight, host in self._weights:
            weight.data = host


class Seat:
    """The one place on a device that networks take in turns.

    It holds no turn alive: a network that was dropped has left, with what it had on the device. No
    lock: each device has one lane, which does one job at a time.
    """

    def __init__(self) -> None:
        self._taken: weakref.ref[Turn] | None = None

    def take(self, turn: Turn) -> bool:
        """Let ``turn`` begin, after the one before it has left; false if it has begun already."""
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
    if (living := turn()) is not None:
        living.come()


def _called(module: Module) -> Iterator[Any]:
    """Yield the parts that are called one by one, where not the whole network is."""
    from torch.nn import ModuleList

    for part in module.children():
        yield from part if isinstance(part, ModuleList) else (part,)
