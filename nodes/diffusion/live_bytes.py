"""Bytes that tensors hold, counted operation by operation."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the storages that operations make inside the block, for as long as they are held.

    What was there before is none of its business: weights seen through a view are not new.

    Attributes:
        live: Bytes held now.
        most: Bytes held at most, since the block began or ``most`` was set.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.most = 0
        self._known: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        given = kwargs or {}
        for each in tree_iter((args, given)):
            if isinstance(each, Tensor):
                self._note(each, size=0)
        made = func(*args, **given)
        for each in tree_iter(made):
            if isinstance(each, Tensor):
                self._note(each, size=each.untyped_storage().nbytes())
        self.judge(str(func))
        return made

    def judge(self, operation: str) -> None:
        """Called after every operation; may raise."""

    def _note(self, tensor: Tensor, size: int) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._known:
            self._known[storage._cdata] = size
            self.live += size
            self.most = max(self.most, self.live)
            weakref.finalize(storage, self._gone, storage._cdata).atexit = False

    def _gone(self, storage: int) -> None:
        self.live -= self._known.pop(storage, 0)
