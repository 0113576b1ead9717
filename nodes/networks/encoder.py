"""An AutoencoderKL's encoder, module by module: so that it can be stopped in between."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .blocks import MANY, Pause, attend


def encode(vae: Any, values: Tensor, pause: Pause) -> Tensor:
    """Encode (B, 3, H, W) in [-1, 1] to the likeliest latents, as diffusers does, bit for bit."""
    net = vae.encoder
    if net._forward_pre_hooks or vae._forward_pre_hooks:  # it comes to the device when it is called
        coded = vae.encode(values)
        latents: Tensor = coded.latents if hasattr(coded, "latents") else coded.latent_dist.mode()
        return latents
    if hasattr(net, "layers"):  # an AutoencoderTiny, which has no distribution
        return layer_by_layer(net.layers, values.add(1).div(2), pause)
    hidden: Tensor = net.conv_in(values)
    for block in net.down_blocks:
        for resnet in block.resnets:
            pause()
            hidden = resnet(hidden, temb=None)
        for shrink in block.downsamplers or ():
            hidden = shrink(hidden)
    first, *resnets = net.mid_block.resnets
    hidden = first(hidden, temb=None)
    for attention, resnet in zip(net.mid_block.attentions, resnets, strict=True):
        pause()
        hidden = resnet(attention_of(attention, hidden, pause), temb=None)
    hidden = net.conv_out(net.conv_act(net.conv_norm_out(hidden)))
    if vae.quant_conv is not None:
        hidden = vae.quant_conv(hidden)
    return hidden.chunk(2, dim=1)[0]  # the mean of the distribution, which is its mode


def layer_by_layer(layers: Any, hidden: Tensor, pause: Pause) -> Tensor:
    """What a sequence of layers makes of a picture."""
    for layer in layers:
        pause()
        hidden = layer(hidden)
    return hidden


def attention_of(module: Any, hidden: Tensor, pause: Pause) -> Tensor:
    """diffusers' Attention of a VAE; of large pictures on a CPU in parts."""
    batch, channels, height, width = hidden.shape
    if module is None:
        return hidden
    if hidden.device.type != "cpu" or height * width <= MANY:
        result: Tensor = module(hidden)
        return result
    rows = module.group_norm(hidden.flatten(2)).transpose(1, 2)  # [B, L, C]
    layers = module.to_q, module.to_k, module.to_v
    query, key, value = (layer(rows).unflatten(2, (module.heads, -1)) for layer in layers)
    mixed = attend(*(part.transpose(1, 2) for part in (query, key, value)), pause=pause)
    # [B · L, C] to [B, C, h, w]
    changed: Tensor = module.to_out[0](mixed).view(batch, -1, channels).transpose(1, 2)
    picture = changed.reshape(batch, channels, height, width)
    if module.residual_connection:
        picture = picture + hidden
    scaled: Tensor = picture / module.rescale_output_factor
    return scaled
