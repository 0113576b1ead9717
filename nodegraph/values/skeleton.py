"""Outputs taken apart into JSON and leaves, and put together again."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from inspect import get_annotations
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from ..base.keys import kind_id
from ..node import Output
from .leaves import SCALARS, OpaqueError, all_fields
from .tensors import TENSORS, Tensors

Skeleton: TypeAlias = Any

# Beyond 64 bits a reader of JSON may round or refuse an integer.
_SAFE_INT = 2**63
_SEQUENCES: tuple[Any, ...] = (tuple, set, frozenset)
_BY_NAME: dict[str, Callable[[Any], Any]] = {kind.__name__: kind for kind in _SEQUENCES}
_SPELLED: dict[str, Callable[[str], Any]] = {
    "bytes": base64.b64decode,
    "path": Path,
    "int": lambda text: int(text, 16),
}


def flatten(output: Output, tensors: Tensors = TENSORS) -> tuple[Skeleton, list[Any]]:
    """Take an output apart into JSON and leaves.

    Raises:
        OpaqueError: a part is neither plain nor a leaf, or of a class that the output's annotations
            do not name.
    """
    kind: Any = type(output)
    flattener = _Flattener(value_classes(kind), tensors)
    names = all_fields(kind) or ()
    return {name: flattener.flat(getattr(output, name)) for name in names}, flattener.leaves


class _Flattener:
    """Collects the leaves on the way."""

    def __init__(self, kinds: Mapping[str, type], tensors: Tensors) -> None:
        self.leaves: list[Any] = []
        self._kinds, self._tensors = kinds, tensors

    def flat(self, value: Any) -> Skeleton:
        kind = type(value)
        if kind in SCALARS:
            return {"int": hex(value)} if kind is int and abs(value) >= _SAFE_INT else value
        # Only a list becomes a JSON list. All else that JSON has no word for becomes an object with
        # a tag, dicts too, so no value can be taken for a tag when it is read.
        if kind is list:
            return [self.flat(item) for item in value]
        if kind in _SEQUENCES:
            return {kind.__name__: [self.flat(item) for item in value]}
        if kind is dict:
            # Pairs, as keys may be anything, and their order is part of the value.
            return {"dict": [[self.flat(key), self.flat(item)] for key, item in value.items()]}
        return self._leaf(value) if self._tensors.owns(value) else self._instance(value)

    def _leaf(self, value: Any) -> Skeleton:
        self.leaves.append(value)
        return {"leaf": len(self.leaves) - 1}

    def _instance(self, value: Any) -> Skeleton:
        if isinstance(value, PurePath):
            return {"path": str(value)}
        if isinstance(value, bytes):
            return {"bytes": base64.b64encode(value).decode()}
        kind: Any = type(value)
        name = kind_id(kind)
        # Reading takes classes from the annotations alone, so that no file can name any other: what
        # could not be read must not be written.
        if self._kinds.get(name) is not kind:
            raise OpaqueError(f"{kind.__name__} cannot be written to disk")
        if isinstance(value, Enum):
            return {"enum": name, "name": value.name}
        names = all_fields(kind) or ()
        return {
            "class": name,
            "fields": {field: self.flat(getattr(value, field)) for field in names},
        }


def rebuild(kind: type[Output], skeleton: Skeleton, leaves: Sequence[Any]) -> Output:
    """Put an output of class ``kind`` together again; its annotations name all other classes.

    Raises:
        Exception: the skeleton is not one that ``kind`` could have; its classes judge too.
    """
    kinds = value_classes(kind)
    if set(skeleton) != set(kind.model_fields):
        raise ValueError(f"{kind.__name__} has other fields")
    return kind.model_construct(
        **{name: _build(part, leaves, kinds) for name, part in skeleton.items()}
    )


def _build(part: Skeleton, leaves: Sequence[Any], kinds: Mapping[str, type]) -> Any:
    if isinstance(part, list):
        return [_build(item, leaves, kinds) for item in part]
    if not isinstance(part, dict):
        return part
    tag, inner = next(iter(part.items()))
    if tag == "leaf":
        return leaves[inner]
    if tag == "dict":
        return {_build(k, leaves, kinds): _build(item, leaves, kinds) for k, item in inner}
    return _build_tagged(tag, inner, part, leaves, kinds)


def _build_tagged(
    tag: str, inner: Any, part: Skeleton, leaves: Sequence[Any], kinds: Mapping[str, Any]
) -> Any:
    match tag:
        case "class":
            return _build_instance(kinds[inner], part["fields"], leaves, kinds)
        case "enum":
            return kinds[inner][part["name"]]
        case "bytes" | "path" | "int":
            return _SPELLED[tag](inner)
    return _BY_NAME[tag](_build(item, leaves, kinds) for item in inner)


def _build_instance(
    kind: Any, parts: Mapping[str, Skeleton], leaves: Sequence[Any], kinds: Mapping[str, type]
) -> Any:
    values = {name: _build(part, leaves, kinds) for name, part in parts.items()}
    # Not validated again: it was when the node made it.
    if issubclass(kind, BaseModel):
        return kind.model_construct(**values)
    # Fields that a dataclass's own __init__ does not take.
    late = {field.name for field in fields(kind) if not field.init}
    value = kind(**{name: part for name, part in values.items() if name not in late})
    for name in late:
        object.__setattr__(value, name, values[name])
    return value


@lru_cache(maxsize=512)
def value_classes(kind: type[BaseModel]) -> Mapping[str, type]:
    """Collect by identity the dataclasses, models and enums that a model's annotations speak of.

    Raises:
        OpaqueError: two of them have one identity.
    """
    kinds: dict[str, type] = {}
    left = [*_field_classes(kind)]
    while left:
        named = left.pop()
        first = kinds.get(kind_id(named))
        if first is None:
            kinds[kind_id(named)] = named
            left.extend(_field_classes(named))
        elif first is not named:
            raise OpaqueError(clash_message(named, first))
    return kinds


def clash_message(second: type, first: type) -> str:
    """The sentence that two classes have one identity, and what to do about it."""
    return (
        f"{class_address(second)} and {class_address(first)} are both {kind_id(first)}"
        " in keys and on disk; give one of them another name"
    )


def class_address(kind: type) -> str:
    """Where a class is written: ``nodes.preprocessors.Canny``."""
    return f"{kind.__module__}.{kind.__qualname__}"


@lru_cache(maxsize=512)
def _field_classes(kind: type) -> Sequence[type]:
    """The classes of values that the fields of one class speak of.

    Remembered: most kinds of nodes speak of the same few, and evaluating annotations takes long.
    """
    if issubclass(kind, BaseModel):
        left: list[object] = [field.annotation for field in kind.model_fields.values()]
    else:
        left = [_annotation(kind, field) for field in fields(kind)] if is_dataclass(kind) else []
    classes: dict[type, None] = {}
    while left:
        annotation = left.pop()
        left.extend(get_args(annotation))
        named = get_origin(annotation) or annotation
        if isinstance(named, type) and (is_dataclass(named) or issubclass(named, BaseModel | Enum)):
            classes[named] = None
    return tuple(classes)


def _annotation(kind: type, field: Field[Any]) -> object:
    """A dataclass field's type; None where its import was made for type checkers alone."""
    owner = next(base for base in kind.__mro__ if field.name in get_annotations(base))
    # One at a time: the others may name imports that exist for type checkers alone.
    holder = SimpleNamespace(__annotations__={"it": field.type})
    try:
        return get_type_hints(holder, vars(sys.modules[owner.__module__]), dict(vars(owner)))["it"]
    except (NameError, AttributeError, TypeError):
        return None
