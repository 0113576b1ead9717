"""The pool of model weights: loaded once, leased to running nodes, dropped for want of memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any, TypeAlias, TypeVar

from ..node import Composed, Measured, ModelRef, Offloads, Returns
from ..savings import Offload
from ..values.tensors import Tensors
from .memory import Memory
from .pages import Pages
from .tiers import Entry

T = TypeVar("T")
W = TypeVar("W")
Weights: TypeAlias = tuple[str, str]


class Pool:
    """The weights in memory, by content and dtype, in the same tiers and budgets as all values.

    Who may drop what, and when: memory moves or drops weights at any time while their ``leases`` is
    0, and never while it is not. A lease is taken and given back under the memory's lock. The key
    of weights that are being loaded or moved is in ``_busy``: who needs them waits for ``moved``,
    so they are loaded once. Weights lie in one place at a time: they are moved to a device only
    when no lease holds them on another one.
    """

    def __init__(self, memory: Memory, tensors: Tensors) -> None:
        self._memory, self._tensors = memory, tensors
        self._busy: set[Weights] = set()
        self._sizes: dict[Weights, int] = {}
        self._pages = Pages(memory)

    @contextmanager
    def lease(
        self, ref: ModelRef[W], device: str, dtype: str, *, offload: Offload | None = None
    ) -> Iterator[W]:
        """Keep the weights of ``ref`` on a device for as long as the block runs.

        Args:
            offload: Let them lie on the host instead, if they can be used from there, and only so
                much of them come to the device at a time.
        """
        if offload and isinstance(ref, Offloads):
            self._give_up((ref.key, dtype))
            ref, device = ref.offloaded(device, offload), "cpu"
        if isinstance(ref, Composed) and ref.parts:
            with (
                self.lease(ref.parts[0], device, dtype) as base,
                self.lease(_Composed(self, ref), device, dtype) as changed,
            ):
                yield ref.compose(base, changed)
            return
        entry = self._take(ref, device, dtype)
        try:
            self._pages.used(entry, ref)
            yield entry.value
        finally:
            # Before the lease ends: nobody else may see what has not been put back.
            if isinstance(ref, Returns):
                ref.put_back(entry.value)
            self._give_back(entry)

    def _give_back(self, entry: Entry) -> None:
        with self._memory.moved:
            entry.leases -= 1
            self._memory.moved.notify_all()
        # Outside the lock, as it may move things: others may lease it again before, which is well.
        self._memory.offer(entry.key)

    def keys(self, refs: Iterable[ModelRef[Any]], dtype: str) -> dict[Weights, int]:
        """What the weights of ``refs`` are held by, and their bytes as far as they are known."""
        parts = [
            part
            for ref in refs
            for part in ((ref.parts or [ref]) if isinstance(ref, Composed) else [ref])
        ]
        return {(part.key, dtype): self._sizes.get((part.key, dtype), 0) for part in parts}

    def _give_up(self, key: Weights) -> None:
        """Drop weights that nobody uses: the same are about to be loaded in another way."""
        with self._memory.lock:
            entry = self._memory.find(key)
            if entry is not None and not entry.leases:
                self._memory.remove(key)

    @contextmanager
    def hold(self, key: Hashable, device: str, make: Callable[[], tuple[T, int]]) -> Iterator[T]:
        """Have what is of use on this device alone, made where it is not there any more.

        It is not moved, but dropped when room is needed; while the block runs it stays.

        Args:
            make: Gives it, and the bytes that it takes.
        """
        with self._memory.lock:
            entry = self._memory.tier(device).entries.get(key)
            if entry is not None:
                self._memory.tier(device).touch(entry)
                entry.leases += 1
        try:
            if entry is None:
                entry = _fixed(key, device, make)
                self._memory.add(entry)
            yield entry.value
        finally:
            if entry is not None:
                self._give_back(entry)

    def prefetch(self, ref: ModelRef[object], device: str, dtype: str) -> None:
        """Bring weights of a known size to a device if nothing has to go for them."""
        if isinstance(ref, Measured) and self._has_room(ref.key, ref.nbytes(dtype), device, dtype):
            self._give_back(self._take(ref, device, dtype, ahead=True))

    def _has_room(self, key: str, size: int, device: str, dtype: str) -> bool:
        with self._memory.lock:
            entry = self._memory.find((key, dtype))
            if entry is not None and (entry.place == device or entry.leases):
                return False
            tier = self._memory.tier(device)
            return tier.bytes + size <= tier.budget

    def _take(self, ref: ModelRef[Any], device: str, dtype: str, ahead: bool = False) -> Entry:
        key = (ref.key, dtype)
        memory = self._memory
        with memory.moved:
            while True:
                entry = None if key in memory.moving or key in self._busy else memory.find(key)
                # On another device and idle: the lease keeps them there until they are moved.
                if entry is not None and (entry.place == device or entry.leases == 0):
                    entry.leases += 1
                    if entry.place == device:
                        return entry
                    break
                if entry is None and key not in memory.moving and key not in self._busy:
                    break  # nobody has them: they are ours to load
                # Somebody loads or moves them, or uses them on another device.
                memory.moved.wait()
            self._busy.add(key)
        try:
            return self._brought(ref, entry, device, dtype, ahead)
        except BaseException:
            if entry is not None:
                with memory.moved:
                    entry.leases -= 1
            raise
        finally:
            with memory.moved:
                self._busy.discard(key)
                memory.moved.notify_all()

    def _brought(
        self, ref: ModelRef[Any], entry: Entry | None, device: str, dtype: str, ahead: bool
    ) -> Entry:
        """Move or load weights; once more, after making room, where memory ran out.

        Args:
            ahead: Nobody waits for them: no room is made.
        """
        key = (ref.key, dtype)
        self._memory.settle(device, 0 if ahead else self._sizes.get(key, 0))
        start = perf_counter()
        try:
            value = self._fetched(ref, entry, device, dtype)
        except Exception as error:
            if ahead or not self._tensors.is_oom(error):
                self._undo(entry)
                raise
            # Drop the traceback too: it keeps half-loaded tensors alive.
            error.__traceback__ = None
            value = None
        # Outside of the except clause: there the error is alive, and with it what it refers to.
        if value is None:
            self._memory.shrink()
            start = perf_counter()
            try:
                value = self._fetched(ref, entry, device, dtype)
            except BaseException:
                self._undo(entry)
                raise
        seconds = entry.seconds if entry is not None else perf_counter() - start
        size = self._sizes[key] = self._tensors.weights_size(value)
        # Leased before it is added: to settle what is too much then cannot choose it. ``add`` takes
        # the old entry out, so the lease on that ends with it.
        new = Entry(key, value, size, seconds, device)
        new.leases = 1
        try:
            self._memory.add(new)
        except BaseException:
            # Something else could not make way: nobody will end this lease.
            with self._memory.moved:
                new.leases = 0
            raise
        return new

    def _fetched(self, ref: ModelRef[Any], entry: Entry | None, device: str, dtype: str) -> Any:
        if entry is None:
            return ref.load(device, dtype)
        return self._memory.move(entry, device)

    def _undo(self, entry: Entry | None) -> None:
        if entry is not None:
            # A module may have been moved in part: it is loaded again from its files.
            with self._memory.lock:
                self._memory.remove(entry.key)


def _fixed(key: Hashable, device: str, make: Callable[[], tuple[Any, int]]) -> Entry:
    start = perf_counter()
    value, size = make()
    entry = Entry(key, value, size, perf_counter() - start, device)
    entry.fixed, entry.leases = True, 1
    return entry


class _Composed:
    """A reference to what is made of other weights: to load it is to make it."""

    def __init__(self, pool: Pool, ref: Composed[Any]) -> None:
        self.key = f"made {ref.derived_key}"
        self._pool, self._ref = pool, ref

    def load(self, device: str, dtype: str) -> Any:
        with ExitStack() as leases:
            # In one order for everybody: nobody waits for what waits for him.
            parts = {
                part.key: leases.enter_context(self._pool.lease(part, device, dtype))
                for part in sorted(self._ref.parts, key=lambda part: part.key)
            }
            return self._ref.make([parts[part.key] for part in self._ref.parts])
