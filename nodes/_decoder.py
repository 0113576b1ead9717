"""Latents decoded by an AutoencoderKL's layers, without what its ``forward`` does for nothing."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from ._known import is_known
from ._layers import Layer, conv, group_norm, upsampler
from ._ways import RULED, Ways


def decoder(vae: Any, ways: Ways = RULED) -> Layer:
    """Decode (B, C, h, w) as a diffusers autoencoder does, of whatever kind it is.

    Args:
        ways: What may be rounded otherwise than by diffusers.
    """
    if not is_known(vae):
        return lambda latents: vae.decode(latents, return_dict=False)[0]
    return Decoder(vae, ways)


class Decoder:
    """An AutoencoderKL's decoder: (B, C, h, w) latents to (B, 3, 8 h, 8 w)."""

    def __init__(self, vae: Any, ways: Ways) -> None:
        net = vae.decoder
        quant = vae.post_quant_conv
        self._into = [conv(one, ways) for one in (quant, net.conv_in) if one is not None]
        first, last = net.mid_block.resnets
        (self._attend,) = net.mid_block.attentions
        self._first, self._last = _Resnet(first, ways), _Resnet(last, ways)
        self._up = [
            (
                [_Resnet(one, ways) for one in block.resnets],
                [upsampler(one, ways) for one in block.upsamplers or ()],
            )
            for block in net.up_blocks
        ]
        self._norm, self._out = group_norm(net.conv_norm_out), conv(net.conv_out, ways)

    def __call__(self, latents: Tensor) -> Tensor:
        hidden = latents
        for layer in self._into:
            hidden = layer(hidden)
        hidden = self._last(self._attend(self._first(hidden)))
        for resnets, upsamplers in self._up:
            for resnet in resnets:
                hidden = resnet(hidden)
            for enlarge in upsamplers:
                hidden = enlarge(hidden, [2 * side for side in hidden.shape[-2:]])
        return self._out(F.silu(self._norm(hidden), inplace=True))


class _Resnet:
    """diffusers' ResnetBlock2D where there is no time."""

    def __init__(self, module: Any, ways: Ways) -> None:
        self._norm1, self._norm2 = group_norm(module.norm1), group_norm(module.norm2)
        self._conv1, self._conv2 = conv(module.conv1, ways), conv(module.conv2, ways)
        short = module.conv_shortcut
        self._short = None if short is None else conv(short, ways)

    def __call__(self, hidden: Tensor) -> Tensor:
        inner = self._conv1(F.silu(self._norm1(hidden), inplace=True))
        inner = self._conv2(F.silu(self._norm2(inner), inplace=True))
        return inner.add_(hidden if self._short is None else self._short(hidden))
