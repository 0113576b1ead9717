"""Weights that wait on the host, each layer of them on a device only while it computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.nn import Module

    from ._weights import Weights


@dataclass(frozen=True, slots=True)
class Offloaded:
    """A reference to weights that are computed with on ``device`` but lie on the host.

    They are weights of their own, never those that others lease: diffusers' hooks stay on them.
    """

    weights: Weights
    device: str

    @property
    def key(self) -> str:
        return f"{self.weights!r} offloaded from {self.device}"

    def load(self, device: str, dtype: str) -> Module:
        """Read the weights onto ``device``, which is the host, and put the hooks on."""
        from diffusers.hooks import apply_group_offloading

        module = self.weights.load(device, dtype)
        # Layers, not blocks: a ControlNet's and a VAE's parts are called one by one, and models
        # within a model (as Transformer2DModel is one) refuse to be moved back by themselves.
        apply_group_offloading(module, self.device, device, offload_type="leaf_level")
        return module
