"""The context of a running node: settings, document, leases of weights, memos under their keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from time import perf_counter
from typing import TypeVar

from ..base.keys import Key, digest, kind_id
from ..base.packages import installed
from ..cache import Cache
from ..carriers.png import KEY
from ..errors import Stopped
from ..graph.workflow import Workflow
from ..node import Folders, Memo, MemoT, ModelRef, Space
from ..planning.types import Plan
from ..savings import NO_SAVINGS, Savings, Shortages
from ..settings import Settings
from ..values.leaves import content_key
from .provenance import texts

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class RunContext:
    """The Context a node is given: the run's settings, on the device of its lane.

    Attributes:
        plan: What runs, where it does.
        linked: The key of every result that the node is given, by input.
        shortages: How all that the node is given was made to fit into memory.
        savings: How sparing with memory the node has to be.
        cancelled: Tells whether the run was cancelled.
        leased: The weights that were lent to the node so far, by key.
    """

    settings: Settings
    device: str
    document: Workflow
    cache: Cache
    plan: Plan | None = None
    linked: Mapping[str, str] = field(default_factory=dict)
    shortages: Shortages = field(default_factory=dict)
    savings: Savings = NO_SAVINGS
    cancelled: Callable[[], bool] = bool
    leased: set[str] = field(default_factory=set)

    def for_attempt(self, savings: Savings) -> RunContext:
        """The context of one attempt at a node, to which nothing has been lent yet."""
        return replace(self, savings=savings, linked={}, shortages={}, leased=set())

    @property
    def workflow(self) -> str:
        return self.document.to_json()

    @property
    def texts(self) -> Mapping[str, str]:
        if self.plan is None:
            return {KEY: self.workflow}
        return texts(self.plan, self.settings.signature(), self.linked, self.shortages)

    @property
    def dtype(self) -> str:
        return self.settings.dtype

    @property
    def folders(self) -> Folders:
        return self.settings.folders

    @property
    def allow(self) -> frozenset[str]:
        return self.settings.allow

    def proceed(self) -> None:
        if self.cancelled():
            raise Stopped

    def pinned(self, model: str) -> tuple[str, str]:
        lock = self.document.models.get(model)
        return (lock.revision, lock.sha256) if lock else ("", "")

    def pinned_files(self, model: str) -> Mapping[str, str]:
        lock = self.document.models.get(model)
        return lock.files if lock else {}

    def lease(self, ref: ModelRef[W]) -> AbstractContextManager[W]:
        # Noted before it is had: a result that hangs on weights is dear even if they were loaded.
        self.leased.add(ref.key)
        return self.cache.pool.lease(ref, self.device, self.dtype, offload=self.savings.offload)

    def reserve(self) -> AbstractContextManager[Space]:
        return self.cache.reserve_room(self.device)

    def hold(self, key: Hashable, make: Callable[[], tuple[W, int]]) -> AbstractContextManager[W]:
        return self.cache.pool.hold(key, self.device, make)

    def forget(self, key: Hashable) -> None:
        self.cache.forget(key)

    def digest(self, value: object) -> bytes:
        return content_key(value, self.cache.tensors)

    def recall(self, kind: type[MemoT], *parts: object) -> MemoT | None:
        memo = self.cache.recall(self._key(kind, parts), kind, self.device)
        return memo if isinstance(memo, kind) else None

    def keep(self, memo: Memo, *parts: object, seconds: float) -> None:
        self.cache.keep(self._key(type(memo), parts), memo, seconds)

    def kept(self, kind: type[MemoT], make: Callable[[], MemoT], *parts: object) -> MemoT:
        memo = self.recall(kind, *parts)
        if memo is None:
            start = perf_counter()
            memo = make()
            self.keep(memo, *parts, seconds=perf_counter() - start)
        return memo

    def _key(self, kind: type[Memo], parts: tuple[object, ...]) -> Key:
        """A memo's key; two nodes that keep the same class under the same parts share it."""
        # Offloaded weights compute otherwise, if only by rounding, and no node can tell.
        apart = (b"offloaded",) if self.savings.offload else ()
        return digest(
            _identity(kind), self.settings.signature().encode(), self.digest(parts), *apart
        )


@lru_cache(maxsize=256)
def _identity(kind: type[Memo]) -> bytes:
    packages = [f"{package} {installed(package)}" for package in kind.packages]
    return "\n".join([f"memo {kind_id(kind)} {kind.version}", *packages]).encode()
