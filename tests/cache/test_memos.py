"""Memos: what nodes keep on their way is found again by its content, and may be gone any time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from nodegraph.cache import Budgets, Cache
from nodegraph.cache import cache as cache_module
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.node import Memo
from nodegraph.settings import Settings
from nodegraph.values.leaves import OpaqueError
from tests.support.pretend import DEVICE, MB, Blob, Paint, Pretend
from tests.support.storing import Draw, Pixels


class Sum(Memo):
    """A sum that somebody worked out."""

    value: int


class Product(Memo):
    """A product that somebody worked out."""

    value: int


class Sketch(Memo):
    """An array."""

    pixels: Pixels


class Held(Memo):
    """A block of bytes."""

    blob: Blob


def context(cache: Cache, **settings: Any) -> RunContext:
    chosen = Settings(**settings)
    return RunContext(chosen, chosen.devices[0], Workflow(), cache)


@pytest.fixture
def pretend() -> Pretend:
    return Pretend()


def on_device(pretend: Pretend, cache: Cache) -> RunContext:
    assert cache.tensors is pretend
    return context(cache, devices=(DEVICE,))


def test_what_was_kept_is_found_under_the_same_parts_alone() -> None:
    at = context(Cache.in_memory())
    at.keep(Sum(value=7), "a", 3, seconds=1)

    assert at.recall(Sum, "a", 3) == Sum(value=7)
    assert at.recall(Sum, "a", 3.0) is None
    assert at.recall(Sum, "a3") is None
    assert at.recall(Product, "a", 3) is None


def test_parts_count_by_their_content() -> None:
    at = context(Cache.in_memory())
    one, same, other = np.arange(6), np.arange(6), np.arange(6) + 1
    at.keep(Sum(value=15), Pixels(one), seconds=1)

    assert at.recall(Sum, Pixels(same)) == Sum(value=15)
    assert at.recall(Sum, Pixels(other)) is None
    assert at.digest(one) == at.digest(same) != at.digest(other)


def test_what_has_no_content_cannot_be_a_part() -> None:
    with pytest.raises(OpaqueError, match="object has no digest"):
        context(Cache.in_memory()).recall(Sum, object())


def test_another_dtype_or_kind_of_device_finds_nothing() -> None:
    cache = Cache.in_memory()
    context(cache).keep(Sum(value=7), "a", seconds=1)

    assert context(cache, dtype="float16").recall(Sum, "a") is None
    assert context(cache, devices=("cuda:0",)).recall(Sum, "a") is None


def test_another_version_of_the_class_or_other_packages_are_kept_apart() -> None:
    def kind(number: int, *names: str) -> Memo:
        class Term(Memo):
            version: ClassVar[int] = number
            packages: ClassVar[tuple[str, ...]] = names

        return Term()

    at = context(Cache.in_memory())
    for memo in (kind(1), kind(1), kind(2), kind(1, "pytest")):
        at.keep(memo, seconds=1)

    assert at.cache.sizes()["host"].entries == 3


def test_a_memo_is_made_once_while_it_is_held() -> None:
    at, made = context(Cache.in_memory()), []

    def make() -> Sum:
        made.append(1)
        return Sum(value=len(made))

    assert at.kept(Sum, make, "a").value == 1
    assert at.kept(Sum, make, "a").value == 1
    at.cache.clear()
    assert at.kept(Sum, make, "a").value == 2


def test_what_is_kept_can_no_longer_be_written_into() -> None:
    at = context(Cache.in_memory())
    at.keep(Sketch(pixels=Pixels(np.zeros(4))), seconds=1)

    found = at.recall(Sketch)

    assert found is not None
    with pytest.raises(ValueError, match="read-only"):
        found.pixels.array[0] = 1


def test_memos_count_in_the_budget_and_come_back_from_the_host(pretend: Pretend) -> None:
    cache = Cache.in_memory(Budgets(device=2 * MB + 1024, host=8 * MB), pretend)
    at = on_device(pretend, cache)
    for name in "abc":
        at.keep(Held(blob=Blob(pretend.block(MB), name)), name, seconds=1)
    assert cache.sizes()[DEVICE].entries == 2

    found = at.recall(Held, "a")

    assert found is not None
    assert found.blob.block.device == DEVICE


def test_without_room_a_memo_is_gone_and_nothing_else_happens(pretend: Pretend) -> None:
    at = on_device(pretend, Cache.in_memory(Budgets(device=0, host=0), pretend))
    at.keep(Held(blob=Blob(pretend.block(MB))), seconds=1)

    assert at.recall(Held) is None
    assert pretend.used.total() == 0


def test_the_quick_ones_go_first(pretend: Pretend) -> None:
    at = on_device(pretend, Cache.in_memory(Budgets(device=0, host=2 * MB + 1024), pretend))
    for name, seconds in (("slow", 9.0), ("quick", 0.1), ("middling", 1.0)):
        at.keep(Held(blob=Blob(pretend.block(MB))), name, seconds=seconds)

    assert [name for name in ("slow", "quick", "middling") if at.recall(Held, name)] == [
        "slow",
        "middling",
    ]


def test_another_process_finds_what_took_long_enough(tmp_path: Path) -> None:
    first = Cache(tmp_path)
    array = np.arange(12.0).reshape(3, 4)
    slow, quick = cache_module.WORTH_WRITING, cache_module.WORTH_WRITING / 2
    context(first).keep(Sketch(pixels=Pixels(array)), "slow", seconds=slow)
    context(first).keep(Sketch(pixels=Pixels(array)), "quick", seconds=quick)
    first.close()

    second = context(Cache(tmp_path))

    found = second.recall(Sketch, "slow")
    assert found is not None
    assert found.pixels.array.tolist() == array.tolist()
    assert second.recall(Sketch, "quick") is None


def test_a_damaged_file_is_a_miss(tmp_path: Path) -> None:
    first = Cache(tmp_path)
    context(first).keep(Sketch(pixels=Pixels(np.ones(9))), seconds=1)
    first.close()
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"!")

    assert context(Cache(tmp_path)).recall(Sketch) is None


def test_memos_are_no_calls() -> None:
    cache = Cache.in_memory()
    context(cache).keep(Sum(value=7), seconds=1)

    assert cache.recent(Paint) == cache.recent(Draw) == []
    assert cache.sizes()["host"].entries == 1
