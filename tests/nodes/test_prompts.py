"""Prompts: brackets weigh words, BREAK and length make chunks, and layers may be left out."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from math import isclose, lcm
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph import Builder, each
from nodegraph.errors import UserError
from nodes.models import LoadBaseModel
from nodes.prompts.syntax import EMPHASIS, Chunk, Piece, Unit, fill, parse, split
from nodes.sampling import Denoise, EncodePrompt, Sample
from nodes.types import DiffusionModel

from ..support.weights import TINY, Bench, drain, save_base

BENCH = Bench()
LONG = "a man wearing a red shirt and blue trousers beside a yellow star on green, " * 7
PLAIN = st.text(st.characters(exclude_characters="()[]\\"), min_size=1).filter(
    lambda text: "BREAK" not in text
)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", [()]),
        ("a red circle", [(("a red circle", 1.0),)]),
        ("a (red) circle", [(("a ", 1.0), ("red", 1.1), (" circle", 1.0))]),
        ("(red:1.3)", [(("red", 1.3),)]),
        ("(red: .5 ) hat", [(("red", 0.5), (" hat", 1.0))]),
        ("(red:-1)", [(("red", -1.0),)]),
        ("[red]", [(("red", 1 / 1.1),)]),
        ("[red:0.5]", [(("red:0.5", 1 / 1.1),)]),
        ("(a (red:2):1.5)", [(("a ", 1.5), ("red", 3.0))]),
        (r"a \(red\) hat", [(("a (red) hat", 1.0),)]),
        (r"(a \(b\):2)", [(("a (b)", 2.0),)]),
        (r"a\b \\ c", [((r"a\b \ c", 1.0),)]),
        ("a (red hat", [(("a (red hat", 1.0),)]),
        ("a red) hat", [(("a red) hat", 1.0),)]),
        ("(a ] b)", [(("a ] b", 1.1),)]),
        ("([a) b]", [(("[a", 1.1), (" b]", 1.0))]),
        ("(red:1.2.3)", [(("red:1.2.3", 1.1),)]),
        ("(red:)", [(("red:", 1.1),)]),
        ("(:1.3)", [()]),
        ("a BREAK b", [(("a", 1.0),), (("b", 1.0),)]),
        ("(a BREAK b:2) c", [(("a", 2.0),), (("b", 2.0), (" c", 1.0))]),
        ("BREAKFAST, a break", [(("BREAKFAST, a break", 1.0),)]),
        (" BREAK BREAK b", [(("b", 1.0),)]),
    ],
)
def test_a_prompt_is_read_as_it_was_meant(
    prompt: str, expected: list[tuple[tuple[str, float], ...]]
) -> None:
    assert parse(prompt) == expected


@given(st.text(st.sampled_from("()[]\\:.1a BREAK\n")) | st.text())
def test_any_text_is_a_prompt(prompt: str) -> None:
    sections = parse(prompt)

    assert sections
    assert all(piece.text for section in sections for piece in section)


@given(PLAIN)
def test_a_prompt_without_syntax_is_left_as_it_is(prompt: str) -> None:
    assert parse(prompt) == [(Piece(prompt, 1.0),)]


@given(st.lists(st.none() | st.floats(0, 8).map(lambda n: round(n, 2)), max_size=20))
def test_weights_multiply(weights: list[float | None]) -> None:
    prompt, expected = "word", 1.0
    for weight in weights:
        prompt = f"[{prompt}]" if weight is None else f"({prompt}:{weight})"
        expected *= 1 / EMPHASIS if weight is None else weight

    (((text, weighed),),) = parse(prompt)

    assert text == "word"
    assert isclose(weighed, expected, rel_tol=1e-9)


@given(st.text(st.sampled_from("()[]\\ab BREAK")))
def test_an_escaped_text_is_plain_text(text: str) -> None:
    escaped = "".join(f"\\{one}" if one in "()[]\\" else one for one in text)

    pieces = list(chain(*parse(escaped.replace("BREAK", "break"))))

    assert pieces == ([Piece(text.replace("BREAK", "break"), 1.0)] if text else [])


def test_words_are_found_alone_and_in_any_case() -> None:
    found = split("Cat, a catfish and <toy>s", ["cat", "<toy>"])

    assert found == ["", "Cat", ", a catfish and ", "<toy>", "s"]


@given(st.lists(st.lists(st.integers(1, 9), max_size=9), min_size=1), st.integers(1, 6))
def test_chunks_hold_all_tokens_in_order(sections: list[list[int]], room: int) -> None:
    counted = [[Unit(tuple(range(n)), float(n)) for n in section] for section in sections]

    chunks = fill(counted, room)

    tokens = [token for section in counted for unit in section for token in unit.ids]
    assert tokens == [token for chunk in chunks for token in chunk.ids]
    assert all(len(c.ids) == len(c.weights) <= room for c in chunks)
    assert len(chunks) >= len(sections)


def test_what_belongs_together_is_not_cut_in_two() -> None:
    units = [Unit((1,), 1.0), Unit((2,), 1.0), Unit((3, 4), 2.0), Unit((5, 6, 7, 8, 9), 1.0)]

    chunks = fill([units], 3)

    assert chunks == [
        Chunk((1, 2), (1.0, 1.0)),
        Chunk((3, 4, 5), (2.0, 2.0, 1.0)),
        Chunk((6, 7, 8), (1.0, 1.0, 1.0)),
        Chunk((9,), (1.0,)),
    ]


@pytest.fixture(scope="module", params=["tiny", "random"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "tiny":
        return TINY / "base"
    return save_base(tmp_path_factory.mktemp("random") / "base", groups=8)


@pytest.fixture(scope="module")
def model(folder: Path) -> DiffusionModel:
    return LoadBaseModel(model=str(folder)).run(BENCH).model


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> Any:
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, local_files_only=True, dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    # diffusers asks for it to leave layers out; newer transformers have no such level.
    pipeline.text_encoder.__dict__.setdefault("text_model", pipeline.text_encoder)
    return pipeline


def encoded(model: DiffusionModel, *prompts: str, clip_skip: int = 0) -> list[Any]:
    items = [EncodePrompt(model=model, prompt=text, clip_skip=clip_skip) for text in prompts]
    return [one.conditioning.embeddings for one in EncodePrompt.run_batch(items, BENCH)]


def theirs(pipeline: Any, *prompts: str, clip_skip: int | None = None) -> Any:
    return pipeline.encode_prompt(list(prompts), "cpu", 1, False, clip_skip=clip_skip)[0]


def test_a_plain_prompt_is_what_the_pipeline_makes_of_it(
    model: DiffusionModel, pipeline: Any
) -> None:
    import torch

    prompts = ("a red circle on blue", "", "a man's hat, 3 stars: one (red")

    assert torch.equal(torch.stack(encoded(model, *prompts)), theirs(pipeline, *prompts))


@pytest.mark.parametrize("layers", [1, 2])
def test_left_out_layers_are_the_pipelines_clip_skip(
    model: DiffusionModel, pipeline: Any, layers: int
) -> None:
    import torch

    (ours,) = encoded(model, "a red circle", clip_skip=layers)

    assert torch.equal(ours, theirs(pipeline, "a red circle", clip_skip=layers)[0])
    assert torch.equal(encoded(model, "a red circle")[0], theirs(pipeline, "a red circle")[0])


def test_more_layers_than_there_are_cannot_be_left_out(model: DiffusionModel) -> None:
    with pytest.raises(UserError, match="clip_skip: 3, but the text encoder has only 2 layers"):
        encoded(model, "a", clip_skip=3)


def test_a_long_prompt_is_encoded_in_chunks_of_75_tokens(
    model: DiffusionModel, pipeline: Any
) -> None:
    import torch

    tokens = pipeline.tokenizer
    ids = tokens(LONG, add_special_tokens=False, verbose=False).input_ids
    assert 75 < len(ids) <= 150
    begin, end = tokens.bos_token_id, tokens.eos_token_id
    rows = [[begin, *ids[:75], end], [begin, *ids[75:], *[end] * (151 - len(ids))]]
    with torch.no_grad():
        expected = torch.cat([pipeline.text_encoder(torch.tensor([row]))[0][0] for row in rows])

    (ours,) = encoded(model, LONG)

    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5)


def test_break_begins_a_new_chunk(model: DiffusionModel) -> None:
    import torch

    (ours,) = encoded(model, "a red circle BREAK on blue")

    torch.testing.assert_close(ours, torch.cat(encoded(model, "a red circle", "on blue")))


def test_a_weight_scales_its_tokens_and_the_mean_is_restored() -> None:
    import torch

    model = LoadBaseModel(model="tiny").run(BENCH).model
    plain, weighed = encoded(model, "a red circle", "a (red:1.5) circle")
    scaled = plain.clone()
    scaled[2] *= 1.5
    assert abs(plain.mean()) > plain.abs().mean() / 1000

    torch.testing.assert_close(weighed, scaled * plain.mean() / scaled.mean())
    torch.testing.assert_close(weighed.mean(), plain.mean())


def test_numbers_that_are_centred_have_no_mean_to_restore(model: DiffusionModel) -> None:
    import torch

    from nodes.prompts.encode import _weighted

    (plain,) = encoded(model, "a red circle")
    centred = plain - plain.mean()

    weighed = _weighted(centred, (1.0, 2.0, 1.0))

    expected = centred.clone()
    expected[2] *= 2
    assert torch.equal(weighed, expected)


def test_a_weight_that_can_only_be_a_slip_is_refused(model: DiffusionModel) -> None:
    expected = "prompt: 'red' counts 1000 times; weights lie between -100 and 100"
    with pytest.raises(UserError, match=expected):
        encoded(model, "a (red:1000) circle")
    with pytest.raises(UserError, match="'red' counts inf times"):
        encoded(model, f"a (red:{'9' * 400}) circle")


def denoise(model: DiffusionModel, prompt: str, negative: str = "blurry") -> Denoise:
    nodes = [EncodePrompt(model=model, prompt=text) for text in (prompt, negative)]
    one, other = (one.conditioning for one in EncodePrompt.run_batch(nodes, BENCH))
    sizes: dict[str, Any] = {"width": 64, "height": 64, "steps": 2, "seed": 3}
    return Denoise(model=model, prompt=one, negative_prompt=other, scheduler="DDIM", **sizes)


@pytest.mark.parametrize(("prompt", "negative"), [(LONG, LONG * 2), (LONG, ""), ("", LONG)])
@pytest.mark.usefixtures("rounded_once")
def test_prompts_of_different_lengths_meet_as_the_pipeline_would_have_them_alike(
    model: DiffusionModel, pipeline: Any, prompt: str, negative: str
) -> None:
    import torch
    from diffusers import DDIMScheduler

    node = denoise(model, prompt, negative)
    rows = [node.prompt.embeddings, node.negative_prompt.embeddings]
    common = lcm(*map(len, rows))
    one, other = (row.repeat(common // len(row), 1)[None] for row in rows)
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)

    expected = pipeline(
        prompt_embeds=one,
        negative_prompt_embeds=other,
        width=64,
        height=64,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
    ).images[0]

    actual = drain(node.run(BENCH)).latents.values
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-4)


@pytest.mark.usefixtures("rounded_once")
def test_a_prompt_means_the_same_however_long_the_other_is(model: DiffusionModel) -> None:
    import torch

    short = denoise(model, "a circle", "blurry")
    said_thrice = replace(
        short.negative_prompt, embeddings=short.negative_prompt.embeddings.repeat(3, 1)
    )
    long = short.model_copy(update={"negative_prompt": said_thrice})

    one, other = (drain(node.run(BENCH)).latents.values for node in (short, long))

    torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_prompts_of_any_length_run_as_items_of_one_call() -> None:
    import numpy as np

    prompts = ["a red circle", LONG, "a (blue:1.4) star BREAK on green", "a red circle"]

    def pictures(*wanted: str) -> list[Any]:
        builder = Builder()
        base = builder.add("base", LoadBaseModel)
        sample = builder.add(
            "sample",
            Sample,
            model=base.model,
            prompt=each(wanted),
            steps=2,
            width=64,
            height=64,
            clip_skip=1,
        )
        made: Any = builder.run(sample).image
        return [one.pixels.astype(int) for one in made]

    together = pictures(*prompts)

    alone = [picture for prompt in prompts[:3] for picture in pictures(prompt)]
    for one, other in zip(alone, together, strict=False):
        assert np.abs(one - other).max() <= 1
    assert np.abs(together[0] - together[1]).max() > 1
