"""Blocks of Stable Diffusion's networks, computed with the weights of diffusers' modules.

Layout of tensors: a picture is (B, C, h, w), in memory as the convolutions' weights lie. Tokens are
its pixels, (B · L, C) with L = h · w: the rows of all pictures together, so that a linear layer is
one product of two matrices. Heads are views, (B, heads, L, d), of rows whose C = heads · d.
Under guidance B pictures have P = 2 B prompts. Both halves of P are the same until the first block
that looks at the prompts, so only B are computed there, and doubled in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .convolutions import EXACT, Rewrites
from .layers import conv, group_norm, layer_norm, linear

KeysValues: TypeAlias = "tuple[Tensor, Tensor]"
Pause: TypeAlias = "Callable[[], object]"
"""Called between two parts of long work; what it raises ends the work there."""

MANY, PART = 16_384, 2048
"""Tokens from which attention takes seconds on a CPU, and then so many are computed at a time.
Kernels go by blocks of 256, so that whole blocks in parts round as they would in one."""


def go_on() -> None:
    """Do not pause."""


class Step(NamedTuple):
    """The inputs of a network at a step, beside the picture.

    Attributes:
        shifts: Each resnet's shift by the time, (1, C, 1, 1).
        prompts: Each transformer block's keys and values of P prompts: (P, heads, 77 n, d).
        pause: Called between stages, and within those that take long.
    """

    shifts: Sequence[Tensor]
    prompts: Sequence[KeysValues]
    pause: Pause = go_on


class ResnetLayers:
    """The layers of diffusers' ResnetBlock2D, all of it where there is no time."""

    def __init__(self, module: Any, rewrites: Rewrites) -> None:
        self._norm1, self._norm2 = group_norm(module.norm1), group_norm(module.norm2)
        self._conv1, self._conv2 = conv(module.conv1, rewrites), conv(module.conv2, rewrites)
        short = module.conv_shortcut
        self._short = None if short is None else conv(short, rewrites)

    def __call__(self, hidden: Tensor, shift: Tensor | None = None) -> Tensor:
        # In place wherever the tensor is our own: a fresh one costs as much as the arithmetic.
        inner = self._conv1(F.silu(self._norm1(hidden), inplace=True))
        if shift is not None:
            inner.add_(shift)
        inner = self._conv2(F.silu(self._norm2(inner), inplace=True))
        return inner.add_(hidden if self._short is None else self._short(hidden))


class Resnet:
    """diffusers' ResnetBlock2D under a time; ``at`` is its place in the network."""

    def __init__(self, module: Any, at: int, rewrites: Rewrites) -> None:
        self._at, self._layers = at, ResnetLayers(module, rewrites)
        self._project = linear(module.time_emb_proj)

    def shift(self, times: Tensor) -> Tensor:
        """Its shift at a step, of the embedded time, (P, D), after its activation: (1, C, 1, 1)."""
        return self._project(times)[:1, :, None, None]  # all P rows are the same

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
        self._own = [linear(layer) for layer in (own.to_q, own.to_k, own.to_v)]
        self._own_out = linear(own.to_out[0])
        self._query = linear(cross.to_q)
        self._prompted = [linear(layer) for layer in (cross.to_k, cross.to_v)]
        self._cross_out = linear(cross.to_out[0])
        gated, _, last = module.ff.net
        self._gated, self._last = linear(gated.proj), linear(last)

    def project(self, prompts: Tensor) -> list[Tensor]:
        """Rows of keys and of values of prompts, (P, 77 n, D): (P · 77 n, C) each.

        No picture and no time is in them: they are computed once for all steps.
        """
        return [layer(prompts.flatten(0, 1)) for layer in self._prompted]

    def keys_values(self, projected: Sequence[Tensor], count: int) -> KeysValues:
        """Keys and values, (P, heads, 77 n, d), of ``count`` prompts that were projected."""
        keys, values = (_heads(rows, count, self._cross_heads) for rows in projected)
        return keys, values

    def __call__(self, tokens: Tensor, batch: int, step: Step) -> Tensor:
        normed = self._norm1(tokens)  # [B · L, C]
        own = (_heads(layer(normed), batch, self._heads) for layer in self._own)
        mixed = attend(*own, pause=step.pause)
        tokens = self._own_out(mixed).add_(tokens)
        query = self._query(self._norm2(tokens))
        key, value = step.prompts[self._at]
        # The first block that looks at the prompts: from here on both halves are on their own.
        if len(key) != batch:
            tokens, query, batch = both(tokens), both(query), len(key)  # [P · L, C]
        mixed = attend(_heads(query, batch, self._cross_heads), key, value)
        tokens = self._cross_out(mixed).add_(tokens)
        inner, gate = self._gated(self._norm3(tokens)).chunk(2, dim=-1)  # GEGLU, [P · L, 4 C] each
        return self._last(inner * F.gelu(gate)).add_(tokens)


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
        tokens = self._tokens(self._norm(hidden))  # [B · L, C]
        for block in self.blocks:
            tokens = block(tokens, len(tokens) // (height * width), step)
        changed = self._picture(tokens, height, width)
        # Its blocks may have doubled the tokens; what goes around them is doubled to match.
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
        # [B, h, w, C] seen as [B, C, h, w], which is channels last in memory.
        picture = tokens.view(-1, height, width, tokens.shape[-1]).permute(0, 3, 1, 2)
        if not self._last:
            picture = picture.contiguous()
        return picture if self._flat else self._out(picture)


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

    def __init__(self, channels_last: bool = False, rewrites: Rewrites = EXACT) -> None:
        self._last, self.rewrites = channels_last, rewrites
        self.resnets: list[Resnet] = []
        self.blocks: list[TransformerBlock] = []

    def stages(self, module: Any) -> list[Stage]:
        """The stages of one of diffusers' blocks; a middle's last resnet has no transformer."""
        attentions = getattr(module, "attentions", ())
        pairs = zip_longest(module.resnets, attentions)
        return [Stage(self._resnet(first), self._transformer(second)) for first, second in pairs]

    def _resnet(self, module: Any) -> Resnet:
        self.resnets.append(Resnet(module, len(self.resnets), self.rewrites))
        return self.resnets[-1]

    def _transformer(self, module: Any) -> Transformer | None:
        if module is None:
            return None
        transformer = Transformer(module, len(self.blocks), self._last)
        self.blocks += transformer.blocks
        return transformer


def attend(query: Tensor, key: Tensor, value: Tensor, *, pause: Pause = go_on) -> Tensor:
    """Attention of (B, heads, L, d) to (B, heads, S, d), as tokens (B · L, heads · d)."""
    if query.device.type == "cpu" and min(query.shape[2], key.shape[2]) > MANY:
        parts = []
        # The last part is a long one: a short one would be computed in blocks of another size.
        whole, rest = divmod(query.shape[2], PART)
        for part in query.split_with_sizes([PART] * (whole - 1) + [PART + rest], dim=2):
            pause()
            parts.append(F.scaled_dot_product_attention(part, key, value))
        mixed = torch.cat(parts, dim=2)
    else:
        mixed = F.scaled_dot_product_attention(query, key, value)  # [B, heads, L, d]
    return mixed.transpose(1, 2).reshape(-1, query.shape[1] * query.shape[3])


def both(half: Tensor) -> Tensor:
    """The same twice: for the negative prompts and for the prompts."""
    return torch.cat([half, half])


def _heads(rows: Tensor, batch: int, heads: int) -> Tensor:
    """(B · L, heads · d) as (B, heads, L, d)."""
    # A view: attention takes any strides whose last is 1, so nothing is copied.
    return rows.view(batch, -1, heads, rows.shape[-1] // heads).transpose(1, 2)
