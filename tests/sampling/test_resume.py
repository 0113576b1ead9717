"""A run goes on from where an earlier one was that began alike, to the very same bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodegraph import Builder
from nodegraph.cache import Budgets, Cache
from nodegraph.events import Finished, Progressed
from nodegraph.execution.context import RunContext
from nodegraph.execution.execute import execute
from nodegraph.graph.workflow import Workflow
from nodegraph.inspection.explain import explain
from nodegraph.node import Node, Output
from nodegraph.planning.plan import plan
from nodegraph.planning.types import Plan
from nodegraph.savings import Savings
from nodegraph.settings import Settings
from nodes.diffusion.schedulers import SCHEDULERS, SchedulerName
from nodes.latents import EncodeImage
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Denoise, EncodePrompt
from nodes.types import Control as Controlling
from nodes.types import DiffusionModel, Image, Mask

from ..support.running_toys import followed

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 6
STATE = 2048 + 5056
"""Bytes of a state after a step of Euler's: latents, and a generator."""


def fresh(folder: Path | None = None) -> RunContext:
    cache = Cache(folder) if folder else Cache.in_memory()
    return RunContext(Settings(), "cpu", Workflow(), cache)


def picture(number: int) -> Image:
    blocks = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image(np.kron(blocks, np.ones((8, 8, 1), np.uint8)))


@pytest.fixture(scope="module")
def plain() -> Denoise:
    """A picture under a prompt, of a few steps."""
    model: DiffusionModel = LoadBaseModel(model="tiny").run(HERE).model
    prompt, empty = (
        EncodePrompt(model=model, prompt=text).run(HERE).conditioning for text in ("a house", "")
    )
    return Denoise(
        model=model, prompt=prompt, negative_prompt=empty, steps=STEPS, width=64, height=64
    )


HERE = fresh()


def control(net: str = "tiny-canny", number: int = 0, **how: Any) -> Controlling:
    found = LoadControlNet(model=net).run(HERE).controlnet
    return Control(image=picture(number), controlnet=found, **how).run().control


def under(node: Denoise, *controls: Controlling, **changes: Any) -> Denoise:
    return node.model_copy(update={"controls": list(controls), **changes})


def batch(node: Denoise, count: int) -> list[Denoise]:
    """The same, with other seeds and guidance."""
    return [
        node.model_copy(update={"seed": node.seed + i, "guidance_scale": 3.0 + i})
        for i in range(count)
    ]


def ran(nodes: list[Denoise], context: RunContext) -> tuple[list[int], list[Any]]:
    """At which steps it told of its progress, and its latents."""
    steps, told = Denoise.run_batch(nodes, context), []
    while True:
        try:
            told.append(next(steps).done)
        except StopIteration as end:
            return told, [one.latents.values for one in end.value]


def assert_resumed(
    first: list[Denoise], then: list[Denoise], at: int, total: int = STEPS, of: Any = fresh
) -> None:
    """After ``first`` ran, ``then`` begins at a step, and comes out as if nothing had run."""
    import torch

    context = of()
    ran(first, context)

    told, found = ran(then, context)

    assert told == list(range(max(at, 1), total + 1))
    assert all(map(torch.equal, found, ran(then, of())[1]))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_goes_on_to_the_same_bits(
    plain: Denoise, scheduler: SchedulerName, count: int
) -> None:
    node = plain.model_copy(update={"scheduler": scheduler})
    total = len(timesteps(node))
    first, then = (under(node, control(end=end)) for end in (1.0, 0.5))

    assert_resumed(batch(first, count), batch(then, count), total // 2, total)


def timesteps(node: Denoise) -> Any:
    from nodes.diffusion.schedulers import Scheduler

    return Scheduler(node.scheduler, node.model.scheduler, node.steps, "cpu").timesteps


TWO = {"tiny-openpose": {"start": 0.2}, "tiny-canny": {}}


def two(node: Denoise, **changes: dict[str, Any]) -> Denoise:
    """Under two controls."""
    hows = {net: {**how, **changes.get(net.partition("-")[2], {})} for net, how in TWO.items()}
    return under(node, *(control(net, **how) for net, how in hows.items()))


@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        ({"canny": {"end": 1.0}}, {"canny": {"end": 0.7}}, 4),
        ({"canny": {"end": 0.4}}, {"canny": {"end": 0.9}}, 2),
        ({"canny": {"start": 0.3}}, {"canny": {"start": 0.6}}, 2),
        ({"canny": {"start": 0.5}}, {"canny": {"start": 0.5, "strength": 0.3}}, 3),
        ({"canny": {"start": 0.5}}, {"canny": {"start": 0.5, "number": 2}}, 3),
        ({"canny": {"strength": 0.0}}, {"canny": {"strength": 0.0, "number": 2}}, 6),
        ({"canny": {"end": 0.8}}, {"canny": {"end": 0.81}}, 6),
        # What is open from the beginning, or begins before the other changes.
        ({"canny": {"end": 1.0}}, {"canny": {"end": 0.7, "number": 2}}, 0),
        ({"openpose": {"number": 1}}, {"openpose": {"number": 2}, "canny": {"end": 0.7}}, 2),
        ({"canny": {"strength": 0.8}}, {"canny": {"strength": 0.7}}, 0),
    ],
    ids=str,
)
def test_two_controls_begin_again_where_they_first_differ(
    plain: Denoise, before: dict[str, Any], after: dict[str, Any], at: int
) -> None:
    assert_resumed([two(plain, **before)], [two(plain, **after)], at)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 5},
        {"guidance_scale": 3.0},
        {"guidance_scale": 1.0},
        {"scheduler": "DDIM"},
        {"width": 72},
        {"guess_mode": True},
        {"prompt": "other"},
        {"negative_prompt": "other"},
    ],
    ids=str,
)
def test_what_every_step_depends_on_begins_anew(plain: Denoise, change: dict[str, Any]) -> None:
    node = under(plain, control())
    if "other" in change.values():
        other = EncodePrompt(model=plain.model, prompt="other").run(HERE).conditioning
        change = dict.fromkeys(change, other)

    assert_resumed([node], [node.model_copy(update=change)], 0)


def test_other_pictures_in_a_batch_are_another_batch(plain: Denoise) -> None:
    node = under(plain, control())
    first = batch(node, 3)

    assert_resumed(first, first[:2], 0)
    assert_resumed(first, first[::-1], 0)


@pytest.mark.parametrize("denoise", [1.0, 0.67])
@pytest.mark.parametrize("scheduler", ["UniPC", "Euler ancestral"])
def test_a_redrawn_part_goes_on_too(
    plain: Denoise, scheduler: SchedulerName, denoise: float
) -> None:
    marked = np.zeros((64, 64), np.uint8)
    marked[:40, 8:] = 255
    encoded = EncodeImage(model=plain.model, image=picture(7), mask=Mask(marked)).run(HERE)
    given = {"latents": encoded.latents, "mask": Mask(marked), "denoise": denoise}
    node = plain.model_copy(update={"scheduler": scheduler, **given})
    first, then = (under(node, control(end=end)) for end in (1.0, 0.5))
    total = len(timesteps(node)) - node.skipped

    assert_resumed([first], [then], total // 2, total)


def test_another_picture_to_start_from_begins_anew(plain: Denoise) -> None:
    starts = [EncodeImage(model=plain.model, image=picture(i)).run(HERE).latents for i in (1, 2)]
    first, then = (under(plain, control(), latents=one, denoise=0.7) for one in starts)

    assert_resumed([first], [then], 0, 4)


def test_another_process_goes_on_from_the_disk(plain: Denoise, tmp_path: Path) -> None:
    import torch

    first, then = (under(plain, control(end=end)) for end in (1.0, 0.5))
    context = fresh(tmp_path)
    ran([first], context)
    context.cache.close()

    told, found = ran([then], fresh(tmp_path))

    assert told == [3, 4, 5, 6]
    assert torch.equal(found[0], ran([then], fresh())[1][0])


class Drawn(Output):
    """A control image."""

    image: Image


class Draw(Node):
    """Draw a control image."""

    def run(self) -> Drawn:
        return Drawn(image=picture(0))


def drawing(end: float) -> Plan:
    """A picture under a control that ends early, or does not."""
    g = Builder("drawing")
    model = g.add("model", LoadBaseModel, model="tiny").model
    texts = [g.add(text, EncodePrompt, model=model, prompt=text) for text in ("house", "blur")]
    net = g.add("net", LoadControlNet, model="tiny-canny").controlnet
    image = g.add("image", Draw).image
    drawn = g.add(
        "drawn",
        Denoise,
        model=model,
        prompt=texts[0].conditioning,
        negative_prompt=texts[1].conditioning,
        controls=[g.add("control", Control, image=image, controlnet=net, end=end).control],
        steps=STEPS,
    )
    g.result("latents", drawn.latents)
    return plan(g.workflow(), g.registry)


def test_a_run_says_where_it_went_on() -> None:
    cache, said, steps = Cache.in_memory(), [], []
    for end in (1.0, 0.5, 0.51, 0.5):
        events, _ = followed(execute(drawing(end), cache))
        said += [e.resumed for e in events if isinstance(e, Finished) and e.name == "drawn"]
        steps += [[(e.done, e.resumed) for e in events if isinstance(e, Progressed)]]

    assert said == ["", "at step 4 of 6", "after all 6 steps", ""]
    assert steps[1:] == [[(3, True), (4, False), (5, False), (6, False)], [(6, True)], []]
    why = {line.name: line.reason for line in explain(drawing(0.5), cache)}
    assert why["drawn"].endswith(" s, resumed at step 4 of 6")


def test_steps_whose_weights_were_offloaded_are_not_gone_on_from(plain: Denoise) -> None:
    context = fresh()
    node = under(plain, control())
    ran([node], replace(context, savings=Savings(offload="layers")))

    told, _ = ran([node], context)

    assert told == [1, 2, 3, 4, 5, 6]


def test_a_cancelled_run_goes_on_where_it_was(plain: Denoise) -> None:
    import torch

    context = fresh()
    steps = Denoise.run_batch([plain], context)
    for _ in range(4):
        next(steps)
    steps.close()

    told, found = ran([plain], context)

    assert told == [4, 5, 6]
    assert torch.equal(found[0], ran([plain], fresh())[1][0])


def test_going_back_and_forth_loses_nothing(plain: Denoise) -> None:
    context = fresh()
    for end in (1.0, 0.5):
        ran([under(plain, control(end=end))], context)

    told, _ = ran([under(plain, control(end=0.9))], context)

    assert told == [5, 6]  # where 1.0 was, which is further than where 0.5 left it


def test_without_room_every_step_is_run(plain: Denoise) -> None:
    def none() -> RunContext:
        cache = Cache.in_memory(Budgets(host=0))
        return RunContext(Settings(), "cpu", Workflow(), cache)

    first, then = (under(plain, control(end=end)) for end in (1.0, 0.5))

    assert_resumed([first], [then], 0, of=none)


def held(node: Denoise, context: RunContext) -> list[int]:
    """Bytes of the host's budget in use after every step, and after the run."""
    found = [context.cache.bytes_on("cpu") for _ in Denoise.run_batch([node], context)]
    return [*found, context.cache.bytes_on("cpu")]


def test_what_is_noted_is_part_of_the_budget_while_it_runs(plain: Denoise) -> None:
    *steps, after = held(under(plain, control(), scheduler="Euler"), fresh())

    # Afterwards they are one item among others.
    assert [later - before for before, later in pairwise(steps)] == [STATE] * (STEPS - 1)
    assert steps[-1] <= after < steps[-1] + 2**14


def test_what_there_is_no_room_for_is_not_noted(plain: Denoise) -> None:
    node = under(plain, control(), scheduler="Euler")
    weights = sum(one.nbytes("float32") for one in (node.model.unet, node.controls[0].model.net))
    budget = weights + 4 * STATE  # the fourth has no room for what is held beside
    context = RunContext(Settings(), "cpu", Workflow(), Cache.in_memory(Budgets(host=budget)))

    most = max(held(node, context))
    told, _ = ran([under(node, control(end=0.9))], context)

    assert most <= budget
    assert told == [3, 4, 5, 6]  # with room enough it would go on after 5


def test_of_many_steps_some_are_noted(plain: Denoise) -> None:
    node = plain.model_copy(update={"steps": 90, "scheduler": "DDIM"})
    first, then = (under(node, control(end=end)) for end in (1.0, 0.8))

    assert_resumed([first], [then], 72, 90)
    other = under(node, control(end=0.79))
    assert_resumed([first], [other], 69, 90)  # every third step, and 71 would do


def test_a_run_without_controls_keeps_nothing(plain: Denoise) -> None:
    context = fresh()
    ran([plain], context)

    told, _ = ran([plain], context)

    assert told == [1, 2, 3, 4, 5, 6]


def test_what_was_kept_is_not_written_into(plain: Denoise) -> None:
    from nodes.diffusion import resume

    first, then = (under(plain, control(end=end), scheduler="PNDM") for end in (1.0, 0.5))
    context = fresh()
    ran([first], context)
    recalled: list[Any] = []

    def unpacked(checkpoints: Any, original: Callable[[Any], Any] = resume.unpacked) -> Any:
        recalled.append((checkpoints, [tensor.clone() for tensor in checkpoints.tensors]))
        return original(checkpoints)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "unpacked", unpacked)
        ran([then], context)

    ((checkpoints, before),) = recalled
    assert all(one.equal(other) for one, other in zip(checkpoints.tensors, before, strict=True))


def test_only_what_json_and_tensors_spell_is_packed() -> None:
    import torch

    from nodes.diffusion.resume import State, packed, unpacked

    one = torch.ones(2)
    states: dict[bytes, State] = {
        b"a": {"x": [one, None, 0.1]},
        b"b": {"x": one, "y": {"z": [True, 3]}},
    }

    trail = packed(states)

    assert len(trail.tensors) == 1
    assert unpacked(trail)[b"b"]["y"] == {"z": [True, 3]}
    assert unpacked(trail)[b"a"]["x"][0] is trail.tensors[0]
    with pytest.raises(TypeError, match="a set cannot be kept"):
        packed({b"a": {"x": {1}}})
