"""The cache key of one item, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..base.keys import Key, canonical, digest, spell_entry
from ..base.packages import installed
from ..cache.keyring import Keyring
from ..graph.ports import ports
from ..planning.check import with_values
from .items import bound, constants
from .task import CallState, Element, Task


def key_of(task: Task, calls: Sequence[CallState], signature: str, keyring: Keyring) -> Key:
    """The cache key of one item: what runs, on which values, its stamp, and what is linked in."""
    call, kind = task.call, task.call.planned.kind
    parts = [_static(task)]
    if kind.lane == "device":
        parts.append(signature.encode())
    if task.stamp is not None:
        parts += [b"stamp", canonical(task.stamp)]
    reads = ports(kind).reads
    for name, value in bound(task, calls):
        if isinstance(value, list):
            parts.append(_digest_of_all(call, value, reads.get(name, ()), keyring))
        else:
            parts.append(value.digest(reads.get(name, ())))
    return keyring.digest(*parts)


def _static(task: Task) -> Key:
    """What runs, on which values: of an item of several the same as if it were the only one."""
    planned = task.call.planned
    several = {*planned.mapped, *planned.expands}
    if not several:
        return planned.static
    # All of them: a value that could have been several and is not counts like any other.
    values = constants(task)
    own = [spell_entry(name, values[name]) for name in several]
    return with_values(planned.static, [*planned.shared, *own])


def _digest_of_all(
    call: CallState, elements: list[Element], fields: Sequence[str], keyring: Keyring
) -> Key:
    """One digest for a list of elements; made once where all items share the list."""
    # By identity: bound() gives all items the same list, and hashing it anew for each would be
    # quadratic. ``gathered`` keeps the list alive, so its id is not given to another one.
    total = call.sums.get(id(elements))
    if total is None:
        total = keyring.digest(b"list", *[element.digest(fields) for element in elements])
        if any(elements is shared for shared in call.gathered.values()):
            call.sums[id(elements)] = total
    return total


def parts_of(task: Task, calls: Sequence[CallState], signature: str) -> Mapping[str, str]:
    """What the key of ``task`` was made of, as short text: what an explanation compares."""
    kind = task.call.planned.kind
    texts = {name: _short(value) for name, value in constants(task).items()}
    reads = ports(kind).reads
    for name, value in bound(task, calls):
        elements, fields = value if isinstance(value, list) else [value], reads.get(name, ())
        texts[name] = "@" + " ".join(element.digest(fields).hex()[:12] for element in elements)
    if kind.lane == "device":
        texts["(device)"] = signature
    if task.stamp is not None:
        texts["(file)"] = _short(task.stamp)
    if kind.packages:
        texts["(packages)"] = ", ".join(f"{name} {installed(name)}" for name in kind.packages)
    return {**texts, "(version)": str(kind.version), "(node)": task.address}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:200]}…{digest(canonical(text)).hex()[:12]}"
