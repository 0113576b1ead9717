"""What Stable Diffusion's networks are made of, computed with the weights of diffusers' modules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .convolutions import EXACT, Ways
from .layers import conv, group_norm, layer_norm, linear

KeysValues: TypeAlias = "tuple[Tensor, Tensor]"


class Step(NamedTuple):
    """What a network is told at a step, beside the picture.

    Attributes:
        shifts: What each resnet adds, because of the time.
        prompts: Each transformer block's keys and values of P prompts: (P, heads, 77 n, d). Of P/2
            pictures both halves are the same until a block first looks at the prompts.
    """

    shifts: Sequence[Tensor]
    prompts: Sequence[KeysValues]


class ResnetLayers:
    """The layers of diffusers' ResnetBlock2D, which is all of it where there is no time."""

    def __init__(self, module: Any, ways: Ways) -> None:
        self._norm1, self._norm2 = group_norm(module.norm1), group_norm(module.norm2)
        self._conv1, self._conv2 = conv(module.conv1, ways), conv(module.conv2, ways)
        short = module.conv_shortcut
        self._short = None if short is None else conv(short, ways)

    def __call__(self, hidden: Tensor, shift: Tensor | None = None) -> Tensor:
        inner = self._conv1(F.silu(self._norm1(hidden), inplace=True))
        if shift is not None:
            inner.add_(shift)
        inner = self._conv2(F.silu(self._norm2(inner), inplace=True))
        return inner.add_(hidden if self._short is None else self._short(hidden))


class Resnet:
    """diffusers' ResnetBlock2D under a time; ``at`` is its place in the network."""

    def __init__(self, module: Any, at: int, ways: Ways) -> None:
        self._at, self._layers = at, ResnetLayers(module, ways)
        self._project = linear(module.time_emb_proj)

    def shift(self, times: Tensor) -> Tensor:
        """What it adds at a step, of the embedded time after its activation: (1, C, 1, 1)."""
        return self._project(times)[:1, :, None, None]

    def __call__(self, hidden: Tensor, step: Step) -> Tensor:
        return self._layers(hidden, step.shifts[self._at])


class TransformerBlock:
    """diffusers' BasicTransformerBlock on tokens (B · L, C); ``at`` is its place in the network."""

    def __init__(self, module: Any, at: int) -> None:
        self._at = at
        norms = module.norm1, module.norm2, module.norm3
        self._norm1, self._norm2, self._norm3 = map(layer_norm, norms)
        own, cross = module.attn1, module.attn2
        self._heads, self._cross_heads = own.heads, cross.heads
        self._own = [linear(one) for one in (own.to_q, own.to_k, own.to_v)]
        self._own_out = linear(own.to_out[0])
        self._query = linear(cross.to_q)
        self._told = [linear(one) for one in (cross.to_k, cross.to_v)]
        self._cross_out = linear(cross.to_out[0])
        gated, _, last = module.ff.net
        self._gated, self._last = linear(gated.proj), linear(last)

    def project(self, prompts: Tensor) -> list[Tensor]:
        """What it makes of prompts, (P, 77 n, D), whatever the picture: (P · 77 n, C) twice."""
        return [layer(prompts.flatten(0, 1)) for layer in self._told]

    def keys_values(self, projected: Sequence[Tensor], count: int) -> KeysValues:
        """Keys and values of ``count`` prompts that were projected."""
        keys, values = (_heads(one, count, self._cross_heads) for one in projected)
        return keys, values

    def __call__(self, tokens: Tensor, batch: int, step: Step) -> Tensor:
        shown = self._norm1(tokens)
        mixed = attend(*(_heads(layer(shown), batch, self._heads) for layer in self._own))
        tokens = self._own_out(mixed).add_(tokens)
        query = self._query(self._norm2(tokens))
        key, value = step.prompts[self._at]
        if len(key) != batch:  # from here on the pictures are under prompts of their own
            tokens, query, batch = both(tokens), both(query), len(key)
        mixed = attend(_heads(query, batch, self._cross_heads), key, value)
        tokens = self._cross_out(mixed).add_(tokens)
        shown, gate = self._gated(self._norm3(tokens)).chunk(2, dim=-1)
        return self._last(shown * F.gelu(gate)).add_(tokens)


class Transformer:
    """diffusers' Transformer2DModel; ``first`` is its first block's place in the network."""

    def __init__(self, module: Any, first: int, channels_last: bool) -> None:
        self._norm = group_norm(module.norm)
        self._flat = module.use_linear_projection
        make = linear if self._flat else conv
        self._into, self._out = make(module.proj_in), make(module.proj_out)
        self._last = channels_last
        self.blocks = [
            TransformerBlock(block, first + i) for i, block in enumerate(module.transformer_blocks)
        ]

    def __call__(self, hidden: Tensor, step: Step) -> Tensor:
        height, width = hidden.shape[-2:]
        tokens = self._tokens(self._norm(hidden))
        for block in self.blocks:
            tokens = block(tokens, len(tokens) // (height * width), step)
        changed = self._picture(tokens, height, width)
        changed.add_(hidden if len(hidden) == len(changed) else both(hidden))
        # The strides of a single pixel mean nothing, but choose the kernel of what comes next.
        return changed.flatten(1)[:, :, None, None] if height * width == 1 else changed

    def _tokens(self, hidden: Tensor) -> Tensor:
        """(B, C, h, w) to (B · h · w, C)."""
        if self._flat:
            return self._into(hidden.permute(0, 2, 3, 1).reshape(-1, hidden.shape[1]))
        hidden = self._into(hidden)
        return hidden.permute(0, 2, 3, 1).reshape(-1, hidden.shape[1])

    def _picture(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """(B · h · w, C) to (B, C, h, w)."""
        if self._flat:
            tokens = self._out(tokens)
        shown = tokens.view(-1, height, width, tokens.shape[-1]).permute(0, 3, 1, 2)
        if not self._last:
            shown = shown.contiguous()
        return shown if self._flat else self._out(shown)


class Stage:
    """A resnet, and the transformer behind it if there is one."""

    def __init__(self, resnet: Resnet, transformer: Transformer | None) -> None:
        self._resnet, self._transformer = resnet, transformer

    def __call__(self, hidden: Tensor, step: Step) -> Tensor:
        hidden = self._resnet(hidden, step)
        return hidden if self._transformer is None else self._transformer(hidden, step)


class Parts:
    """The resnets and transformer blocks of a network, in the order they are made.

    Args:
        channels_last: Whether its pictures lie so in memory, as its weights do.
    """

    def __init__(self, channels_last: bool = False, ways: Ways = EXACT) -> None:
        self._last, self.ways = channels_last, ways
        self.resnets: list[Resnet] = []
        self.blocks: list[TransformerBlock] = []

    def stages(self, module: Any) -> list[Stage]:
        """The stages of one of diffusers' blocks; a middle's last resnet has no transformer."""
        attentions = getattr(module, "attentions", ())
        pairs = zip_longest(module.resnets, attentions)
        return [Stage(self._resnet(one), self._transformer(other)) for one, other in pairs]

    def _resnet(self, module: Any) -> Resnet:
        self.resnets.append(Resnet(module, len(self.resnets), self.ways))
        return self.resnets[-1]

    def _transformer(self, module: Any) -> Transformer | None:
        if module is None:
            return None
        made = Transformer(module, len(self.blocks), self._last)
        self.blocks += made.blocks
        return made


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention of (B, heads, L, d) to (B, heads, S, d), as tokens (B · L, heads · d)."""
    mixed = F.scaled_dot_product_attention(query, key, value)
    return mixed.transpose(1, 2).reshape(-1, query.shape[1] * query.shape[3])


def both(half: Tensor) -> Tensor:
    """The same twice: for the negative prompts and for the prompts."""
    return torch.cat([half, half])


def _heads(rows: Tensor, batch: int, heads: int) -> Tensor:
    """(B · L, heads · d) as (B, heads, L, d)."""
    return rows.view(batch, -1, heads, rows.shape[-1] // heads).transpose(1, 2)
