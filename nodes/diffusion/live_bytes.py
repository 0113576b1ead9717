"""Bytes that tensors hold, counted at every operation as their storages come and go."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the storages that operations make inside the block, for as long as they are held.

    What was there before does not count: weights seen through a view are not new.

    Attributes:
        live: Bytes held now.
        most: Bytes held at most, since the block began or ``most`` was set.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.most = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        keywords = kwargs or {}
        # Inputs first, as of no size: a result may be a view of one, and share its storage.
        for tensor in tree_iter((args, keywords)):
            if isinstance(tensor, Tensor):
                self._note(tensor, size=0)
        result = func(*args, **keywords)
        for tensor in tree_iter(result):
            if isinstance(tensor, Tensor):
                self._note(tensor, size=tensor.untyped_storage().nbytes())
        self.judge(str(func))
        return result

    def judge(self, operation: str) -> None:
        """Called after every operation; may raise."""

    def _note(self, tensor: Tensor, size: int) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._sizes:
            self._sizes[storage._cdata] = size
            self.live += size
            self.most = max(self.most, self.live)
            # The Python object of a storage lives as long as its bytes are held.
            weakref.finalize(storage, self._release, storage._cdata).atexit = False

    def _release(self, storage: int) -> None:
        self.live -= self._sizes.pop(storage, 0)
