"""The ControlNets of a batch, leased, each with the control images as it embeds them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .memos import ContentKey, ContentKeys, embedded, weights_key
from .predict import Guide, embed_hint, make_controlnet, window
from .vae import control_images

if TYPE_CHECKING:
    from torch import Tensor

    from nodegraph.node import Context

    from ..types import Control
    from ..weights.reference import Weights
    from .conditions import Conditions
    from .request import Request


class LeasedControlNet(NamedTuple):
    """A ControlNet that counts at some step.

    Attributes:
        hint: (B or 1, C, h, w) control images as it embeds them.
        images: The content keys of those images and their masks.
        scales: Its strength at every step.
    """

    weights: Weights
    net: Any
    hint: Tensor
    images: ContentKey
    scales: list[float]

    @property
    def pools(self) -> bool:
        """Whether its residuals are averaged over the picture."""
        return bool(self.net.config.global_pool_conditions)

    def guide(self, conditions: Conditions) -> Guide:
        """The ControlNet about to be applied."""
        keep = conditions.keep(self.weights)
        pause = conditions.context.proceed
        net = make_controlnet(
            self.net, self.hint, conditions.prompts, conditions.times, keep, pause
        )
        return Guide(net, self.scales, self.pools)

    def influence(self, step: int) -> object:
        """All that its residuals at a step depend on, beside the batch's prompts and latents."""
        return weights_key(self.weights), self.images, self.scales[step]


def lease_controlnets(
    items: Sequence[Request], steps: int, context: Context, leases: ExitStack, keys: ContentKeys
) -> list[LeasedControlNet]:
    """The ControlNets that count at any step at all; the others are not even loaded."""
    leased = []
    for index, control in enumerate(items[0].controls):
        scales = [control.strength * on for on in window(steps, control.start, control.end)]
        if any(scales):
            weights = control.model.weights(items[0].model)
            net: Any = leases.enter_context(context.lease(weights))
            controls = [item.controls[index] for item in items]
            pairs = [(keys(own.image.pixels), keys(own.mask)) for own in controls]
            # One image for all pictures is embedded once, and then broadcast over the batch.
            images = tuple(pairs if len(set(pairs)) > 1 else pairs[:1])
            make = partial(_hint, net, controls, items[0].size, context)
            hint = embedded(context, make, weights_key(weights), images, items[0].size)
            leased.append(LeasedControlNet(weights, net, hint, images, scales))
    return leased


def influences(controlnets: Sequence[LeasedControlNet], steps: int) -> list[object]:
    """What each step depends on beside the batch: the ControlNets whose window is open there."""
    return [
        tuple(net.influence(step) for net in controlnets if net.scales[step])
        for step in range(steps)
    ]


def _hint(net: Any, controls: Sequence[Control], size: tuple[int, int], context: Context) -> Tensor:
    images = [control.image for control in controls]
    masks = [control.mask for control in controls]
    context.proceed()
    pictures = control_images(images, masks, size).to(context.device, net.dtype)
    return embed_hint(net, pictures, context.proceed)
