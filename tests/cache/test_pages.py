"""Pages of mapped weights: who lets go of them, when, and that nothing is lost with them."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nodegraph import Builder, Cache, execute, plan
from nodegraph.cache import Budgets
from nodegraph.cache.pool import Pool
from nodegraph.events import Finished
from nodegraph.planning.types import Plan
from nodes.checkpoints.parts import Part
from nodes.models import LoadBaseModel
from nodes.sampling import Decode, Denoise, EncodePrompt
from nodes.weights.reference import Weights

from ..support.pretend import DEVICE, MB, Pretend, PretendRef
from ..support.weights import Bench, save_base

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@dataclass(slots=True)
class Book(PretendRef):
    """A reference to weights in a file, of which some pages were read."""

    pages: int = 0
    gone: list[int] = field(default_factory=list)

    def nbytes(self, dtype: str) -> int:  # noqa: ARG002
        return self.size

    def let_go(self, weights: Any, size: int) -> int:
        assert weights.block.device == "cpu"
        gone = min(size, self.pages)
        self.pages -= gone
        self.gone.append(gone)
        return gone


@pytest.fixture
def pretend() -> Pretend:
    return Pretend()


@pytest.fixture
def pool(pretend: Pretend) -> Pool:
    """A pool that keeps the pages of 8 MB."""
    return Cache.in_memory(Budgets(device=64 * MB, host=16 * MB), pretend).pool


def read(pool: Pool, *books: Book) -> None:
    for book in books:
        with pool.lease(book, "cpu", "float32"):
            book.pages = book.size


def books(pretend: Pretend, *sizes: int) -> list[Book]:
    return [Book(str(number), size * MB, pretend) for number, size in enumerate(sizes)]


def test_weights_that_are_not_too_much_keep_their_pages(pool: Pool, pretend: Pretend) -> None:
    some = books(pretend, 4, 4)

    read(pool, *some, *some)

    assert [book.gone for book in some] == [[], []]


def test_what_was_used_longest_ago_goes_first_and_no_more_than_must(
    pool: Pool, pretend: Pretend
) -> None:
    some = books(pretend, 3, 3, 4)
    read(pool, some[0], some[1], some[0])

    read(pool, some[2])

    assert [book.gone for book in some] == [[], [2 * MB], []]
    assert [len(book.loads) for book in some] == [1, 1, 1]


def test_what_went_is_counted_again_when_it_was_read_again(pool: Pool, pretend: Pretend) -> None:
    some = books(pretend, 4, 4, 4)
    read(pool, *some)

    read(pool, some[0])

    assert [book.gone for book in some] == [[4 * MB], [4 * MB], []]


def test_weights_that_are_leased_keep_theirs(pool: Pool, pretend: Pretend) -> None:
    first, second = books(pretend, 6, 6)

    with pool.lease(first, "cpu", "float32"):
        first.pages = first.size
        read(pool, second)
        read(pool, second)

        assert first.gone == []


def test_who_has_none_left_is_not_asked_again(pool: Pool, pretend: Pretend) -> None:
    some = books(pretend, 4, 4, 2, 4)
    read(pool, some[0], some[1])
    some[0].pages = MB  # that was all it read

    read(pool, some[2], some[3])

    assert [book.gone for book in some] == [[MB], [MB, MB], [], []]


def test_weights_that_are_only_loaded_ahead_have_none(pool: Pool, pretend: Pretend) -> None:
    first, second = books(pretend, 5, 5)
    read(pool, first)

    pool.prefetch(second, "cpu", "float32")

    assert (len(second.loads), first.gone) == (1, [])


def test_weights_on_a_device_have_none(pool: Pool, pretend: Pretend) -> None:
    some = books(pretend, 6, 6)

    for book in (*some, some[0]):
        with pool.lease(book, DEVICE, "float32"):
            book.pages = book.size

    assert [book.gone for book in some] == [[], []]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("saved") / "base")


def mapped(folder: Path) -> dict[str, int]:
    """Bytes of files below a folder that this process has in memory, by part of a model."""
    found: dict[str, int] = {}
    part = ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            path = line.split(maxsplit=5)[-1]
            part = Path(path).parent.name if path.startswith(str(folder)) else ""
        elif part and (rss := re.match(r"Rss:\s+(\d+) kB", line)):
            found[part] = found.get(part, 0) + int(rss[1]) * 1024
    return found


def loaded(saved: Path, part: Part, dtype: str = "float32") -> tuple[Weights, Any]:
    weights = Weights(part, str(saved / part), "key")
    return weights, weights.load("cpu", dtype)


@on_linux
@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_pages_go_and_come_back_with_the_same_numbers(saved: Path, part: Part) -> None:
    weights, module = loaded(saved, part)
    before = [one.clone() for one in module.parameters()]
    there = mapped(saved)[part]

    gone = weights.let_go(module, 2**40)

    assert there >= gone > 0
    assert mapped(saved)[part] == 0
    assert all(map(_equal, before, module.parameters()))
    assert mapped(saved)[part] > 0


@on_linux
def test_only_as_much_goes_as_is_asked_for(saved: Path) -> None:
    weights, module = loaded(saved, "unet")
    for one in module.parameters():
        one.sum()
    there = mapped(saved)["unet"]

    gone = weights.let_go(module, there // 2)

    assert there // 2 <= gone < there // 2 + 2**16
    assert mapped(saved)["unet"] == there - gone


@on_linux
def test_what_was_written_to_weights_stays(saved: Path) -> None:
    weights, module = loaded(saved, "unet")
    place = next(iter(module.parameters()))
    place.data.numpy()[...] = 7

    gone = weights.let_go(module, 2**40)

    assert gone == 0
    assert bool((place == 7).all())


@on_linux
@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_weights_that_were_converted_are_no_pages_of_a_file(saved: Path, part: Part) -> None:
    weights, module = loaded(saved, part, "bfloat16")

    assert weights.let_go(module, 2**40) == 0
    assert mapped(saved).get(part, 0) == 0


@on_linux
def test_a_model_that_has_been_used_makes_room_for_the_next(saved: Path) -> None:
    model = LoadBaseModel(model=str(saved)).run(Bench()).model
    parts = (model.text_encoder, model.unet, model.vae)
    sizes = [one.nbytes("float32") for one in parts]
    # All weights fit in, and half of the budget is what the largest of them takes.
    cache = Cache.in_memory(Budgets(host=2 * max(sizes)))
    pages: dict[str, dict[str, int]] = {}

    for event in execute(picture(saved), cache):
        if isinstance(event, Finished):
            pages[event.name] = mapped(saved)

    assert pages["drawn"]["text_encoder"] == 0
    assert pages["drawn"]["unet"] > 0
    assert pages["decoded"]["vae"] > 0
    assert pages["decoded"]["unet"] < pages["drawn"]["unet"]


def picture(saved: Path) -> Plan:
    g = Builder("picture")
    base = g.add("base", LoadBaseModel, model=str(saved))
    text = g.add("text", EncodePrompt, model=base.model, prompt="a red circle")
    drawn = g.add(
        "drawn",
        Denoise,
        model=base.model,
        prompt=text.conditioning,
        negative_prompt=text.conditioning,
        steps=2,
        width=64,
        height=64,
    )
    decoded = g.add("decoded", Decode, model=base.model, latents=drawn.latents)
    g.result("image", decoded.image)
    return plan(g.workflow(), g.registry)


def _equal(one: Any, other: Any) -> bool:
    return bool((one == other).all())
