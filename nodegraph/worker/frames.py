"""Messages between a server and its worker processes: a JSON object and some bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, TypeAlias

Message: TypeAlias = Mapping[str, Any]

_HEAD = struct.Struct(">II")
_MOST = 256 * 2**20
"""Bytes of one part: more is not a message but a stream that lost its place."""


def write(stream: BinaryIO, message: Message, payload: bytes = b"") -> None:
    """Send one message."""
    text = json.dumps(message, separators=(",", ":")).encode()
    stream.write(_HEAD.pack(len(text), len(payload)) + text + payload)
    stream.flush()


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Receive one message; None when the other side has gone, be it in the middle of one.

    Raises:
        ValueError: what came is no message.
    """
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    lengths = _HEAD.unpack(head)
    if max(lengths) > _MOST:
        raise ValueError(f"a message of {max(lengths)} bytes is none")
    text, payload = _exactly(stream, lengths[0]), _exactly(stream, lengths[1])
    if text is None or payload is None:
        return None
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("a message should be an object")
    return message, payload


def _exactly(stream: BinaryIO, count: int) -> bytes | None:
    data = stream.read(count)
    return data if len(data) == count else None
