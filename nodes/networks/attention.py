"""Cross-attention that computes a prompt's keys and values once, not at every step."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class PromptAttention:
    """diffusers' own attention, remembering the keys and values of the last prompt.

    One belongs to one layer. The prompt is recognised by identity: a tensor that was freed is never
    mistaken for a new one, because it is held by a weak reference.
    """

    def __init__(self) -> None:
        self._seen: weakref.ref[Tensor] | None = None
        self._kept: tuple[Tensor, Tensor] | None = None

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,  # noqa: ARG002
        temb: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        from torch.nn.functional import scaled_dot_product_attention

        query = _heads(attn.to_q(hidden_states), attn.heads)
        key, value = self._keys_values(attn, encoder_hidden_states)
        mixed = scaled_dot_product_attention(query, key, value)
        mixed = mixed.transpose(1, 2).reshape(
            hidden_states.shape[0], -1, key.shape[1] * key.shape[3]
        )
        out: Tensor = attn.to_out[0](mixed)
        return out

    def _keys_values(self, attn: Any, prompt: Tensor) -> tuple[Tensor, Tensor]:
        if self._kept is None or self._seen is None or self._seen() is not prompt:
            self._seen = weakref.ref(prompt, self._forget)
            self._kept = (
                _heads(attn.to_k(prompt), attn.heads),
                _heads(attn.to_v(prompt), attn.heads),
            )
        return self._kept

    def _forget(self, seen: weakref.ref[Tensor]) -> None:
        """Free the keys and values with the prompt they were made from."""
        if seen is self._seen:
            self._kept = None


def _heads(values: Tensor, heads: int) -> Tensor:
    """(B, L, C) as (B, heads, L, C / heads)."""
    batch, length, width = values.shape
    return values.view(batch, length, heads, width // heads).transpose(1, 2)


def remember_prompts(module: Module) -> None:
    """Give every plain cross-attention layer of a UNet or ControlNet a memory for its prompt."""
    from diffusers.models.attention_processor import Attention

    for layer in module.modules():
        if isinstance(layer, Attention) and layer.is_cross_attention and _plain(layer):
            layer.set_processor(PromptAttention())


def _plain(layer: Any) -> bool:
    """Whether a layer does nothing but attend, as in every Stable Diffusion 1.x and 2.x."""
    from diffusers.models.attention_processor import AttnProcessor2_0

    extras = (layer.spatial_norm, layer.group_norm, layer.norm_cross, layer.norm_q, layer.norm_k)
    return (
        type(layer.processor) is AttnProcessor2_0
        and not any(extras)
        and not layer.residual_connection
        and layer.rescale_output_factor == 1.0
    )
