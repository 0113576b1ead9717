"""A context for nodes that run alone: nothing is kept for the next run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from nodegraph.node import Memo, MemoT, Space
from nodegraph.values.leaves import content_key

W = TypeVar("W")


class Endless:
    """Room that nobody counts."""

    def grow(self, size: int) -> bool:  # noqa: ARG002
        return True


class Forgetful:
    """The part of a context that keeps memos, when there is no room for any."""

    def reserve(self) -> AbstractContextManager[Space]:
        return nullcontext(Endless())

    @contextmanager
    def hold(self, key: Hashable, make: Callable[[], tuple[W, int]]) -> Iterator[W]:  # noqa: ARG002
        yield make()[0]

    def forget(self, key: Hashable) -> None:
        """Nothing was kept."""

    def proceed(self) -> None: ...

    def digest(self, value: object) -> bytes:
        return content_key(value)

    def recall(self, kind: type[MemoT], *parts: object) -> MemoT | None:  # noqa: ARG002
        return None

    def keep(self, memo: Memo, *parts: object, seconds: float) -> None:
        """It is gone at once."""

    def kept(self, kind: type[MemoT], make: Callable[[], MemoT], *parts: object) -> MemoT:  # noqa: ARG002
        return make()
