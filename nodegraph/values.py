"""Outputs taken apart and put together: their digests, their leaves, and who wrote into them."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from .keys import Key, canonical, digest, kind_id
from .node import Output
from .tensors import TENSORS, Tensors

Skeleton: TypeAlias = Any
Change: TypeAlias = Callable[[Any], Any]

_PLAIN = (bool, int, float, str, type(None))
_SCALARS = frozenset(_PLAIN)
_SAFE_INT = 2**63


class OpaqueError(TypeError):
    """A value has a part that can be held in memory, but neither hashed nor written to disk."""


def digests(output: Output, own: Key, tensors: Tensors = TENSORS) -> Mapping[str, Key | tuple[Key, ...]]:
    """Hash what an output holds, field by field; a tuple of keys for a field declared ``list[T]``.

    Args:
        own: The call's own key. It stands in for the content of what cannot be hashed.
    """
    found: dict[str, Key | tuple[Key, ...]] = {}
    held = output.__dict__
    for name, many in _declared(type(output)):
        value = held[name]
        if type(value) in _SCALARS:
            found[name] = digest(canonical(value))
        elif many:
            found[name] = tuple(_digest(each, (own, name, i), tensors) for i, each in enumerate(value))
        else:
            found[name] = _digest(value, (own, name, None), tensors)
    return found


@lru_cache(maxsize=1024)
def _declared(kind: type[Output]) -> tuple[tuple[str, bool], ...]:
    return tuple((n, get_origin(f.annotation) is list) for n, f in kind.model_fields.items())


def _digest(value: object, instead: tuple[Key, str, int | None], tensors: Tensors) -> Key:
    def other(leaf: object) -> str:
        if not tensors.owns(leaf):
            raise OpaqueError(f"{type(leaf).__name__} has no digest")
        library, dtype, shape, data = tensors.content(leaf)
        return f"{library}:{dtype}{list(shape)}{digest(data).hex()}"  # type: ignore[arg-type]

    try:
        return digest(canonical(value, other))
    except (OpaqueError, RecursionError):
        return digest(b"opaque", canonical(instead))


def leaves(value: object, tensors: Tensors = TENSORS) -> list[Any]:
    """List the arrays and tensors in a value, in the order of its fields."""
    found: list[Any] = []
    changed(value, lambda leaf: found.append(leaf) or leaf, tensors)  # type: ignore[func-returns-value]
    return found


def changed(value: Any, change: Change, tensors: Tensors = TENSORS) -> Any:
    """Replace every leaf by ``change(leaf)``; what holds no other leaf than before is the same object."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is list or kind is tuple:
        new = [changed(each, change, tensors) for each in value]
        return value if all(a is b for a, b in zip(new, value, strict=True)) else kind(new)
    if kind is dict:
        entries = {key: changed(each, change, tensors) for key, each in value.items()}
        return value if all(entries[key] is value[key] for key in value) else entries
    names = _all_fields(kind)
    if names is None:
        return change(value) if tensors.owns(value) else value
    before = {name: getattr(value, name) for name in names}
    after = {name: changed(each, change, tensors) for name, each in before.items()}
    update = {name: after[name] for name in names if after[name] is not before[name]}
    return _with(value, update) if update else value


@lru_cache(maxsize=1024)
def _all_fields(kind: type) -> tuple[str, ...] | None:
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind))
    return tuple(kind.model_fields) if issubclass(kind, BaseModel) else None


def _with(value: Any, update: Mapping[str, object]) -> Any:
    if isinstance(value, BaseModel):
        return value.model_copy(update=update)
    new = copy(value)
    for name, each in update.items():
        object.__setattr__(new, name, each)
    return new


def flatten(output: Output, tensors: Tensors = TENSORS) -> tuple[Skeleton, list[Any]]:
    """Take an output apart into JSON and leaves.

    Raises:
        OpaqueError: a part is neither plain nor a leaf, or of a class that the output's annotations
            do not name.
    """
    found: list[Any] = []
    known = classes(type(output))
    return {name: _flat(each, found, known, tensors) for name, each in output.__dict__.items()}, found


def _flat(value: Any, found: list[Any], known: Mapping[str, type], tensors: Tensors) -> Skeleton:
    def flat(part: Any) -> Skeleton:
        return _flat(part, found, known, tensors)

    kind = type(value)
    if kind in _SCALARS:
        return {"int": hex(value)} if kind is int and abs(value) >= _SAFE_INT else value
    if kind is list:
        return [flat(each) for each in value]
    if kind is tuple:
        return {"tuple": [flat(each) for each in value]}
    if kind is dict:
        return {"dict": [[flat(key), flat(each)] for key, each in value.items()]}
    if kind in (set, frozenset):
        return {kind.__name__: [flat(each) for each in value]}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, PurePath):
        return {"path": str(value)}
    if tensors.owns(value):
        found.append(value)
        return {"leaf": len(found) - 1}
    name = kind_id(kind)
    if known.get(name) is not kind:
        raise OpaqueError(f"{kind.__name__} cannot be written to disk")
    if isinstance(value, Enum):
        return {"enum": name, "name": value.name}
    return {"class": name, "fields": {each: flat(getattr(value, each)) for each in _all_fields(kind) or ()}}


def rebuild(kind: type[Output], skeleton: Skeleton, found: Sequence[Any]) -> Output:
    """Put an output of class ``kind`` together again; other classes come from its annotations only.

    Raises:
        KeyError, TypeError, ValueError, IndexError: the skeleton is not one that ``kind`` could have.
    """
    known = classes(kind)
    if set(skeleton) != set(kind.model_fields):
        raise ValueError(f"{kind.__name__} has other fields")
    return kind.model_construct(**{name: _built(each, found, known) for name, each in skeleton.items()})


def _built(part: Skeleton, found: Sequence[Any], known: Mapping[str, type]) -> Any:
    if isinstance(part, _PLAIN):
        return part
    if isinstance(part, list):
        return [_built(each, found, known) for each in part]
    tag, inner = next(iter(part.items()))
    match tag:
        case "leaf":
            return found[inner]
        case "class":
            return _instance(known[inner], part["fields"], found, known)
        case "enum":
            return known[inner][part["name"]]  # type: ignore[index]
        case "dict":
            return {_built(k, found, known): _built(each, found, known) for k, each in inner}
        case "tuple" | "set" | "frozenset":
            return _SEQUENCES[tag](_built(each, found, known) for each in inner)
        case _:
            return _SPELLED[tag](inner)


_SEQUENCES: dict[str, Callable[[Any], Any]] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_SPELLED: dict[str, Callable[[str], Any]] = {
    "bytes": base64.b64decode,
    "path": Path,
    "int": lambda text: int(text, 16),
}


def _instance(kind: Any, parts: Mapping[str, Skeleton], found: Sequence[Any], known: Mapping[str, type]) -> Any:
    given = {name: _built(part, found, known) for name, part in parts.items()}
    if issubclass(kind, BaseModel):
        return kind.model_construct(**given)
    late = {each.name for each in fields(kind) if not each.init}
    value = kind(**{name: each for name, each in given.items() if name not in late})
    for name in late:
        object.__setattr__(value, name, given[name])
    return value


@lru_cache(maxsize=256)
def classes(kind: type[Output]) -> Mapping[str, type]:
    """Collect by name the dataclasses, models and enums that an output's annotations speak of."""
    found: dict[str, type] = {}
    left: list[object] = [field.annotation for field in kind.model_fields.values()]
    while left:
        annotation = left.pop()
        left.extend(get_args(annotation))
        named = get_origin(annotation) or annotation
        if not isinstance(named, type) or kind_id(named) in found:
            continue
        if is_dataclass(named):
            left.extend(_annotation(named, each) for each in fields(named))
        elif issubclass(named, BaseModel):
            left.extend(field.annotation for field in named.model_fields.values())
        elif not issubclass(named, Enum):
            continue
        found[kind_id(named)] = named
    return found


def _annotation(kind: type, field: Field[Any]) -> object:
    """A dataclass field's type, or None where only a type checker could tell (an import made for it alone)."""
    owner = next(each for each in kind.__mro__ if field.name in each.__dict__.get("__annotations__", ()))
    spelled = SimpleNamespace(__annotations__={"it": field.type})
    try:
        return get_type_hints(spelled, vars(sys.modules[owner.__module__]), dict(vars(owner)))["it"]
    except (NameError, AttributeError, TypeError):
        return None


class Watch:
    """A look at a node's inputs before it runs, to tell afterwards which of them it wrote into."""

    __slots__ = ("_inputs", "_marks", "_tensors")

    def __init__(self, inputs: Mapping[str, object], tensors: Tensors = TENSORS) -> None:
        self._tensors = tensors
        self._inputs = {name: value for name, value in inputs.items() if type(value) not in _SCALARS}
        self._marks = {name: self._mark(value) for name, value in self._inputs.items()}

    def changed(self) -> list[str]:
        """Name the inputs that are no longer what they were."""
        return [name for name, value in self._inputs.items() if self._mark(value) != self._marks[name]]

    def _mark(self, value: object) -> bytes:
        def other(part: object) -> str:
            owned = self._tensors.owns(part)
            return f"{id(part)}{self._tensors.mark(part)}" if owned else str(id(part))

        try:
            return canonical(value, other)
        except RecursionError:
            return b""
