"""Leaves of values, their arrays and tensors: digests by field, replacing, a watch on writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from ..base.keys import Key, canonical, digest, digest_of
from ..node import Output
from .tensors import TENSORS, Tensors

Change: TypeAlias = Callable[[Any], Any]

SCALARS = frozenset((bool, int, float, str, type(None)))


class OpaqueError(TypeError):
    """A value has a part that can be held in memory, but neither hashed nor written to disk."""


def digests(
    output: Output, own: Key, tensors: Tensors = TENSORS
) -> Mapping[str, Key | tuple[Key, ...]]:
    """Hash what an output holds, field by field; a tuple of keys for a field declared ``list[T]``.

    The fields that a wire's class names in ``apart`` have theirs too, as ``output.field``.

    Args:
        own: The call's own key. It stands in for the content of what cannot be hashed.
    """
    keys: dict[str, Key | tuple[Key, ...]] = {}
    values = output.__dict__
    for name, many in _declared(type(output)):
        value = values[name]
        if many and isinstance(value, list):
            keys[name] = tuple(
                _digest(item, (own, name, i), tensors) for i, item in enumerate(value)
            )
        # The usual case first: no search for leaves in a number.
        elif type(value) in SCALARS:
            keys[name] = digest(canonical(value))
        else:
            keys[name] = _digest(value, (own, name, None), tensors)
            for part in getattr(type(value), "apart", ()):
                place = f"{name}.{part}"
                keys[place] = _digest(getattr(value, part), (own, place, None), tensors)
    return keys


@lru_cache(maxsize=1024)
def _declared(kind: type[Output]) -> tuple[tuple[str, bool], ...]:
    return tuple((name, _is_list(field.annotation)) for name, field in kind.model_fields.items())


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def content_key(value: object, tensors: Tensors = TENSORS) -> Key:
    """Hash what a value holds, tensors by their bytes.

    Raises:
        OpaqueError: a part of it can be held in memory only.
    """

    def spell_leaf(leaf: object) -> str:
        if not tensors.owns(leaf):
            raise OpaqueError(f"{type(leaf).__name__} has no digest")
        library, dtype, shape, data = tensors.content(leaf)
        return f"{library}:{dtype}{list(shape)}{digest_of(data).hex()}"

    return digest(canonical(value, spell_leaf))


def _digest(value: object, instead: tuple[Key, str, int | None], tensors: Tensors) -> Key:
    try:
        return content_key(value, tensors)
    except (OpaqueError, RecursionError):
        return digest(b"opaque", canonical(instead))


def leaves(value: object, tensors: Tensors = TENSORS) -> list[Any]:
    """List the arrays and tensors in a value, in the order of its fields."""
    parts: list[Any] = []

    def collect(leaf: Any) -> Any:
        parts.append(leaf)
        return leaf

    replace_leaves(value, collect, tensors)
    return parts


def replace_leaves(value: Any, change: Change, tensors: Tensors = TENSORS) -> Any:
    """Replace every leaf by ``change(leaf)``; what holds the same leaves is the same object."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is list or kind is tuple:
        new = [replace_leaves(item, change, tensors) for item in value]
        # Where nothing was replaced the very object is handed back: sharing stays, and is cheap.
        return value if all(a is b for a, b in zip(new, value, strict=True)) else kind(new)
    if kind is dict:
        entries = {key: replace_leaves(item, change, tensors) for key, item in value.items()}
        return value if all(entries[key] is value[key] for key in value) else entries
    names = all_fields(kind)  # type: ignore[arg-type]
    if names is None:
        return change(value) if tensors.owns(value) else value
    before = {name: getattr(value, name) for name in names}
    after = {name: replace_leaves(item, change, tensors) for name, item in before.items()}
    update = {name: after[name] for name in names if after[name] is not before[name]}
    return _with(value, update) if update else value


@lru_cache(maxsize=1024)
def all_fields(kind: type) -> tuple[str, ...] | None:
    """List the fields of a dataclass or model; None for any other class."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    return tuple(kind.model_fields) if issubclass(kind, BaseModel) else None


def _with(value: Any, update: Mapping[str, object]) -> Any:
    if isinstance(value, BaseModel):
        return value.model_copy(update=update)
    # Wires are frozen dataclasses; a copy runs none of their checks again.
    new = copy(value)
    for name, part in update.items():
        object.__setattr__(new, name, part)
    return new


class Watch:
    """A look at a node's inputs before it runs, to tell afterwards which of them it wrote into."""

    __slots__ = ("_inputs", "_marks", "_tensors")

    def __init__(self, inputs: Mapping[str, object], tensors: Tensors = TENSORS) -> None:
        self._tensors = tensors
        self._inputs = {n: value for n, value in inputs.items() if type(value) not in SCALARS}
        self._marks = {name: self._mark(value) for name, value in self._inputs.items()}

    def changed_inputs(self) -> list[str]:
        """Name the inputs that are no longer what they were."""
        return [n for n, value in self._inputs.items() if self._mark(value) != self._marks[n]]

    def _mark(self, value: object) -> bytes:
        # The identity too: a node may put another tensor of the same bytes in place of its input.
        def spell_leaf(part: object) -> str:
            owned = self._tensors.owns(part)
            return f"{id(part)}{self._tensors.mark(part)}" if owned else str(id(part))

        try:
            return canonical(value, spell_leaf)
        except RecursionError:
            return b""
