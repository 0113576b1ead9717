"""Content keys: a spelling of values that no two different ones share, hashed to 20 bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
SpellLeaf: TypeAlias = Callable[[object], str]

KEY_BYTES = 20


def digest(*parts: bytes) -> Key:
    """Hash parts to 20 bytes, lengths included: ``(b"a", b"b")`` is not ``(b"ab",)``."""
    # The bytes alone could be cut elsewhere: with the lengths in front, no other parts give them.
    lengths = pack(f"<{len(parts) + 1}Q", len(parts), *map(len, parts))
    return blake2b(lengths + b"".join(parts), digest_size=KEY_BYTES).digest()


def digest_of(data: memoryview | bytes | bytearray) -> Key:
    """The same as ``digest`` of much data: nothing is copied, and meanwhile other threads run."""
    # The same head as in ``digest`` of one part, so that both give one key to the same bytes.
    hasher = blake2b(pack("<2Q", 1, len(data)), digest_size=KEY_BYTES)
    hasher.update(data)
    return hasher.digest()


def canonical(value: object, spell_leaf: SpellLeaf | None = None) -> bytes:
    """Spell a value so that no two different ones are alike: ``1``, ``True`` and ``1.0`` differ.

    A dict's order does not matter; ``-0.0`` differs from ``0.0``; every NaN is the same.

    Args:
        value: JSON, and tuples, sets, bytes, paths, enums, dates, dataclasses, pydantic models.
        spell_leaf: Spells a value that is none of these, such as a tensor. Without it such a value
            is a TypeError.
    """
    return _canonical_text(value, spell_leaf or _refuse).encode()


def spell_entry(name: str, value: object) -> str:
    """Spell one entry of a mapping as ``canonical`` does within the whole."""
    return f"{name!r}:{_canonical_text(value, _refuse)}"


def canonical_entries(entries: Iterable[str]) -> bytes:
    """The same as ``canonical`` of a mapping, from its entries that were spelled one by one."""
    return f"{{{','.join(sorted(entries))}}}".encode()


def kind_id(kind: type) -> str:
    """The identity of a class, which is not its address: ``nodes.Canny``, wherever it is written.

    Keys, memos and values on disk name a class by its top package and its own name, so a module
    can be moved or renamed and everything that was made before is still there. Two classes of one
    identity would take each other's results: the registry refuses the second.
    """
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


# Python's own repr tells the scalars apart (quotes, True, 1.0), and of floats it is the shortest
# text that reads back as the same bits. hex, because repr refuses integers of 4,300 digits.
_SCALARS: Mapping[type, Callable[[Any], str]] = {
    str: repr,
    float: repr,
    bool: repr,
    type(None): repr,
    int: hex,
}


def _canonical_text(value: object, spell_leaf: SpellLeaf) -> str:
    # By exact type: True is an int to isinstance, and an enum may be a str.
    kind = type(value)
    if (spell := _SCALARS.get(kind)) is not None:
        return spell(value)
    if kind is dict:
        return _mapping_text(value, spell_leaf)  # type: ignore[arg-type]
    if kind is list:
        return f"[{','.join([_canonical_text(item, spell_leaf) for item in value])}]"  # type: ignore[attr-defined]
    if kind is tuple:
        return f"({','.join([_canonical_text(item, spell_leaf) for item in value])})"  # type: ignore[attr-defined]
    return _tagged_text(value, spell_leaf)


def _mapping_text(entries: Mapping[object, object], spell_leaf: SpellLeaf) -> str:
    # Texts are sorted, not keys: those of different types have no order.
    spelled = [
        f"{key!r}:{spell(value)}"
        if type(key) is str and (spell := _SCALARS.get(type(value))) is not None
        else f"{_canonical_text(key, spell_leaf)}:{_canonical_text(value, spell_leaf)}"
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


def _tagged_text(value: object, spell_leaf: SpellLeaf) -> str:
    names = field_names(type(value))  # type: ignore[arg-type]  # a class can be hashed
    if names is not None:
        inner = ",".join(
            [f"{name}={_canonical_text(getattr(value, name), spell_leaf)}" for name in names]
        )
    elif isinstance(value, Enum):
        inner = value.name
    elif isinstance(value, PurePath):
        return f"Path({value.as_posix()!r})"
    elif isinstance(value, set | frozenset):
        inner = ",".join(sorted(_canonical_text(item, spell_leaf) for item in value))
    elif isinstance(value, _AS_THEIR_REPR):
        inner = repr(value)
    else:
        inner = _derived_text(value, spell_leaf)
    return f"{kind_id(type(value))}({inner})"


def _derived_text(value: object, spell_leaf: SpellLeaf) -> str:
    """Spell an instance of a subclass of a plain type by its base."""
    if isinstance(value, str):
        return str.__repr__(value)
    if isinstance(value, int):
        return hex(int(value))
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, tuple | list):
        return ",".join([_canonical_text(item, spell_leaf) for item in value])
    if isinstance(value, Mapping):
        return _mapping_text(value, spell_leaf)
    return spell_leaf(value)


@lru_cache(maxsize=1024)
def field_names(kind: type) -> tuple[str, ...] | None:
    """List the fields that make up an instance, or None for what is no dataclass and no model."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind) if field.compare)
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    return None


def _refuse(value: object) -> str:
    raise TypeError(f"a value of type {type(value).__name__} cannot be part of a key")
