"""What grows out of little is bounded: pixels, combinations, letters, tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nodegraph.errors import UserError, WorkflowError
from nodegraph.graph.registry import Registry
from nodegraph.graph.workflow import Call, Workflow
from nodegraph.planning.plan import plan
from nodes import NODES
from nodes.geometry import Pad, Rotate
from nodes.images import Resize
from nodes.latents import UpscaleLatents
from nodes.layout import Compare, Grid
from nodes.pixels import boxes
from nodes.prompts import encode, syntax
from nodes.prompts.wildcards import LONGEST
from nodes.sweeps import MOST, PromptsBySeeds, Sweep
from nodes.text import JoinText
from nodes.types import Image, Latents

REGISTRY = Registry.of(*NODES)


def picture(width: int, height: int = 10) -> Image:
    return Image(np.zeros((height, width, 3), np.uint8))


class Ids:
    """A tokenizer of one token a word."""

    model_max_length = 77

    def __call__(self, text: str, **_: object) -> Any:
        return type("Batch", (), {"input_ids": [1 for _ in text.split()]})


@pytest.fixture
def ten_thousand_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that small pictures reach."""
    monkeypatch.setattr(boxes, "LARGEST", 10_000)


@pytest.mark.usefixtures("ten_thousand_pixels")
@pytest.mark.parametrize(
    ("fits", "exceeds", "name"),
    [
        (
            Pad(image=picture(100), left=900),
            Pad(image=picture(100), left=901),
            "image",
        ),
        (
            Resize(image=picture(100, 100), width=100),
            Resize(image=picture(100, 100), width=101),
            "image",
        ),
        (
            Rotate(image=picture(50, 50), angle=45),
            Rotate(image=picture(100, 100), angle=45),
            "image",
        ),
        (
            Compare(before=picture(499), after=picture(499)),
            Compare(before=picture(500), after=picture(500), line=1),
            "before",
        ),
    ],
)
def test_a_picture_of_one_pixel_too_many_is_refused_before_it_is_made(
    fits: Any, exceeds: Any, name: str
) -> None:
    assert fits.run()

    with pytest.raises(UserError, match=rf"^{name}: the result would be .* megapixels"):
        exceeds.run()


@pytest.mark.usefixtures("ten_thousand_pixels")
def test_latents_of_too_many_pixels_are_refused_before_they_are_made() -> None:
    torch = pytest.importorskip("torch")
    latents = Latents(torch.zeros(4, 10, 10), "vae")

    UpscaleLatents(latents=latents, factor=1.2).run()
    with pytest.raises(UserError, match=r"^latents: the result would be 104 x 104"):
        UpscaleLatents(latents=latents, factor=1.3).run()


def test_every_node_that_multiplies_its_pixels_is_checked_before_a_run() -> None:
    calls = {
        "photo": Call(type="LoadImage", values={"path": "a.png"}),
        "whole": Call(
            type="Resize", values={"width": 8192, "height": 8192}, links={"image": "photo.image"}
        ),
        "padded": Call(type="Pad", values={"left": 4096, "right": 4096}, links=of("whole")),
        "again": Call(type="Pad", values={"left": 4096, "right": 4096}, links=of("padded")),
        "rotated": Call(type="Rotate", values={"angle": 45}, links=of("whole")),
        "tall": Call(type="Resize", values={"width": 8192}, links=of("ribbon")),
        "ribbon": Call(type="Resize", values={"width": 8, "height": 8192}, links=of("photo")),
        "beside": Call(type="Compare", links={"before": "whole.image", "after": "whole.image"}),
        "fine": Call(
            type="Compare",
            values={"layout": "split"},
            links={"before": "whole.image", "after": "whole.image"},
        ),
    }

    with pytest.raises(WorkflowError) as caught:
        plan(Workflow(nodes=calls), REGISTRY)

    assert sorted(problem.address for problem in caught.value.problems) == [
        "beside.before",
        "padded.image",
        "rotated.image",
        "tall.image",
    ]


def of(call: str) -> dict[str, Any]:
    return {"image": f"{call}.image"}


@pytest.mark.parametrize(
    ("kind", "values", "name"),
    [
        ("PromptsBySeeds", {"prompts": ["a"] * 101, "seeds": list(range(100))}, "prompts"),
        ("Sweep", {"x": [1] * 101, "y": [2] * 50, "z": [1, 2]}, "x"),
    ],
)
def test_lists_of_one_combination_too_many_are_refused_by_checks_and_by_runs(
    kind: str, values: dict[str, Any], name: str
) -> None:
    node: Any = {"PromptsBySeeds": PromptsBySeeds, "Sweep": Sweep}[kind]
    calls = {"all": Call(type=kind, values=values)}

    with pytest.raises(WorkflowError, match=rf"all\.{name}: .* make 10,100 combinations"):
        plan(Workflow(nodes=calls), REGISTRY)
    with pytest.raises(UserError, match=rf"^{name}: .* make 10,100 combinations; 10,000 are"):
        node(**values).run()
    assert len(PromptsBySeeds(prompts=["a"], seeds=[1] * MOST).run().seed) == MOST


def test_texts_that_join_to_one_letter_too_many_are_refused() -> None:
    half = "a" * (LONGEST // 2 - 1)

    assert len(JoinText(texts=[half, half]).run().text) == LONGEST
    with pytest.raises(UserError, match=r"^texts: make 200,001 letters; 200,000 are the most"):
        JoinText(texts=[half, f"{half}a"]).run()


def test_a_prompt_of_one_letter_too_many_is_refused_by_checks_and_by_the_encoder() -> None:
    longest = "a" * syntax.LONGEST

    assert not syntax.too_long(longest)
    calls = {
        "base": Call(type="LoadBaseModel", values={"model": "tiny"}),
        "prompt": Call(
            type="EncodePrompt", values={"prompt": f"{longest}a"}, links={"model": "base.model"}
        ),
    }
    with pytest.raises(WorkflowError, match=r"prompt\.prompt: has 100,001 letters; 100,000 are"):
        plan(Workflow(nodes=calls), REGISTRY)


@pytest.mark.parametrize("over", [0, 1])
def test_a_prompt_of_one_token_too_many_is_refused_before_it_is_encoded(
    over: int,
) -> None:
    most = 75 * encode.MOST_CHUNKS
    chunks = encode.chunks_of("a " * (most + over), Ids(), {}, 75)

    said = encode.excess(chunks, 75)

    assert said == ("fills 101 chunks of 75 tokens; 100 are the most" if over else "")


def test_a_sheet_and_a_picture_have_one_bound() -> None:
    with pytest.raises(UserError, match="over 128 megapixels"):
        Grid(images=[Image(np.broadcast_to(np.uint8(0), (8192, 8192, 3)))] * 2, padding=0).run()
