"""Records of calls, which outlive their values: content, time and parts, as checked JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..base.keys import Key, digest


@dataclass(frozen=True, slots=True)
class Record:
    """What a call gave and took.

    Attributes:
        digests: The content of every output; a tuple of one an item where the output is a list.
        seconds: How long it took to compute.
        bytes: What its value holds.
        parts: What its key was made of, by name, as short texts for ``explain``.
        degraded: How it was made to fit into memory; nothing where it is as asked for.
        resumed: Where it went on from what an earlier run had done, in words; so long it took.
    """

    digests: Mapping[str, Key | tuple[Key, ...]]
    seconds: float
    bytes: int
    parts: Mapping[str, str] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    resumed: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it lies on disk.

    Attributes:
        skeleton: The value without its leaves, as JSON; None where only the record was kept.
        payload: Name of the file that holds the leaves; empty where there are none.
        homes: For every leaf, whether it was made on a device.
    """

    record: Record
    skeleton: Any = None
    payload: str = ""
    homes: tuple[bool, ...] = ()


def to_json(key: Key, stored: Stored) -> bytes:
    """Write a record, with a checksum that covers its key too."""
    record = stored.record
    body = {
        "digests": {name: _hex(content) for name, content in record.digests.items()},
        "seconds": record.seconds,
        "bytes": record.bytes,
        "parts": dict(record.parts),
        "value": stored.skeleton,
        "payload": stored.payload,
        "homes": list(stored.homes),
        "when": time.time(),
    }
    if record.degraded:
        body["degraded"] = list(record.degraded)
    if record.resumed:
        body["resumed"] = record.resumed
    return json.dumps({"sum": _sum(key, body), "record": body}).encode()


def from_json(key: Key, text: bytes) -> Stored:
    """Read a record.

    Raises:
        ValueError: it is not what ``to_json`` wrote for this key.
    """
    try:
        document = json.loads(text)
        body = document["record"]
        if document["sum"] != _sum(key, body):
            raise ValueError("the checksum differs")
        digests = {name: _key(text) for name, text in body["digests"].items()}
        degraded, resumed = tuple(body.get("degraded", ())), body.get("resumed", "")
        record = Record(digests, body["seconds"], body["bytes"], body["parts"], degraded, resumed)
        return Stored(record, body["value"], body["payload"], tuple(body["homes"]))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("not a record of this version") from error


def _sum(key: Key, body: Any) -> str:
    # Twice through JSON: the same text comes out before it is written and after it was read.
    return digest(key, json.dumps(body, sort_keys=True).encode()).hex()


def _hex(content: Key | tuple[Key, ...]) -> str | list[str]:
    return [entry.hex() for entry in content] if isinstance(content, tuple) else content.hex()


def _key(text: str | list[str]) -> Key | tuple[Key, ...]:
    if isinstance(text, list):
        return tuple(bytes.fromhex(entry) for entry in text)
    return bytes.fromhex(text)
