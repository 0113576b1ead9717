"""The pool of weights: loaded once, lent while a node runs, given up when memory is short."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from nodegraph.base.keys import digest
from nodegraph.cache import Budgets, Cache
from nodegraph.cache.pool import Pool
from tests.support.pretend import (
    DEVICE,
    MB,
    OTHER,
    Blob,
    Blobbed,
    Paint,
    Pretend,
    PretendOutOfMemoryError,
    PretendRef,
    load,
)

pytestmark = pytest.mark.usefixtures("even_clock")


@pytest.fixture
def cache(pretend: Pretend) -> Cache:
    return Cache.in_memory(Budgets(device=4 * MB, host=4 * MB), pretend)


def test_weights_are_loaded_once(pool: Pool, pretend: Pretend) -> None:
    ref = PretendRef("unet", MB, pretend)

    with pool.lease(ref, DEVICE, "float16") as first:
        pass
    with pool.lease(ref, DEVICE, "float16") as again:
        pass

    assert first is again
    assert ref.loads == [f"{DEVICE} float16"]


def test_another_reference_to_the_same_weights_gets_them(pool: Pool, pretend: Pretend) -> None:
    refs = [PretendRef("unet", MB, pretend) for _ in range(2)]

    with (
        pool.lease(refs[0], DEVICE, "float16") as first,
        pool.lease(refs[1], DEVICE, "float16") as second,
    ):
        assert first is second


def test_weights_in_another_dtype_are_other_weights(pool: Pool, pretend: Pretend) -> None:
    ref = PretendRef("unet", MB, pretend)

    for dtype in ("float16", "float32"):
        load(pool, ref, DEVICE, dtype)

    assert ref.loads == [f"{DEVICE} float16", f"{DEVICE} float32"]


def test_weights_and_values_compete_for_one_budget(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    load(pool, PretendRef("unet", 3 * MB, pretend), DEVICE, "float16")
    for name in (b"a", b"b"):
        output = Blobbed(blob=Blob(pretend.block(MB)))
        cache.put(digest(name), output, kind=Paint, seconds=60, parts=dict)
    output = Blobbed(blob=Blob(pretend.block(1000)))
    del output

    assert cache.sizes()[DEVICE].bytes == 2 * MB + 512
    assert cache.sizes()["host"].bytes == 3 * MB
    assert pretend.used == {DEVICE: 2 * MB, "cpu": 3 * MB}


def test_leased_weights_do_not_move(cache: Cache, pool: Pool, pretend: Pretend) -> None:
    with pool.lease(PretendRef("unet", 3 * MB, pretend), DEVICE, "float16") as weights:
        for name in (b"a", b"b", b"c"):
            output = Blobbed(blob=Blob(pretend.block(MB)))
            cache.put(digest(name), output, kind=Paint, seconds=60, parts=dict)
        del output
        cache.shrink()
        assert weights.block.device == DEVICE
        assert pretend.used[DEVICE] == 3 * MB

    cache.shrink()
    assert weights.block.device == "cpu"


def test_weights_larger_than_the_budget_are_given_up_after_use(
    pool: Pool, pretend: Pretend
) -> None:
    with pool.lease(PretendRef("unet", 6 * MB, pretend), DEVICE, "float16"):
        assert pretend.used[DEVICE] == 6 * MB

    assert pretend.used == {DEVICE: 0, "cpu": 0}


def test_weights_come_back_from_the_host_without_loading(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    ref = PretendRef("unet", 3 * MB, pretend)
    load(pool, ref, DEVICE, "float16")
    cache.shrink()

    with pool.lease(ref, DEVICE, "float16") as weights:
        assert weights.block.device == DEVICE

    assert pretend.moves == [(DEVICE, "cpu"), ("cpu", DEVICE)]
    assert len(ref.loads) == 1
    assert cache.sizes()["host"].bytes == 0


def test_weights_dropped_from_the_host_are_loaded_again(pool: Pool, pretend: Pretend) -> None:
    refs = [PretendRef(str(i), 3 * MB, pretend) for i in range(3)]
    for ref in refs:
        load(pool, ref, DEVICE, "float16")

    load(pool, refs[0], DEVICE, "float16")

    assert [len(ref.loads) for ref in refs] == [2, 1, 1]
    assert pretend.used[DEVICE] == 3 * MB


def test_room_is_made_before_weights_whose_size_is_known(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    pretend.capacity = 4 * MB
    refs = [PretendRef(str(i), 3 * MB, pretend) for i in range(2)]
    load(pool, refs[0], DEVICE, "float16")
    cache.shrink()
    load(pool, refs[1], DEVICE, "float16")

    load(pool, refs[0], DEVICE, "float16")

    assert pretend.used[DEVICE] == 3 * MB


def test_when_memory_runs_out_while_loading_room_is_made(pool: Pool, pretend: Pretend) -> None:
    pretend.capacity = 4 * MB
    for name in ("first", "second"):
        load(pool, PretendRef(name, 3 * MB, pretend), DEVICE, "float16")

    assert pretend.used == {DEVICE: 3 * MB, "cpu": 3 * MB}


def test_what_does_not_fit_at_all_is_said(pool: Pool, pretend: Pretend) -> None:
    with (
        pytest.raises(PretendOutOfMemoryError),
        pool.lease(PretendRef("unet", 9 * MB, pretend), DEVICE, "float16"),
    ):
        pytest.fail("it fitted")


def test_weights_that_do_not_come_back_are_loaded_again(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    ref = PretendRef("unet", 3 * MB, pretend)
    load(pool, ref, DEVICE, "float16")
    cache.shrink()
    pretend.capacity = MB
    with pytest.raises(PretendOutOfMemoryError), pool.lease(ref, DEVICE, "float16"):
        pass
    pretend.capacity = 4 * MB

    load(pool, ref, DEVICE, "float16")

    assert len(ref.loads) == 2


@pytest.mark.parametrize("error", [OSError("no such file"), KeyboardInterrupt()])
def test_a_failed_load_can_be_tried_again(
    pool: Pool, pretend: Pretend, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = PretendRef("unet", MB, pretend)

    def fail(*_: object) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(PretendRef, "load", fail)
        with pytest.raises(type(error)):
            load(pool, ref, DEVICE, "float16")

    load(pool, ref, DEVICE, "float16")
    assert len(ref.loads) == 1


def test_threads_that_want_the_same_weights_wait_for_one_load(
    pool: Pool, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = PretendRef("unet", MB, pretend)
    load, may_load, together = PretendRef.load, Event(), Barrier(4)
    seen: list[object] = []

    def slow(self: PretendRef, device: str, dtype: str) -> Any:
        may_load.wait(60)
        return load(self, device, dtype)

    def work() -> None:
        together.wait(60)
        with pool.lease(ref, DEVICE, "float16") as weights:
            seen.append(weights)

    monkeypatch.setattr(PretendRef, "load", slow)
    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    together.wait(60)
    may_load.set()
    for thread in threads:
        thread.join(60)

    assert len(seen) == 3
    assert len(set(map(id, seen))) == 1
    assert len(ref.loads) == 1


def test_weights_leased_on_one_device_are_waited_for_on_another(
    pool: Pool, pretend: Pretend
) -> None:
    ref = PretendRef("unet", MB, pretend)
    got, device = Event(), []

    def work() -> None:
        with pool.lease(ref, OTHER, "float16") as weights:
            device.append(weights.block.device)
            got.set()

    with pool.lease(ref, DEVICE, "float16") as here:
        thread = Thread(target=work)
        thread.start()
        assert not got.wait(0.05)
        assert here.block.device == DEVICE
    thread.join(60)

    assert device == [OTHER]
    assert len(ref.loads) == 1


def test_weights_of_the_host_are_entries_of_the_host(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    load(pool, PretendRef("unet", MB, pretend), "cpu", "float32")

    assert cache.sizes()["host"].bytes == MB


def test_many_threads_and_little_room_end_well(pool: Pool, pretend: Pretend) -> None:
    refs = [PretendRef(str(i), 3 * MB // 2, pretend) for i in range(4)]
    failures: list[BaseException] = []

    def work(which: int) -> None:
        try:
            for i in range(40):
                with pool.lease(refs[(which + i) % 4], DEVICE, "float16") as weights:
                    assert weights.block.device == DEVICE
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert pretend.used[DEVICE] <= 4 * MB


@dataclass(slots=True)
class SizedRef(PretendRef):
    """A reference that tells its size before it is loaded."""

    def nbytes(self, dtype: str) -> int:  # noqa: ARG002
        return self.size


def test_weights_that_fit_in_are_there_before_they_are_leased(pool: Pool, pretend: Pretend) -> None:
    ref = SizedRef("unet", 3 * MB, pretend)

    pool.prefetch(ref, DEVICE, "float16")
    pool.prefetch(ref, DEVICE, "float16")
    with pool.lease(ref, DEVICE, "float16"):
        pass

    assert len(ref.loads) == 1


def test_weights_that_never_fit_are_not_loaded_ahead_and_fail_only_who_needs_them(
    pool: Pool, pretend: Pretend
) -> None:
    ref = SizedRef("unet", 9 * MB, pretend)

    pool.prefetch(ref, DEVICE, "float16")

    assert ref.loads == []
    with pytest.raises(PretendOutOfMemoryError), pool.lease(ref, DEVICE, "float16"):
        pass


@pytest.mark.parametrize("held", ["leased", "known", "pinned"])
def test_nothing_goes_for_weights_that_nobody_waits_for(
    cache: Cache, pool: Pool, pretend: Pretend, held: str
) -> None:
    other, ref = PretendRef("other", 3 * MB, pretend), SizedRef("unet", 2 * MB, pretend)
    with ExitStack() as leases:
        if held == "leased":
            leases.enter_context(pool.lease(other, DEVICE, "float16"))
        elif held == "known":
            load(pool, other, DEVICE, "float16")
        else:
            cache.pin(digest(b"a"))
            output = Blobbed(blob=Blob(pretend.block(3 * MB)))
            cache.put(digest(b"a"), output, kind=Paint, seconds=60, parts=dict)

        pool.prefetch(ref, DEVICE, "float16")

        assert ref.loads == []
        assert pretend.used == {DEVICE: 3 * MB}


def test_weights_of_an_unknown_size_are_not_loaded_ahead(pool: Pool, pretend: Pretend) -> None:
    ref = PretendRef("unet", MB, pretend)

    pool.prefetch(ref, DEVICE, "float16")

    assert ref.loads == []


def test_running_out_of_memory_ahead_of_time_frees_nothing(pool: Pool, pretend: Pretend) -> None:
    other, ref = PretendRef("other", 2 * MB, pretend), SizedRef("unet", 2 * MB, pretend)
    load(pool, other, DEVICE, "float16")
    pretend.capacity = 3 * MB

    with pytest.raises(PretendOutOfMemoryError):
        pool.prefetch(ref, DEVICE, "float16")

    assert pretend.used == {DEVICE: 2 * MB}
    assert pretend.moves == []


def test_weights_on_the_host_are_brought_ahead_of_time(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    ref = SizedRef("unet", MB, pretend)
    load(pool, ref, DEVICE, "float16")
    cache.shrink()

    pool.prefetch(ref, DEVICE, "float16")

    assert pretend.used == {DEVICE: MB, "cpu": 0}
    assert len(ref.loads) == 1


def test_what_is_of_use_on_its_device_alone_is_dropped_and_not_moved(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    makes: list[int] = []

    def make() -> tuple[object, int]:
        makes.append(len(makes))
        return pretend.block(2 * MB), 2 * MB

    for _ in range(2):
        with pool.hold("graph", DEVICE, make):
            load(pool, PretendRef("unet", 3 * MB, pretend), DEVICE, "float16")
            assert cache.on(DEVICE, "graph")
    assert makes == [0]
    cache.shrink()

    assert not cache.on(DEVICE, "graph")
    assert pretend.used == {DEVICE: 0, "cpu": 3 * MB}
    with pool.hold("graph", DEVICE, make):
        cache.forget("graph")
    assert (makes, cache.sizes()[DEVICE].bytes) == ([0, 1], 0)


def test_what_cannot_be_made_leaves_nothing_behind(cache: Cache, pool: Pool) -> None:
    def fail() -> tuple[object, int]:
        raise RuntimeError("out of paint")

    with pytest.raises(RuntimeError, match="out of paint"), pool.hold("graph", DEVICE, fail):
        pass

    assert cache.sizes()[DEVICE].entries == 0


def test_weights_that_are_still_needed_go_after_those_that_are_not(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    names = ("first", "second", "third", "fourth")
    refs = {name: PretendRef(name, MB, pretend) for name in names}
    for ref in refs.values():
        load(pool, ref, DEVICE, "float16")
    first = pool.keys([refs["first"]], "float16")

    def left() -> list[str]:
        return [name for name in names if cache.on(DEVICE, (name, "float16"))]

    cache.want(first)
    load(pool, PretendRef("a", MB, pretend), DEVICE, "float16")
    load(pool, PretendRef("b", MB, pretend), DEVICE, "float16")
    assert left() == ["first", "fourth"]
    cache.unwant(first)
    load(pool, refs["fourth"], DEVICE, "float16")
    for name in "cde":
        load(pool, PretendRef(name, MB, pretend), DEVICE, "float16")

    assert left() == ["fourth"]


def test_what_is_needed_goes_where_nothing_else_can(
    cache: Cache, pool: Pool, pretend: Pretend
) -> None:
    ref = PretendRef("first", 3 * MB, pretend)
    load(pool, ref, DEVICE, "float16")
    cache.want(pool.keys([ref], "float16"))

    load(pool, PretendRef("large", 3 * MB, pretend), DEVICE, "float16")

    assert pretend.used[DEVICE] == 3 * MB
