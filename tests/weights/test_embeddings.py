"""Learned words (textual inversion): the vectors that a text encoder reads in their place."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from nodegraph.cache import Cache
from nodegraph.errors import UserError
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.settings import Settings
from nodes.models import LoadBaseModel, LoadEmbedding
from nodes.sampling import EncodePrompt
from nodes.types import DiffusionModel

from ..support.weights import TINY, Bench

BENCH = Bench()
WIDTH = 96


@pytest.fixture
def model() -> DiffusionModel:
    return LoadBaseModel(model="tiny").run(BENCH).model


def save(file: Path, name: str, rows: int | None = 1, *, seed: int = 1, width: int = WIDTH) -> Any:
    """Save random vectors, a row each, or just one without rows."""
    import torch
    from safetensors.torch import save_file

    shape = (width,) if rows is None else (rows, width)
    vectors = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.3
    save_file({name: vectors}, file)
    return vectors


def taught(model: DiffusionModel, file: Path | str, **inputs: Any) -> DiffusionModel:
    return LoadEmbedding(model=model, embedding=str(file), **inputs).run(BENCH).model


def refused(model: DiffusionModel, file: Path | str, **inputs: Any) -> str:
    with pytest.raises(UserError) as caught:
        LoadEmbedding(model=model, embedding=str(file), **inputs).run(Bench())
    return str(caught.value)


def encoded(model: DiffusionModel, prompt: str) -> Any:
    return EncodePrompt(model=model, prompt=prompt).run(BENCH).conditioning.embeddings


def pipeline(*embeddings: tuple[Any, str]) -> Any:
    """diffusers' pipeline, taught the same words."""
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        TINY / "base", safety_checker=None, local_files_only=True, dtype=torch.float32
    )
    for vectors, token in embeddings:
        pipeline.load_textual_inversion({token: vectors}, token=token)
    return pipeline


def oracle(pipeline: Any, prompt: str) -> Any:
    return pipeline.encode_prompt(prompt, "cpu", 1, False)[0][0]


@pytest.mark.parametrize("rows", [None, 1, 3])
@pytest.mark.parametrize("prompt", ["a <toy> on blue", "<toy>", "<toy>, <toy> and a red circle"])
def test_a_word_is_read_as_the_pipeline_reads_it(
    model: DiffusionModel, tmp_path: Path, rows: int | None, prompt: str
) -> None:
    import torch

    vectors = save(tmp_path / "learned_embeds.safetensors", "<toy>", rows)
    knows = taught(model, tmp_path)

    ours = encoded(knows, prompt)

    torch.testing.assert_close(
        ours, oracle(pipeline((vectors, "<toy>")), prompt), rtol=0, atol=1e-5
    )
    assert not torch.allclose(ours, encoded(model, prompt), atol=1e-2)


def test_several_words_are_known_side_by_side(model: DiffusionModel, tmp_path: Path) -> None:
    import torch

    first = save(tmp_path / "one.safetensors", "<one>", 2, seed=1)
    second = save(tmp_path / "other.safetensors", "<other>", 3, seed=2)
    knows = taught(taught(model, tmp_path / "one.safetensors"), tmp_path / "other.safetensors")
    prompt = "a <other> beside a <one>"

    expected = oracle(pipeline((first, "<one>"), (second, "<other>")), prompt)

    torch.testing.assert_close(encoded(knows, prompt), expected, rtol=0, atol=1e-5)


def test_a_file_of_the_other_format_is_called_by_its_name(
    model: DiffusionModel, tmp_path: Path
) -> None:
    import torch

    save(tmp_path / "easy.safetensors", "emb_params", 2)
    save(tmp_path / "learned_embeds.safetensors", "<toy>", 2)

    named = encoded(taught(model, tmp_path / "easy.safetensors"), "an Easy circle")
    called = encoded(taught(model, tmp_path / "easy.safetensors", token="<x>"), "an <x> circle")
    plain = encoded(taught(model, tmp_path / "learned_embeds.safetensors"), "an <toy> circle")

    assert torch.equal(named, plain)
    assert torch.equal(called, plain)


def test_a_word_can_be_weighed_and_its_vectors_stay_together(
    model: DiffusionModel, tmp_path: Path
) -> None:
    import torch

    save(tmp_path / "x.safetensors", "<toy>", 8)
    knows = taught(model, tmp_path / "x.safetensors")
    filling = "a " * 70

    weighed = encoded(knows, "(<toy>:1.5)")
    long = encoded(knows, f"{filling}<toy>")

    scaled = encoded(knows, "<toy>")
    mean = scaled.mean()
    scaled[1:9] *= 1.5
    torch.testing.assert_close(weighed, scaled * mean / scaled.mean())
    apart = torch.cat([encoded(model, filling), encoded(knows, "<toy>")])
    torch.testing.assert_close(long, apart)


def test_other_words_and_other_models_are_left_as_they_are(
    model: DiffusionModel, tmp_path: Path
) -> None:
    import torch

    save(tmp_path / "x.safetensors", "toy")
    before = encoded(model, "a toy, toys")

    knows = taught(model, tmp_path / "x.safetensors")
    changed = encoded(knows, "a toy, toys")

    assert not torch.allclose(changed, before, atol=1e-2)
    assert torch.equal(encoded(knows, "toys"), encoded(model, "toys"))
    assert torch.equal(encoded(model, "a toy, toys"), before)
    assert knows.unet == model.unet


def test_a_pickled_embedding_is_refused_until_it_is_allowed(
    model: DiffusionModel, tmp_path: Path
) -> None:
    import torch

    vectors = save(tmp_path / "x.safetensors", "<toy>", 2)
    torch.save({"string_to_param": {"*": vectors}, "name": "toy"}, tmp_path / "toy.pt")

    assert refused(model, tmp_path / "toy.pt").startswith("embedding: ")
    assert "is a pickle" in refused(model, tmp_path / "toy.pt")
    allowed = Bench(allow=frozenset({"pickle"}))
    knows = LoadEmbedding(model=model, embedding=str(tmp_path / "toy.pt")).run(allowed).model
    expected = encoded(taught(model, tmp_path / "x.safetensors"), "a <toy>")
    assert torch.equal(encoded(knows, "a toy"), expected)


def test_an_embedding_for_another_family_is_named_by_its_sizes(
    model: DiffusionModel, tmp_path: Path
) -> None:
    file = tmp_path / "x.safetensors"
    save(file, "<toy>", width=768)

    assert refused(model, file) == (
        f"embedding: {str(file)!r} is for models that read 768 numbers a token (SD 1.x),"
        " but 'tiny' reads 96 (tiny)"
    )


@pytest.mark.parametrize("token", ["a toy", "[toy]", "(toy", "toy\\"])
def test_a_word_that_cannot_be_written_in_a_prompt_is_refused(
    model: DiffusionModel, tmp_path: Path, token: str
) -> None:
    save(tmp_path / "x.safetensors", "<toy>")

    message = refused(model, tmp_path / "x.safetensors", token=token)

    assert message.startswith(f"token: {token!r} cannot be written in a prompt")


def test_a_word_is_taught_once(model: DiffusionModel, tmp_path: Path) -> None:
    save(tmp_path / "x.safetensors", "<toy>")
    knows = taught(model, tmp_path / "x.safetensors")

    message = refused(knows, tmp_path / "x.safetensors", token="<TOY>")

    assert message == "token: '<TOY>' is taken by another embedding; give this one another"


def test_a_file_with_more_than_an_embedding_is_refused(
    model: DiffusionModel, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({n: torch.ones(1, 9) for n in ("clip_g", "clip_l")}, tmp_path / "x.safetensors")

    assert "holds 2 tensors (clip_g, clip_l)" in refused(model, tmp_path / "x.safetensors")


def test_an_embedding_is_pinned_and_stamped_by_its_content(
    model: DiffusionModel, tmp_path: Path
) -> None:
    file = tmp_path / "x.safetensors"
    save(file, "<toy>", seed=1)
    node = LoadEmbedding(model=model, embedding=str(file))
    before, (pin,) = node.stamp(BENCH), node.pins(BENCH).items()
    content = hashlib.sha256(file.read_bytes()).hexdigest()

    save(file, "<toy>", seed=2)

    assert before == (content, str(file))
    assert pin == (str(file), ("", content, {}))
    assert node.stamp(BENCH) != before


def test_learned_words_hold_no_more_of_the_model_than_their_vectors(
    model: DiffusionModel, tmp_path: Path
) -> None:
    from nodes.weights.vocabulary import Vocabulary

    cache, knows = Cache.in_memory(), model
    for index in range(12):
        save(tmp_path / f"{index}.safetensors", f"<{index}>", 2, seed=index)
        knows = taught(knows, tmp_path / f"{index}.safetensors")
    context = RunContext(Settings(), "cpu", Workflow(), cache)
    with context.lease(model.text_encoder) as bare:
        before = {key: value.clone() for key, value in bare.state_dict().items()}
    bytes_before = cache.sizes()["host"].bytes

    for _ in range(2):
        with context.lease(knows.text_encoder) as encoder:
            words: Any = next(module for module in encoder.modules() if type(module) is Vocabulary)
            lengths = [len(vectors) for vectors in words.added]
            assert words.added[11].equal(save(tmp_path / "again.safetensors", "x", 2, seed=11))

    assert lengths == [2] * 12
    # Each as it is loaded, and where it was put.
    assert cache.sizes()["host"].bytes == bytes_before + 2 * 12 * 2 * WIDTH * 4
    with context.lease(model.text_encoder) as again:
        assert again is bare
        assert all(before[key].equal(value) for key, value in again.state_dict().items())
