"""What was made of weights, kept for as long as they live and nobody writes to them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

Make: TypeAlias = Callable[[], Tensor]


class _Kept(NamedTuple):
    """What was made of some weights, as they were then, for pictures of a shape."""

    weights: Sequence[weakref.ref[Tensor]]
    written: Sequence[tuple[int, int]]
    shape: Sequence[int]
    made: Tensor


_kept: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def kept(how: str, weights: Sequence[Tensor], make: Make, shape: Sequence[int] = ()) -> Tensor:
    """What ``make`` makes of weights, made once for as long as they live and nobody writes to them.

    Weights are known by identity and not by where they lie: memory that was freed is used again,
    and a LoRA's merged weights live no longer than a lease.

    Args:
        how: Tells apart what is made of the same weights.
        shape: Of what they will be applied to; only the last one's is kept.
    """
    if weights[0] not in _kept:
        _kept[weights[0]] = {}
    held: dict[str, _Kept] = _kept[weights[0]]
    found = held.get(how)
    written = [(one.data_ptr(), one._version) for one in weights]
    if (
        found is None
        or found.written != written
        or found.shape != shape
        or any(ref() is not one for ref, one in zip(found.weights, weights, strict=True))
    ):
        found = held[how] = _Kept([weakref.ref(one) for one in weights], written, shape, make())
    return found.made
