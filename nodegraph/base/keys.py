"""Content keys: what makes two values the same, as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from pathlib import PurePath
from struct import pack
from typing import Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel

Key: TypeAlias = bytes
Other: TypeAlias = Callable[[object], str]

KEY_BYTES = 20


def digest(*parts: bytes) -> Key:
    """Hash parts to 20 bytes, lengths included: ``(b"a", b"b")`` is not ``(b"ab",)``."""
    lengths = pack(f"<{len(parts) + 1}Q", len(parts), *map(len, parts))
    return blake2b(lengths + b"".join(parts), digest_size=KEY_BYTES).digest()


def digest_of(data: memoryview | bytes | bytearray) -> Key:
    """The same as ``digest`` of much data: nothing is copied, and meanwhile other threads run."""
    found = blake2b(pack("<2Q", 1, len(data)), digest_size=KEY_BYTES)
    found.update(data)
    return found.digest()


def canonical(value: object, other: Other | None = None) -> bytes:
    """Spell a value so that no two different ones are alike: ``1``, ``True`` and ``1.0`` differ.

    A dict's order does not matter; ``-0.0`` differs from ``0.0``; every NaN is the same.

    Args:
        value: JSON, and tuples, sets, bytes, paths, enums, dates, dataclasses, pydantic models.
        other: Spells what is none of these (tensors, say). Without it such a value is a TypeError.
    """
    return _text(value, other or _refuse).encode()


def kind_id(kind: type) -> str:
    """The identity of a class, which is not its address: ``nodes.Canny``, wherever it is written.

    Keys, memos and values on disk name a class by its top package and its own name, so a module
    can be moved or renamed and everything that was made before is still there. Two classes of one
    identity would take each other's results: the registry refuses the second.
    """
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


# Python's own repr tells the scalars apart; hex because repr refuses integers of 4,300 digits.
_SCALARS: Mapping[type, Callable[[Any], str]] = {
    str: repr,
    float: repr,
    bool: repr,
    type(None): repr,
    int: hex,
}


def _text(value: object, other: Other) -> str:
    kind = type(value)
    if (spell := _SCALARS.get(kind)) is not None:
        return spell(value)
    if kind is dict:
        return _mapping(value, other)  # type: ignore[arg-type]
    if kind is list:
        return f"[{','.join([_text(each, other) for each in value])}]"  # type: ignore[attr-defined]
    if kind is tuple:
        return f"({','.join([_text(each, other) for each in value])})"  # type: ignore[attr-defined]
    return _tagged(value, other)


def _mapping(entries: Mapping[object, object], other: Other) -> str:
    spelled = [
        f"{key!r}:{spell(value)}"
        if type(key) is str and (spell := _SCALARS.get(type(value))) is not None
        else f"{_text(key, other)}:{_text(value, other)}"
        for key, value in entries.items()
    ]
    spelled.sort()
    return f"{{{','.join(spelled)}}}"


_AS_THEIR_REPR = (
    bytes,
    bytearray,
    complex,
    Decimal,
    Fraction,
    UUID,
    datetime,
    date,
    time,
    timedelta,
    range,
)


def _tagged(value: object, other: Other) -> str:
    names = field_names(type(value))  # type: ignore[arg-type]  # a class can be hashed
    if names is not None:
        inner = ",".join([f"{name}={_text(getattr(value, name), other)}" for name in names])
    elif isinstance(value, Enum):
        inner = value.name
    elif isinstance(value, PurePath):
        return f"Path({value.as_posix()!r})"
    elif isinstance(value, set | frozenset):
        inner = ",".join(sorted(_text(each, other) for each in value))
    elif isinstance(value, _AS_THEIR_REPR):
        inner = repr(value)
    else:
        inner = _derived(value, other)
    return f"{kind_id(type(value))}({inner})"


def _derived(value: object, other: Other) -> str:
    """Spell an instance of a subclass of a plain type by its base."""
    if isinstance(value, str):
        return str.__repr__(value)
    if isinstance(value, int):
        return hex(int(value))
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, tuple | list):
        return ",".join([_text(each, other) for each in value])
    if isinstance(value, Mapping):
        return _mapping(value, other)
    return other(value)


@lru_cache(maxsize=1024)
def field_names(kind: type) -> tuple[str, ...] | None:
    """List the fields that make up an instance, or None for what is no dataclass and no model."""
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind) if each.compare)
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    return None


def _refuse(value: object) -> str:
    raise TypeError(f"a value of type {type(value).__name__} cannot be part of a key")
