"""An AutoencoderKL's decoder by its layers, without the needless work of its ``forward``."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .blocks import Pause, ResnetLayers, go_on
from .convolutions import RULED, Rewrites
from .encoder import attention_of, layer_by_layer
from .layers import Layer, conv, group_norm, upsampler
from .supported import is_supported


def decoder(vae: Any, rewrites: Rewrites = RULED, pause: Pause = go_on) -> Layer:
    """Decode (B, C, h, w) as a diffusers autoencoder does, of whatever kind it is.

    Args:
        rewrites: Convolutions that may round otherwise than in diffusers.
        pause: Called between layers.
    """
    if not is_supported(vae):
        return partial(_decoded, vae, pause)
    return Decoder(vae, rewrites, pause)


def _decoded(vae: Any, pause: Pause, latents: Tensor) -> Tensor:
    """Decode by diffusers' own modules: an AutoencoderTiny's one by one."""
    net = vae.decoder
    if type(net).__name__ != "DecoderTiny" or net._forward_pre_hooks:
        decoded: Tensor = vae.decode(latents, return_dict=False)[0]
        return decoded
    return layer_by_layer(net.layers, torch.tanh(latents / 3) * 3, pause).mul(2).sub(1)


class Decoder:
    """An AutoencoderKL's decoder: (B, C, h, w) latents to (B, 3, 8 h, 8 w)."""

    def __init__(self, vae: Any, rewrites: Rewrites, pause: Pause = go_on) -> None:
        self._pause = pause
        net = vae.decoder
        quant = vae.post_quant_conv
        self._into = [conv(layer, rewrites) for layer in (quant, net.conv_in) if layer is not None]
        first, last = net.mid_block.resnets
        (self._attend,) = net.mid_block.attentions
        self._first, self._last = ResnetLayers(first, rewrites), ResnetLayers(last, rewrites)
        self._up = [
            (
                [ResnetLayers(resnet, rewrites) for resnet in block.resnets],
                [upsampler(layer, rewrites) for layer in block.upsamplers or ()],
            )
            for block in net.up_blocks
        ]
        self._norm, self._out = group_norm(net.conv_norm_out), conv(net.conv_out, rewrites)

    def __call__(self, latents: Tensor) -> Tensor:
        hidden = latents
        for layer in self._into:
            hidden = layer(hidden)
        hidden = attention_of(self._attend, self._first(hidden), self._pause)
        hidden = self._last(hidden)
        for resnets, upsamplers in self._up:
            for resnet in resnets:
                self._pause()
                hidden = resnet(hidden)
            for enlarge in upsamplers:
                hidden = enlarge(hidden, [2 * side for side in hidden.shape[-2:]])
        return self._out(F.silu(self._norm(hidden), inplace=True))
