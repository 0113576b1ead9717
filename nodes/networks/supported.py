"""A test of networks for parts that we do not compute ourselves, class by class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from diffusers.models import (
    activations,
    attention,
    attention_processor,
    downsampling,
    embeddings,
    resnet,
    upsampling,
)
from diffusers.models.autoencoders import vae
from diffusers.models.controlnets import controlnet
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets import unet_2d_blocks as blocks
from torch import nn

Test: TypeAlias = Callable[[Any], bool]


def is_supported(net: Any) -> bool:
    """Whether a UNet, ControlNet or autoencoder is Stable Diffusion's, down to its smallest part.

    It is computed without any module's ``forward``: what is not exactly as it was when this was
    written, or has hooks, is not supported.
    """
    supported = _SUPPORTED if type(net) in (UNet2DConditionModel, ControlNetModel) else _DECODING
    return type(net) in supported and all(
        type(part) in supported and _untouched(part) and supported[type(part)](part)
        for part in _parts(net)
    )


def _parts(net: Any) -> Iterable[Any]:
    """All parts that are computed; of an autoencoder only its decoder is, our way."""
    if type(net) is not AutoencoderKL:
        return [*net.modules()]
    return [net, *net.decoder.modules(), *filter(None, [net.post_quant_conv])]


def _untouched(part: Any) -> bool:
    # A hook runs in ``forward``, which is never called here: offloaded weights would not come.
    hooked = part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part)
    return not hooked and not part.training


def _whole(net: Any) -> bool:
    """Whether nothing is added to the time's embedding or made of the prompts."""
    extras = ("class_embedding", "add_embedding", "encoder_hid_proj", "time_embed_act")
    return (
        all(getattr(net, name, None) is None for name in extras)
        and type(net.mid_block) is blocks.UNetMidBlock2DCrossAttn
        and net.time_embedding.cond_proj is None
    )


def _unet(net: Any) -> bool:
    return (
        _whole(net)
        and not net.config.center_input_sample
        and net.conv_norm_out is not None
        and type(net.conv_act) is nn.SiLU
    )


def _autoencoder(net: Any) -> bool:
    middle = net.decoder.mid_block
    return (
        not net.use_tiling
        and not net.use_slicing
        and len(middle.resnets) == 2
        and None not in middle.attentions
        and type(net.decoder.conv_act) is nn.SiLU
    )


def _group_normed(part: Any) -> bool:
    return type(part.conv_norm_out) is nn.GroupNorm


def _timed(part: Any) -> bool:
    timed = part.time_emb_proj is not None and part.time_embedding_norm == "default"
    return timed and _resnet(part)


def _timeless(part: Any) -> bool:
    timed = part.time_emb_proj is not None or part.time_embedding_norm not in ("default", "group")
    return not timed and _resnet(part)


def _resnet(part: Any) -> bool:
    return (
        not part.skip_time_act
        and part.upsample is None
        and part.downsample is None
        and part.output_scale_factor == 1.0
        and type(part.nonlinearity) is nn.SiLU
    )


def _transformer(part: Any) -> bool:
    return bool(part.is_input_continuous)


def _transformer_block(part: Any) -> bool:
    return (
        part.norm_type == "layer_norm"
        and part.pos_embed is None
        and part.attn2 is not None
        and not part.only_cross_attention
        and not part.double_self_attention
        and part._chunk_size is None
    )


def _attention(part: Any) -> bool:
    extras = (part.spatial_norm, part.group_norm, part.norm_cross, part.norm_q, part.norm_k)
    return (
        type(part.processor) is attention_processor.AttnProcessor2_0
        and not any(extras)
        and not part.residual_connection
        and not getattr(part, "fused_projections", False)
        and part.rescale_output_factor == 1.0
        and len({part.to_k.bias is None, part.to_v.bias is None}) == 1
    )


def _feed_forward(part: Any) -> bool:
    return [type(layer) for layer in part.net] == [activations.GEGLU, nn.Dropout, nn.Linear]


def _up(part: Any) -> bool:
    """No FreeU, which writes its four numbers into the blocks."""
    return all(getattr(part, name, None) is None for name in ("s1", "s2", "b1", "b2"))


def _upsampler(part: Any) -> bool:
    return (
        part.norm is None
        and part.use_conv
        and not part.use_conv_transpose
        and part.interpolate
        and part.name == "conv"
    )


def _downsampler(part: Any) -> bool:
    return part.norm is None and part.use_conv and part.padding == 1


def _conv(part: Any) -> bool:
    return part.padding_mode == "zeros" and not isinstance(part.padding, str)


def _always(part: Any) -> bool:  # noqa: ARG001 (called as the other tests are)
    return True


_SUPPORTED: Mapping[type, Test] = {
    UNet2DConditionModel: _unet,
    ControlNetModel: _whole,
    blocks.DownBlock2D: _always,
    blocks.CrossAttnDownBlock2D: _always,
    blocks.UNetMidBlock2DCrossAttn: _always,
    blocks.UpBlock2D: _up,
    blocks.CrossAttnUpBlock2D: _up,
    resnet.ResnetBlock2D: _timed,
    Transformer2DModel: _transformer,
    attention.BasicTransformerBlock: _transformer_block,
    attention_processor.Attention: _attention,
    attention.FeedForward: _feed_forward,
    activations.GEGLU: _always,
    upsampling.Upsample2D: _upsampler,
    downsampling.Downsample2D: _downsampler,
    # Called as they are.
    controlnet.ControlNetConditioningEmbedding: _always,
    embeddings.Timesteps: _always,
    embeddings.TimestepEmbedding: _always,
    nn.Conv2d: _conv,
    nn.Linear: _always,
    nn.GroupNorm: _always,
    nn.LayerNorm: _always,
    nn.SiLU: _always,
    nn.Dropout: _always,
    nn.ModuleList: _always,
}
_DECODING: Mapping[type, Test] = {
    **_SUPPORTED,
    AutoencoderKL: _autoencoder,
    vae.Decoder: _group_normed,
    blocks.UNetMidBlock2D: _always,
    blocks.UpDecoderBlock2D: _always,
    resnet.ResnetBlock2D: _timeless,
    # Called as it is.
    attention_processor.Attention: _always,
}
