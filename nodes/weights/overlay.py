"""Modules that differ from others in some parts and share all the rest, weights included."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, TypeAlias

from ..networks.attention import PromptAttention

if TYPE_CHECKING:
    from torch.nn import Module, Parameter

    Part: TypeAlias = Module | Parameter


def exchanged(module: Module, parts: Mapping[str, Part]) -> Any:
    """A module like ``module`` with other ``parts`` at some dotted names; that one stays as it is.

    What is shared stays shared: it is for use while the original is kept where it is.
    """
    inside: dict[str, dict[str, Part]] = {}
    own: dict[str, Part] = {}
    for name, part in parts.items():
        head, _, rest = name.partition(".")
        if rest:
            inside.setdefault(head, {})[rest] = part
        else:
            own[head] = part
    new = _separate(module)
    for head, below in inside.items():
        new._modules[head] = exchanged(module.get_submodule(head), below)
    for head, part in own.items():
        (new._parameters if head in new._parameters else new._modules)[head] = part
    return new


def _separate(module: Module) -> Any:
    """A copy with the same parts, which may be exchanged without the original noticing."""
    new: Any = copy(module)
    for kind in ("_modules", "_parameters", "_buffers", "_forward_hooks", "_forward_pre_hooks"):
        new.__dict__[kind] = copy(module.__dict__[kind])
    if isinstance(new.__dict__.get("processor"), PromptAttention):
        # Other weights make other keys and values of the same prompt.
        new.processor = PromptAttention()
    return new


def without_last(encoder: Any, layers: int) -> Any:
    """A text encoder that ends ``layers`` layers earlier, its final norm applied all the same."""
    from torch.nn import ModuleList

    if not layers:
        return encoder
    inside = "text_model." if hasattr(encoder, "text_model") else ""
    name = f"{inside}encoder.layers"
    kept = list(encoder.get_submodule(name))[:-layers]
    return exchanged(encoder, {name: ModuleList(kept)})
