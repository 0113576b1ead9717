"""The cache key of one item, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..base.keys import Key, canonical, digest
from ..cache.keyring import Keyring
from ..graph.ports import ports
from .items import bound, constants
from .task import CallState, Element, Task


def key_of(task: Task, calls: Sequence[CallState], signature: str, keyring: Keyring) -> Key:
    """The cache key of one item: what runs, on which values, its stamp, and what is linked in."""
    call, kind = task.call, task.call.planned.kind
    parts = [call.planned.static]
    if kind.lane == "device":
        parts.append(signature.encode())
    if call.values:
        parts += [canonical({name: values[task.item or 0] for name, values in call.values.items()})]
    if task.stamp is not None:
        parts += [b"stamp", canonical(task.stamp)]
    reads = ports(kind).reads
    for name, value in bound(task, calls):
        if isinstance(value, list):
            parts.append(_digest_of_all(call, value, keyring))
        else:
            parts.append(value.digest(reads.get(name, ())))
    return keyring.digest(*parts)


def _digest_of_all(call: CallState, elements: list[Element], keyring: Keyring) -> Key:
    """One digest for a list of elements; made once where all items share the list."""
    # By identity: bound() gives all items the same list, and hashing it anew for each would be
    # quadratic. ``gathered`` keeps the list alive, so its id is not given to another one.
    total = call.sums.get(id(elements))
    if total is None:
        total = keyring.digest(b"list", *[element.digest() for element in elements])
        if any(elements is shared for shared in call.gathered.values()):
            call.sums[id(elements)] = total
    return total


def parts_of(task: Task, calls: Sequence[CallState], signature: str) -> Mapping[str, str]:
    """What the key of ``task`` was made of, as short text: what an explanation compares."""
    kind = task.call.planned.kind
    texts = {name: _short(value) for name, value in constants(task).items()}
    reads = ports(kind).reads
    for name, value in bound(task, calls):
        elements, fields = (
            (value, ()) if isinstance(value, list) else ([value], reads.get(name, ()))
        )
        texts[name] = "@" + " ".join(element.digest(fields).hex()[:12] for element in elements)
    if kind.lane == "device":
        texts["(device)"] = signature
    if task.stamp is not None:
        texts["(file)"] = _short(task.stamp)
    return {**texts, "(version)": str(kind.version), "(node)": task.address}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:200]}…{digest(canonical(text)).hex()[:12]}"
