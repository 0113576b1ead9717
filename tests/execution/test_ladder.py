"""Memory that runs out: what is tried, what results say of it, and that nothing is kept after."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import numpy as np
import pytest

from nodegraph import Builder, Cache, Node, Output, Settings, each, execute, plan, run
from nodegraph.errors import DoesNotFitError
from nodegraph.events import Event, Finished, Outcome
from nodegraph.execution.local.ladder import Attempt, lower, rungs
from nodegraph.savings import Saving, Savings
from nodes.models import LoadBaseModel
from nodes.sampling import Decode
from nodes.types import DiffusionModel, Latents

from ..support.byte_budget import ByteBudget, Metered
from ..support.running_toys import followed

FAIL = Settings(on_oom="fail")


class Drawn(Output):
    """Latents out of nothing."""

    latents: Latents


class Draw(Node):
    """Draw latents by a seed, for a picture of 256 pixels."""

    model: DiffusionModel
    seed: int

    def run(self) -> Drawn:
        import torch

        noise = torch.randn(8, 32, 32, generator=torch.Generator().manual_seed(self.seed))
        return Drawn(latents=Latents(noise, self.model.vae.key))


def decode(
    seeds: Sequence[int], cache: Cache, settings: Settings | None = None
) -> tuple[list[Event], Outcome]:
    """Decode as many pictures of 256 pixels as there are seeds, all in one batch."""
    g = Builder("pictures")
    base = g.add("base", LoadBaseModel, model="tiny")
    drawn = g.add("drawn", Draw, model=base.model, seed=each(list(seeds)))
    decoded = g.add("decoded", Decode, model=base.model, latents=drawn.latents)
    g.result("latents", drawn.latents)
    g.result("images", decoded.image)
    run(plan(g.workflow(), g.registry, only=["latents"]), cache)
    return followed(execute(plan(g.workflow(), g.registry, only=["images"]), cache, settings))


def pixels(outcome: Outcome) -> list[np.ndarray]:
    images = outcome.results["images"]
    assert isinstance(images, list)
    return [image.pixels for image in images]


def computed(events: Sequence[Event]) -> int:
    """How many pictures were decoded that were not known."""
    return sum(isinstance(e, Finished) and e.name == "decoded" and not e.cached for e in events)


def degraded(events: Sequence[Event]) -> list[tuple[str, ...]]:
    return [e.degraded for e in events if isinstance(e, Finished) and e.name == "decoded"]


@pytest.fixture(scope="module")
def most() -> dict[int, int]:
    """Bytes that decoding so many pictures takes, the VAE's weights included."""
    found = {}
    for count in (1, 3, 4):
        with ByteBudget() as counted:
            decode(range(count), Cache.in_memory())
        found[count] = counted.most
    return found


def test_a_batch_of_four_finishes_where_two_fit_and_says_so(most: dict[int, int]) -> None:
    _, whole = decode(range(4), Cache.in_memory())

    with ByteBudget(most[3]) as budget:
        events, outcome = decode(range(4), Cache.in_memory())

    assert degraded(events) == [("batch 2 of 4",)] * 4
    assert outcome.degraded == {f"decoded[{item}]": ("batch 2 of 4",) for item in range(4)}
    assert budget.ooms == 2  # as it is, and with what could be freed
    for ours, theirs in zip(pixels(outcome), pixels(whole), strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_what_fits_is_not_degraded(most: dict[int, int]) -> None:
    with ByteBudget(most[4] * 102 // 100) as budget:  # the collector's time is not always the same
        events, outcome = decode(range(4), Cache.in_memory())

    assert degraded(events) == [()] * 4
    assert (outcome.degraded, budget.ooms) == ({}, 0)


def test_what_was_measured_once_is_never_tried_in_vain(most: dict[int, int]) -> None:
    with ByteBudget((most[3] + most[4]) // 2) as budget:
        cache = Cache.in_memory(tensors=Metered(budget))
        decode([9], cache)
        events, _ = decode(range(4), cache)

    assert all(degraded(events))
    assert budget.ooms == 0


def test_a_picture_too_large_is_decoded_in_tiles_and_close(most: dict[int, int]) -> None:
    _, whole = decode([1], Cache.in_memory())

    with ByteBudget(most[1] * 3 // 4) as budget:
        events, outcome = decode([1], Cache.in_memory())

    assert degraded(events) == [("tiled",)]
    assert budget.ooms >= 1
    assert np.abs(pixels(outcome)[0].astype(int) - pixels(whole)[0]).mean() < 12


def test_what_cannot_fit_says_so_keeps_no_byte_and_the_next_run_goes_well(
    most: dict[int, int],
) -> None:
    cache = Cache.in_memory()

    with ByteBudget(most[1] // 8) as budget:
        _, outcome = decode(range(4), cache)
        cache.clear()
        gc.collect()
        kept = budget.live

    (error, *others) = outcome.failures
    assert isinstance(error.cause, DoesNotFitError)
    assert str(error.cause).startswith(
        "does not fit into the memory of cpu; tried: a batch of 4; a batch of 2; a batch of 1;"
        " a batch of 1, tiled; "
    )
    assert error.inputs["latents"] == "Latents"
    assert (len(others), kept) == (3, 0)
    assert len(pixels(decode(range(4), cache)[1])) == 4


def test_who_forbids_it_gets_one_clear_error_at_once(most: dict[int, int]) -> None:
    with ByteBudget(most[1] // 2) as budget:
        _, outcome = decode([0], Cache.in_memory(), FAIL)

    assert budget.ooms <= 2  # as it is, and with what could be freed
    assert [str(error.cause) for error in outcome.failures] == [
        "does not fit into the memory of cpu; tried: as it is; a smaller size, a smaller batch or"
        " dtype float16 needs less"
    ]


def test_what_is_degraded_is_found_again_and_says_so_still(most: dict[int, int]) -> None:
    cache = Cache()
    with ByteBudget(most[3]):
        decode(range(4), cache)
    cache.close()

    events, outcome = decode(range(4), Cache())

    assert computed(events) == 0
    assert outcome.degraded["decoded[3]"] == ("batch 2 of 4",)


def test_what_is_degraded_is_made_anew_for_who_forbids_it(most: dict[int, int]) -> None:
    cache = Cache.in_memory()
    with ByteBudget(most[3]):
        decode(range(4), cache)

    events, outcome = decode(range(4), cache, FAIL)
    again, _ = decode(range(4), cache)

    assert computed(events) == 4
    assert (degraded(events), outcome.degraded) == ([()] * 4, {})
    assert degraded(again) == [()] * 4


@pytest.mark.parametrize(
    ("supported", "expected"),
    [
        ((), []),
        (("tiles",), [Savings(2), Savings(4)]),
        (("layers",), [Savings(1, offload="layers")]),
        (("models", "layers"), [Savings(1, offload="models"), Savings(1, offload="layers")]),
        (("tiles", "layers"), [Savings(2), Savings(4), Savings(4, offload="layers")]),
    ],
)
def test_a_node_is_tried_only_on_rungs_it_knows(
    supported: tuple[Saving, ...], expected: list[Savings]
) -> None:
    assert rungs(supported) == expected


def descent(count: int, supported: Sequence[Saving], fits: int) -> list[str]:
    """Every attempt on so many numbers where nothing larger than ``fits`` and no rung will do."""
    left: list[Attempt[int]] | None = [Attempt(tuple(range(count)))]
    made = []
    freed = True
    while left:
        attempt = left.pop()
        made.append(" ".join(map(str, (len(attempt.items), *attempt.degraded))))
        if len(attempt.items) > fits:
            lowered = lower(attempt, left, supported, freed=freed)
            left = left if lowered is None else lowered
            freed = False
    return made


def test_memory_is_freed_then_batches_halved_then_the_ladder_taken() -> None:
    assert descent(4, ("tiles", "layers"), 2) == ["4", "4", "2 batch 2 of 4", "2 batch 2 of 4"]
    assert descent(3, (), 1) == ["3", "3", "2 batch 2 of 3", *["1 batch 1 of 3"] * 3]
    assert descent(1, ("tiles", "layers"), 0) == [
        "1", "1", "1 tiled", "1 tiled", "1 tiled layers offloaded"
    ]  # fmt: skip
    assert descent(1, ("models", "layers"), 0) == [
        "1", "1", "1 models offloaded", "1 layers offloaded"
    ]  # fmt: skip


def test_what_waits_is_spared_what_has_been_in_vain() -> None:
    assert descent(4, ("tiles",), 0)[2:] == [
        "2 batch 2 of 4",
        "1 batch 1 of 4",
        "1 batch 1 of 4 tiled",
        "1 batch 1 of 4 tiled",
        *["1 batch 1 of 4 tiled"] * 3,
    ]
