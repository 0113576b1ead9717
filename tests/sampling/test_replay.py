"""Predictions repeated from a recording are those computed anew, whatever changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from nodegraph.cache import Budgets, Cache
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.settings import Settings
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Denoise, EncodePrompt

from ..support.weights import Bench
from .test_sampling_oracle import picture

STEPS = 4
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@dataclass
class Pretend:
    """Records as a GPU does: operations on tensors. Python's numbers and choices stay as they were.

    Attributes:
        off: Is added to every result that is repeated.
    """

    captures: int = 0
    repeats: int = 0
    off: float = 0.0

    def capture(self, work: Any, inputs: Sequence[Any]) -> tuple[Any, Callable[[], None], int]:
        from torch.fx.experimental.proxy_tensor import make_fx

        self.captures += 1
        graph = make_fx(lambda *given: work(given))(*inputs)
        result = graph(*inputs).clone()

        def repeat() -> None:
            self.repeats += 1
            result.copy_(graph(*inputs) + self.off)

        return result, repeat, result.nbytes


@dataclass
class Machine:
    """The tiny models on a pretend device that records."""

    bench: Bench = field(default_factory=Bench)
    capturer: Pretend = field(default_factory=Pretend)
    cache: Cache = field(default_factory=Cache.in_memory)

    def __post_init__(self) -> None:
        self.context = RunContext(Settings(), "cpu", Workflow(), self.cache)
        self.model = LoadBaseModel(model="tiny").run(self.bench).model
        names = ("tiny-canny", "tiny-openpose")
        self.nets = [LoadControlNet(model=one).run(self.bench).controlnet for one in names]

    def ask(self, **other: Any) -> Sequence[Denoise]:
        """Two pictures under one or two ControlNets."""
        asked: dict[str, Any] = {
            "prompts": ("a red circle", "a star"),
            "controls": ({},),
            "image": 0,
            "size": 64,
            **other,
        }
        texts = [*asked.pop("prompts"), "blurry"]
        encoded = EncodePrompt.run_batch(
            [EncodePrompt(model=self.model, prompt=text) for text in texts], self.bench
        )
        size, given, shown = asked.pop("size"), asked.pop("controls"), asked.pop("image")
        controls = [
            Control(image=picture(shown + at), controlnet=net, **one).run().control
            for at, (net, one) in enumerate(zip(self.nets, given, strict=False))
        ]
        kept = {"steps": STEPS, "width": size, "height": size, "controls": controls, **asked}
        *prompts, negative = (one.conditioning for one in encoded)
        return [
            Denoise(model=self.model, prompt=one, negative_prompt=negative, seed=at, **kept)
            for at, one in enumerate(prompts)
        ]

    def check(self, items: Sequence[Denoise]) -> None:
        """Assert that every step's prediction is the one that is computed anew."""
        import torch

        from nodes.diffusion.prepare import prepare

        with ExitStack() as leases:
            run = prepare(items, self.bench, leases)
            recorded: Any = self.recorded(run.predict, items, leases)
            latents = run.latents
            for index in range(items[0].steps):
                expected = run.predict(latents, index)
                found = recorded(latents, index)
                assert torch.equal(found, expected)
                latents = latents - 0.1 * found

    def check_steps(self, items: Sequence[Denoise]) -> None:
        """Assert that every step by a table is the one that is computed anew."""
        import torch

        from nodes.diffusion.loop import step
        from nodes.diffusion.prepare import prepare
        from nodes.diffusion.replay import step_taker
        from nodes.diffusion.solvers import TableSolver
        from nodes.diffusion.step_tables import table

        first = items[0]
        sums = table(first.scheduler, first.model.scheduler, first.steps, None).sums
        assert sums is not None
        with ExitStack() as leases:
            run = prepare(items, self.bench, leases)
            solvers = [TableSolver(sums, run.latents) for _ in range(2)]
            take = step_taker(self.recorded(run.predict, items, leases), solvers[0])
            found = expected = run.latents
            for index in range(first.steps):
                found = take(found, index)
                expected = step(run.predict, solvers[1], expected, index)
                assert torch.equal(found, expected)

    def recorded(self, predict: Any, items: Sequence[Denoise], leases: ExitStack) -> Any:
        from nodes.diffusion.cuda_graphs import Recordings
        from nodes.diffusion.replay import ReplayedPredictor

        refs = [self.model.unet, *(control.model.net for control in items[0].controls)]
        keys = [(ref, self.bench.dtype) for ref in refs]
        nets = [self.loaded[key] for key in keys if key in self.loaded]
        return ReplayedPredictor(predict, nets, self.capturer, Recordings(self.context, leases))

    @property
    def kept(self) -> int:
        """How many recordings there are: they alone are kept here."""
        return self.cache.sizes()["host"].entries

    @property
    def loaded(self) -> Any:
        return self.bench.loaded


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_the_pretend_device_keeps_what_python_said_at_first() -> None:
    import torch

    from nodes.diffusion.cuda_graphs import Recording

    said: dict[str, Any] = {"times": 2.0, "plus": torch.ones(2)}
    recording = Recording(
        Pretend(), lambda given: given[0] * said["times"] + said["plus"], [torch.ones(2)], 1
    )
    said |= {"times": 5.0, "plus": torch.zeros(2)}

    assert recording([torch.tensor([10.0, 20.0])]).tolist() == [21.0, 41.0]


def test_what_stays_the_same_tensor_is_not_copied_again() -> None:
    import torch

    from nodes.diffusion.cuda_graphs import Recording

    steady = torch.ones(2)
    recording = Recording(Pretend(), lambda given: given[0] + given[1], [steady * 0, steady], 1)
    steady += 5

    assert recording([steady * 0, steady]).tolist() == [1.0, 1.0]
    assert recording([steady * 0, steady.clone()]).tolist() == [6.0, 6.0]


@pytest.mark.parametrize(
    "other",
    [
        {"prompts": ("a blue house", "a person")},
        {"prompts": ("another", "one")},
        {"guidance_scale": 3.0},
        {"controls": ({"strength": 0.4},)},
        {"scheduler": "Euler"},
        {"steps": 3},
        {"image": 9},
    ],
    ids=["prompts", "prompts again", "guidance", "strength", "scheduler", "steps", "the image"],
)
def test_what_differs_from_run_to_run_is_read_and_not_recorded(
    machine: Machine, other: dict[str, Any]
) -> None:
    machine.check(machine.ask())

    machine.check(machine.ask(**other))

    assert machine.capturer.captures == 1


@pytest.mark.parametrize(
    "other",
    [
        {"steps": 6},
        {"scheduler": "DEIS"},
        {"guidance_scale": 3.0, "controls": ({"strength": 0.4},)},
    ],
    ids=["steps", "scheduler", "strength"],
)
@pytest.mark.parametrize("scheduler", ["UniPC", "LMS"])
def test_the_solvers_row_is_read_and_not_recorded(
    machine: Machine, scheduler: str, other: dict[str, Any]
) -> None:
    from nodes.diffusion.step_tables import table

    items = machine.ask(scheduler=scheduler)
    machine.check_steps(items)
    assert machine.capturer.captures == 1

    changed = machine.ask(**{"scheduler": scheduler, **other})
    machine.check_steps(changed)

    reaches = set()
    for one in (items[0], changed[0]):
        sums = table(one.scheduler, one.model.scheduler, one.steps, None).sums
        assert sums is not None
        reaches.add(sums.weights.shape[-1])
    assert machine.capturer.captures == len(reaches)


def test_a_whole_step_is_one_repetition(machine: Machine) -> None:
    machine.check_steps(machine.ask())

    assert machine.capturer.repeats == 1 + STEPS  # one repetition is the trial


def test_a_step_that_cannot_be_recorded_is_computed_as_usual(machine: Machine) -> None:
    machine.capturer.off = 1.0

    machine.check_steps(machine.ask(controls=()))

    assert machine.kept == 0


def test_a_devices_graphs_are_lent_by_the_pool_until_it_gives_them_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from nodegraph.cache import Cache
    from nodes.diffusion import replay

    monkeypatch.setattr(replay, "CudaGraphs", lambda device: Pretend())  # noqa: ARG005
    cache, ref = Cache.in_memory(), replay.Graphs("cpu")

    def lent() -> Any:
        with cache.pool.lease(ref, "cpu", "float32") as graphs:
            return graphs

    first = lent()

    assert lent() is first
    cache.clear()
    assert lent() is not first


def test_a_window_needs_one_recording_more_wherever_it_lies(machine: Machine) -> None:
    machine.check(machine.ask(controls=({"end": 0.5},)))
    assert machine.capturer.captures == 2

    machine.check(machine.ask(controls=({"start": 0.5},)))
    machine.check(machine.ask())

    assert machine.capturer.captures == 2


@pytest.mark.parametrize(
    "other",
    [
        {"prompts": ("a red circle",)},
        {"size": 128},
        {"guidance_scale": 1.0},
        {"guess_mode": True},
        {"controls": ({}, {"strength": 0.5})},
    ],
    ids=["batch", "size", "no guidance", "guess mode", "another ControlNet"],
)
def test_other_shapes_and_other_networks_are_recorded_anew(
    machine: Machine, other: dict[str, Any]
) -> None:
    machine.check(machine.ask())

    machine.check(machine.ask(**other))
    machine.check(machine.ask())

    assert machine.capturer.captures == 2


def test_a_strength_is_not_rounded_to_half_precision_first() -> None:
    machine = Machine(bench=Bench(dtype="bfloat16"))
    machine.check(machine.ask())

    machine.check(machine.ask(controls=({"strength": 0.7},)))

    assert machine.capturer.captures == 1


def test_two_controlnets_with_windows_are_three_recordings(machine: Machine) -> None:
    machine.check(machine.ask(controls=({"end": 0.5}, {"start": 0.25, "strength": 0.3})))

    assert machine.capturer.captures == 3


def test_a_recording_goes_when_the_weights_that_it_reads_are_moved(machine: Machine) -> None:
    import torch

    machine.check(machine.ask(controls=()))
    assert machine.kept == 1

    machine.loaded[machine.model.unet, "float32"].to(torch.float64).to(torch.float32)

    assert machine.kept == 0
    machine.check(machine.ask(controls=()))
    assert machine.capturer.captures == 2


def test_a_recording_goes_with_the_weights_that_it_reads(machine: Machine) -> None:
    machine.check(machine.ask())

    machine.bench.loaded.clear()

    assert machine.kept == 0


def test_recordings_are_part_of_the_budget(machine: Machine) -> None:
    machine.check(machine.ask())
    one = machine.cache.sizes()["host"].bytes
    machine.check(machine.ask(size=128))
    both = machine.cache.sizes()["host"].bytes

    tight = Machine(cache=Cache.in_memory(Budgets(host=both - 1)))
    for size in (64, 128, 128):
        tight.check(tight.ask(size=size))

    # A picture's latents are 8 numbers for each of 8 x 8 pixels; these are two, and their results.
    assert one > 4 * 2 * 8**3
    assert both > 2 * one
    assert (tight.kept, tight.capturer.captures) == (1, 2)


def test_a_recording_that_gives_other_numbers_is_not_used(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.capturer.off = 1.0

    machine.check(machine.ask())

    assert machine.kept == 0
    assert "not recorded, but computed as usual" in caplog.text


def test_only_networks_computed_our_way_and_without_hooks_are_recorded(machine: Machine) -> None:
    from nodes.diffusion.prepare import prepare
    from nodes.diffusion.replay import recordable

    items = machine.ask(controls=())
    with ExitStack() as leases:
        plain = prepare(items, machine.bench, leases)
    net = machine.loaded[machine.model.unet, "float32"]
    assert recordable(plain.predict, [net])  # type: ignore[arg-type]

    net.mid_block.register_forward_hook(lambda *_: None)
    with ExitStack() as leases:
        hooked = prepare(items, machine.bench, leases)

    assert not recordable(hooked.predict, [net])  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.parametrize("controls", [({},), ({"strength": 0.4, "end": 0.5},)], ids=str)
def test_a_gpu_repeats_what_it_recorded(controls: tuple[dict[str, float], ...]) -> None:
    import torch

    from nodes.diffusion.prepare import prepare
    from nodes.diffusion.replay import ReplayedPredictor

    machine = Machine(bench=Bench(device="cuda:0"))
    with ExitStack() as leases:
        run = prepare(machine.ask(controls=controls), machine.bench, leases)
        recorded = run.predict
        assert isinstance(recorded, ReplayedPredictor)
        for index in range(STEPS):
            expected = recorded._eager(run.latents, index)
            found = recorded(run.latents, index)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
        assert not recorded._failed
