"""The memory that work takes: learned, kept, and used to run as many items together as fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nodegraph import Builder, Cache, Node, Output, Settings, each, execute, plan
from nodegraph.cache import Budgets
from nodegraph.cache.needs import KINDS, SIZES, Needs
from nodegraph.errors import DoesNotFitError
from nodegraph.events import Outcome
from nodegraph.node import Context, Work
from nodes.diffusion.estimate import SIDE, peak_bytes
from nodes.latents import Enlarge
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Denoise, EncodePrompt
from nodes.types import Latents

from ..support.pictures import gradient
from ..support.pretend import DEVICE, MB, Pretend, PretendRef
from ..support.running_toys import followed
from ..support.weights import Bench

ON = Settings(devices=(DEVICE,))


def test_what_was_measured_is_known_to_later_processes(tmp_path: Path) -> None:
    path = tmp_path / "needs.json"
    Needs(path).note("decode", 100, 4000)

    later = Needs(path)

    assert later.expect("decode", 100) == 4000
    assert later.expect("encode", 100) is None
    assert [each.name for each in tmp_path.iterdir()] == ["needs.json"]


@pytest.mark.parametrize(
    ("size", "expected"), [(50, 2000), (100, 4000), (150, 5000), (200, 6000), (400, 12000)]
)
def test_between_and_beyond_what_was_measured_it_grows_with_the_size(
    size: int, expected: int
) -> None:
    needs = Needs(None)
    needs.note("decode", 100, 4000)
    needs.note("decode", 200, 6000)

    assert needs.expect("decode", size) == expected


def test_the_most_that_was_ever_taken_counts() -> None:
    needs = Needs(None)
    for most in (3000, 4000, 2000):
        needs.note("decode", 100, most)

    assert needs.expect("decode", 100) == 4000


def test_two_processes_learn_from_each_other(tmp_path: Path) -> None:
    one, other = (Needs(tmp_path / "needs.json") for _ in range(2))
    one.note("decode", 1, 10)
    other.note("encode", 1, 20)

    one.note("denoise", 1, 30)

    assert sorted(json.loads((tmp_path / "needs.json").read_text())) == [
        "decode", "denoise", "encode"
    ]  # fmt: skip
    assert one.expect("encode", 1) == 20


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"decode": 1}', '{"decode": {"x": 1}}', "\0"])
def test_a_damaged_file_is_as_good_as_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "needs.json"
    path.write_text(text)
    needs = Needs(path)

    before = needs.expect("decode", 1)
    needs.note("decode", 1, 5)

    assert (before, Needs(path).expect("decode", 1)) == (None, 5)


def test_only_so_much_is_remembered(tmp_path: Path) -> None:
    needs = Needs(tmp_path / "needs.json")
    for index in range(KINDS + 3):
        needs.note(f"work {index}", 1, 1)
    for size in range(1, SIZES + 3):
        needs.note("work 9", size, size)

    known = json.loads((tmp_path / "needs.json").read_text())
    assert (len(known), "work 0" in known, "work 3" in known) == (KINDS, False, True)
    assert min(map(int, known["work 9"])) == 3


class Made(Output):
    """A number."""

    value: int


class Works(Node):
    """Take a megabyte of the device for each item, beside weights of two."""

    value: int
    size: int = 10
    lane = "device"
    pretend: ClassVar[Pretend]
    weights: ClassVar[PretendRef]
    batches: ClassVar[list[int]] = []
    guessed: ClassVar[list[str]] = []

    def run(self, context: Context) -> Made:
        return self.run_batch([self], context)[0]

    @classmethod
    def run_batch(cls, items: Sequence[Works], context: Context) -> list[Made]:
        cls.batches.append(len(items))
        with context.lease(cls.weights):
            taken = [cls.pretend.block(item.size * MB // 10) for item in items]
        return [Made(value=item.value + len(taken)) for item in items]

    def work(self) -> Work | None:
        return Work("works", self.size, (self.weights,), self.guess)

    @classmethod
    def guess(cls, dtype: str) -> int:
        cls.guessed.append(dtype)
        return MB


@pytest.fixture
def pretend() -> Pretend:
    Works.pretend = pretend = Pretend(capacity=8 * MB)
    Works.weights = PretendRef("works", 2 * MB, pretend)
    Works.batches.clear()
    Works.guessed.clear()
    return pretend


def work(cache: Cache, values: Sequence[int], settings: Settings = ON, **inputs: Any) -> Outcome:
    g = Builder()
    g.result("made", g.add("works", Works, value=each(list(values)), **inputs).value)
    return followed(execute(plan(g.workflow(), g.registry), cache, settings))[1]


def test_a_batch_is_as_large_as_fits_once_it_is_known(pretend: Pretend) -> None:
    cache = Cache.in_memory(Budgets(), pretend)
    work(cache, [1])

    outcome = work(cache, range(2, 12), Settings(devices=(DEVICE,), batch=10))

    assert Works.batches == [1, 6, 4]
    assert outcome.degraded["works[9]"] == ("batch 4 of 10",)


def test_what_a_process_learned_the_next_one_knows(pretend: Pretend) -> None:
    first = Cache(tensors=pretend)
    work(first, [1])
    first.close()
    first.clear()

    work(Cache(tensors=pretend), range(2, 12), Settings(devices=(DEVICE,), batch=10))

    assert Works.batches == [1, 6, 4]


def test_what_is_cached_makes_room_but_not_the_weights_that_are_needed(pretend: Pretend) -> None:
    cache = Cache.in_memory(Budgets(device=8 * MB), pretend)
    work(cache, [1])
    with cache.pool.lease(PretendRef("other", 5 * MB, pretend), DEVICE, "float32"):
        pass

    work(cache, [2, 3, 4])

    assert Works.batches == [1, 3]
    assert pretend.moves == [(DEVICE, "cpu")]
    assert len(Works.weights.loads) == 1


def test_nothing_is_guessed_without_a_budget(pretend: Pretend) -> None:
    work(Cache.in_memory(Budgets(), pretend), range(3))

    assert Works.guessed == []


def test_work_never_measured_is_guessed_where_there_is_a_budget(pretend: Pretend) -> None:
    work(Cache.in_memory(Budgets(device=4 * MB), pretend), range(8), Settings((DEVICE,), batch=8))

    assert set(Works.guessed) == {"float32"}
    assert Works.batches[0] == 5  # of 8 MB, 1.5 each


def test_what_cannot_fit_says_what_it_takes_and_what_would_fit(pretend: Pretend) -> None:
    cache = Cache.in_memory(Budgets(), pretend)
    work(cache, [1])

    (error,) = work(cache, [2], size=80).failures

    assert isinstance(error.cause, DoesNotFitError)
    assert error.cause.fits == (
        "it takes about 8 MB beside weights, 6 MB can be had: a picture of 75 % of the pixels would"
        " fit, or dtype float16"
    )
    assert pretend.used[DEVICE] <= 2 * MB


def test_who_forbids_it_is_told_which_batch_would_fit(pretend: Pretend) -> None:
    cache = Cache.in_memory(Budgets(), pretend)
    work(cache, [1])

    outcome = work(cache, range(2, 10), Settings((DEVICE,), batch=8, on_oom="fail"))

    assert {error.cause.fits for error in outcome.failures} == {  # type: ignore[attr-defined]
        "it takes about 8 MB beside weights, 6 MB can be had: a batch of 6 would fit"
    }


def test_a_guess_is_what_a_cpu_takes_and_grows_with_the_picture() -> None:
    import torch

    from nodes.diffusion.live_bytes import LiveBytes

    weights = LoadBaseModel(model="tiny").run(Bench()).model.vae
    vae: Any = weights.load("cpu", "float32")
    latents = torch.zeros(1, vae.config.latent_channels, SIDE, SIDE)

    with torch.no_grad(), LiveBytes() as counted:
        vae.decode(latents)

    assert peak_bytes(weights, SIDE**2, "float32") == counted.most
    assert peak_bytes(weights, 4 * SIDE**2, "float16") == 2 * counted.most


def test_a_guess_leaves_nothing_behind() -> None:
    import torch

    weights = LoadBaseModel(model="tiny").run(Bench()).model.unet

    assert (peak_bytes(weights, SIDE**2, "float32") or 0) > 0

    assert torch.empty(1).device.type == "cpu"
    assert type(torch.empty(1)) is torch.Tensor


def steered(strength: float = 1.0) -> Denoise:
    """A picture of as many latents as a guess is made at, under one control."""
    bench, size = Bench(), 8 * SIDE
    base = LoadBaseModel(model="tiny").run(bench).model
    net = LoadControlNet(model="tiny-canny").run(bench).controlnet
    said = EncodePrompt(model=base, prompt="a face").run(bench).conditioning
    control = Control(image=gradient(size, size), controlnet=net, strength=strength)
    return Denoise(
        model=base,
        prompt=said,
        negative_prompt=said,
        controls=[control.run().control],
        guidance_scale=1,
        width=size,
        height=size,
    )


def test_a_guess_of_a_step_counts_its_controlnets() -> None:
    import torch

    from nodes.diffusion.live_bytes import LiveBytes

    node = steered()
    unet: Any = node.model.unet.load("cpu", "float32")
    net: Any = node.controls[0].model.net.load("cpu", "float32")
    sample = torch.zeros(1, unet.config.in_channels, SIDE, SIDE)
    told = torch.ones(1), torch.zeros(1, 77, unet.config.cross_attention_dim)
    picture = torch.zeros(1, 3, 8 * SIDE, 8 * SIDE)

    with torch.no_grad(), LiveBytes() as counted:
        down, middle = net(sample, *told, picture, return_dict=False)
        unet(
            sample,
            *told,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        )

    guess = node.work().guess
    assert guess is not None
    alone = peak_bytes(node.model.unet, SIDE**2, "float32")
    assert counted.most * 0.95 < (guess("float32") or 0) < counted.most * 1.05
    assert (alone or 0) < counted.most * 0.9


def test_a_controlnet_that_counts_at_no_step_is_no_part_of_the_work() -> None:
    node = steered(strength=0)

    work = node.work()

    assert work.weights == (node.model.unet,)
    assert work.guess is not None
    assert work.guess("float32") == peak_bytes(node.model.unet, SIDE**2, "float32")


@pytest.mark.parametrize("within", ["pixels", "latents"])
def test_enlarging_tells_what_it_does_and_how_much_of_it(within: Any) -> None:
    import torch

    model = LoadBaseModel(model="tiny").run(Bench()).model
    latents = Latents(torch.zeros(8, 6, 4), model.vae.key)
    given: list[dict[str, Any]] = [
        {"latents": latents},
        {"image": gradient(32, 48)},
        {"latents": latents, "factor": 3.0},
        {"image": gradient(64, 48)},
    ]

    works = [Enlarge(model=model, within=within, **one).work() for one in given]

    assert [work.size if work else 0 for work in works] == [1536, 1536, 1536, 3072]
    assert len({work.name if work else "" for work in works}) == 3
    assert {work.weights if work else () for work in works} == {(model.vae,)}


def test_enlarging_nothing_is_told_when_it_runs() -> None:
    model = LoadBaseModel(model="tiny").run(Bench()).model

    assert Enlarge(model=model).work() is None
