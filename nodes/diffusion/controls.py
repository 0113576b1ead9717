"""The ControlNets of a batch, each with the control images as it embeds them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .memos import Name, Names, embedded, name_of
from .predict import Guide, controlnet, embed_hint, window
from .vae import control_images

if TYPE_CHECKING:
    from torch import Tensor

    from nodegraph.node import Context

    from ..types import Control
    from ..weights.reference import Weights
    from .conditions import Told
    from .request import Request


class Net(NamedTuple):
    """A ControlNet that counts at some step.

    Attributes:
        hint: The control images as it embeds them.
        images: What those are.
        scales: Its strength at every step.
    """

    weights: Weights
    net: Any
    hint: Tensor
    images: Name
    scales: list[float]

    @property
    def pools(self) -> bool:
        """Whether what it adds is the same all over the picture."""
        return bool(self.net.config.global_pool_conditions)

    def guide(self, told: Told) -> Guide:
        """The ControlNet about to be applied."""
        keep = told.keep(self.weights)
        net = controlnet(self.net, self.hint, told.prompts, told.times, keep)
        return Guide(net, self.scales, self.pools)

    def at(self, step: int) -> object:
        """All that what it adds at a step depends on, beside the batch's prompts and latents."""
        return name_of(self.weights), self.images, self.scales[step]


def nets(
    items: Sequence[Request], steps: int, context: Context, leases: ExitStack, names: Names
) -> list[Net]:
    """The ControlNets that count at any step at all; the others are not even loaded."""
    found = []
    for index, control in enumerate(items[0].controls):
        scales = [control.strength * on for on in window(steps, control.start, control.end)]
        if any(scales):
            weights = control.model.net
            net: Any = leases.enter_context(context.lease(weights))
            used = [item.controls[index] for item in items]
            shown = [(names(one.image.pixels), names(one.mask)) for one in used]
            images = tuple(shown if len(set(shown)) > 1 else shown[:1])
            make = partial(_hint, net, used, items[0].size, context.device)
            hint = embedded(context, make, name_of(weights), images, items[0].size)
            found.append(Net(weights, net, hint, images, scales))
    return found


def opened(steering: Sequence[Net], steps: int) -> list[object]:
    """What each step depends on beside the batch: the ControlNets that are open there."""
    return [tuple(one.at(step) for one in steering if one.scales[step]) for step in range(steps)]


def _hint(net: Any, used: Sequence[Control], size: tuple[int, int], device: str) -> Tensor:
    images, masks = [one.image for one in used], [one.mask for one in used]
    return embed_hint(net, control_images(images, masks, size).to(device, net.dtype))
