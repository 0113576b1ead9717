"""Modules that overlay others: some members exchanged, all else shared, weights included."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch.nn import Module, Parameter

    Member: TypeAlias = Module | Parameter


def overlay(module: Module, members: Mapping[str, Member]) -> Any:
    """A module like ``module`` with other ``members`` at dotted names; that one stays as it is.

    What is shared stays shared: it is for use while the original is kept where it is. Moving either
    to another device would move the weights of both.
    """
    inner: dict[str, dict[str, Member]] = {}
    own: dict[str, Member] = {}
    for name, member in members.items():
        head, _, rest = name.partition(".")
        if rest:
            inner.setdefault(head, {})[rest] = member
        else:
            own[head] = member
    # Only modules on the way to an exchanged member are copied, each without what it holds.
    new = _shallow_copy(module)
    for head, below in inner.items():
        new._modules[head] = overlay(module.get_submodule(head), below)
    for head, member in own.items():
        (new._parameters if head in new._parameters else new._modules)[head] = member
    return new


def _shallow_copy(module: Module) -> Any:
    """A copy with the same members, which may be exchanged without the original noticing."""
    new: Any = copy(module)
    # copy() shares the very dictionaries: a member or hook set in one would be set in both.
    for kind in ("_modules", "_parameters", "_buffers", "_forward_hooks", "_forward_pre_hooks"):
        new.__dict__[kind] = copy(module.__dict__[kind])
    return new


def without_last(encoder: Any, layers: int) -> Any:
    """A text encoder that ends ``layers`` layers earlier, its final norm applied all the same."""
    from torch.nn import ModuleList

    if not layers:
        return encoder
    level = "text_model." if hasattr(encoder, "text_model") else ""
    name = f"{level}encoder.layers"
    first = list(encoder.get_submodule(name))[:-layers]
    return overlay(encoder, {name: ModuleList(first)})
