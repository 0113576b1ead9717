"""LoRAs in runs: what is loaded, made, shared, computed again, and written to disk."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nodegraph import Builder, Cache, Settings, each, execute
from nodegraph.events import Finished
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.planning.plan import plan
from nodes.weights.patches import LoRA
from nodes.weights.reference import Weights

from ..support.loras import (
    ATTENTION,
    drawn,
    latents,
    model_of,
    save_lora,
    with_lora,
)
from ..support.weights import TINY


def test_the_base_model_stays_as_it_is_while_two_models_with_loras_are_lent(
    base: Path, tmp_path: Path
) -> None:
    import torch

    for seed in (1, 2):
        save_lora(base, tmp_path / f"{seed}.safetensors", seed=seed)
    bare = model_of(base)
    models = [with_lora(bare, tmp_path / f"{seed}.safetensors") for seed in (1, 2)]
    context = context_of(Cache())
    with context.lease(bare.unet) as unet:
        before = {key: weight.clone() for key, weight in unet.state_dict().items()}

    with (
        context.lease(models[0].unet) as first,
        context.lease(models[1].unet) as second,
        context.lease(bare.unet) as plain,
    ):
        name = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
        values = [module.get_parameter(name) for module in (first, second, plain)]
        assert not any(torch.equal(a, b) for a, b in pairwise(values))
        shared = [module.get_parameter("conv_in.weight").data_ptr() for module in (first, plain)]
        assert shared[0] == shared[1]

    with context.lease(bare.unet) as again:
        assert again is unet
        assert all(torch.equal(before[key], weight) for key, weight in again.state_dict().items())


def context_of(cache: Cache) -> RunContext:
    return RunContext(Settings(), "cpu", Workflow(), cache)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often weights are read, by part."""
    counted: Counter[str] = Counter()
    for kind in (Weights, LoRA):
        original: Any = kind.load

        def load(self: Any, device: str, dtype: str, original: Any = original) -> Any:
            counted[f"{type(self).__name__} {self.part}"] += 1
            return original(self, device, dtype)

        monkeypatch.setattr(kind, "load", load)
    return counted


def computed(builder: Builder, cache: Cache) -> list[str]:
    """The nodes that were run, not looked up."""
    events = execute(plan(builder.workflow(), builder.registry), cache, Settings())
    return sorted(e.name for e in events if isinstance(e, Finished) and not e.cached)


def test_strengths_and_more_loras_reload_nothing(tmp_path: Path, loads: Counter[str]) -> None:
    first_file, second_file = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    save_lora(TINY / "base", first_file, seed=1)
    save_lora(TINY / "base", second_file, seed=2)
    cache = Cache()

    for loras in (
        [],
        [(first_file, 1.0)],
        [(first_file, 0.5)],
        [(first_file, 0.5), (second_file, 1.0)],
        [(second_file, 0.3)],
        [],
    ):
        builder, sample = drawn(loras)
        builder.run(sample, cache)

    assert loads == {
        "Weights unet": 1,
        "Weights text_encoder": 1,
        "Weights vae": 1,
        "LoRA unet": 2,
        "LoRA text_encoder": 2,
    }


def test_weights_with_a_lora_are_made_once_for_each_strength(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors")
    makes: Counter[str] = Counter()
    make: Any = Weights.make

    def counted(self: Weights, parts: Any) -> Any:
        makes[self.part] += 1
        return make(self, parts)

    monkeypatch.setattr(Weights, "make", counted)
    cache = Cache()

    for seed, strength in ((1, 1.0), (2, 1.0), (2, 0.5), (3, 0.5), (4, 1.0)):
        builder, sample = drawn([(tmp_path / "x.safetensors", strength)], seed=seed)
        builder.run(sample, cache)

    assert makes == {"unet": 2, "text_encoder": 2}


def test_only_the_layers_that_a_lora_changes_are_held_a_second_time(tmp_path: Path) -> None:
    file, cache = tmp_path / "x.safetensors", Cache.in_memory()
    changed = save_lora(TINY / "base", file, unet=ATTENTION, text="")["unet"]
    bare = model_of(TINY / "base")
    ref = with_lora(bare, file).unet
    context = context_of(cache)
    with context.lease(bare.unet) as unet:
        before = {key: weight.clone() for key, weight in unet.state_dict().items()}
    for part in ref.parts[1:]:
        with context.lease(part):
            pass
    bytes_before = cache.sizes()["host"].bytes

    with context.lease(ref):
        pass

    added = sum(delta.numel() for delta in changed.values()) * 4
    assert cache.sizes()["host"].bytes == bytes_before + added
    with context.lease(bare.unet) as again:
        assert again is unet
        assert all(before[key].equal(weight) for key, weight in again.state_dict().items())


def test_a_model_with_a_lora_is_made_again_after_its_base_was_dropped(tmp_path: Path) -> None:
    """What was made holds nothing of the base, which would else stay without being counted."""
    import gc
    import weakref

    file, cache = tmp_path / "x.safetensors", Cache.in_memory()
    save_lora(TINY / "base", file, text="")
    ref = with_lora(model_of(TINY / "base"), file).unet
    context = context_of(cache)
    with context.lease(ref) as unet:
        dropped = weakref.ref(unet.get_parameter("conv_in.weight"))
        before = {key: weight.clone() for key, weight in unet.state_dict().items()}
    del unet
    cache._memory.remove((ref.key, "float32"))
    gc.collect()

    assert dropped() is None
    with context.lease(ref) as unet:
        assert all(before[key].equal(weight) for key, weight in unet.state_dict().items())


def test_only_what_a_lora_touches_is_computed_again(tmp_path: Path) -> None:
    save_lora(TINY / "base", tmp_path / "unet.safetensors", text="")
    save_lora(TINY / "base", tmp_path / "both.safetensors")
    cache = Cache()
    encoded = ["sample/negative_prompt", "sample/prompt"]
    drawing = ["sample/decode", "sample/denoise"]

    first = computed(drawn([])[0], cache)
    unet = computed(drawn([(tmp_path / "unet.safetensors", 1.0)])[0], cache)
    weaker = computed(drawn([(tmp_path / "unet.safetensors", 0.5)])[0], cache)
    both = computed(drawn([(tmp_path / "both.safetensors", 1.0)])[0], cache)
    no_text = computed(drawn([(tmp_path / "both.safetensors", 1.0)], 0.0)[0], cache)
    nothing = computed(drawn([(tmp_path / "both.safetensors", 0.0)])[0], cache)

    assert first == ["base", *drawing, *encoded]
    assert unet == weaker == ["lora0", *drawing]
    # The same change from another file: the latents are the same, and so is what they decode to.
    assert no_text == ["lora0", "sample/denoise"]
    assert both == ["lora0", *drawing, *encoded]
    assert nothing == ["lora0"]


def test_a_changed_file_is_another_lora(tmp_path: Path) -> None:
    file, cache = tmp_path / "x.safetensors", Cache()
    save_lora(TINY / "base", file, seed=1, text="")
    computed(drawn([(file, 1.0)])[0], cache)
    assert computed(drawn([(file, 1.0)])[0], cache) == []

    save_lora(TINY / "base", file, seed=2, text="")

    assert computed(drawn([(file, 1.0)])[0], cache) == ["lora0", "sample/decode", "sample/denoise"]


def test_strengths_are_items_of_one_run(tmp_path: Path) -> None:
    import numpy as np

    file = tmp_path / "x.safetensors"
    save_lora(TINY / "base", file)
    strengths = [0.0, 0.5, 1.0]

    builder, sample = drawn([(file, each(strengths))])
    together: Any = builder.run(sample).image

    for strength, picture in zip(strengths, together, strict=True):
        builder, sample = drawn([(file, strength)])
        alone = builder.run(sample).image.pixels.astype(int)
        assert np.abs(alone - picture.pixels).max() <= 1
    assert np.abs(together[0].pixels.astype(int) - together[2].pixels).max() > 1


def test_a_model_with_a_lora_survives_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for worth in ("WORTH_NOTING", "WORTH_WRITING"):  # finding it takes no time
        monkeypatch.setattr(f"nodegraph.cache.cache.{worth}", 0.0)
    save_lora(TINY / "base", tmp_path / "x.safetensors")
    first_run, second_run = (
        drawn([(tmp_path / "x.safetensors", 0.5)], seed=seed)[0] for seed in (1, 2)
    )
    folder = tmp_path / "cache"

    with closing(Cache(folder)) as cache:
        first = computed(first_run, cache)
    with closing(Cache(folder)) as cache:
        second = computed(second_run, cache)

    assert (len(first), second) == (6, ["sample/decode", "sample/denoise"])


def test_another_strength_of_a_lora_is_never_drawn_with_the_weights_of_the_last_one(
    base: Path, tmp_path: Path
) -> None:
    """Merged weights live no longer than a lease, and the next ones may lie where they lay."""
    import torch

    save_lora(base, tmp_path / "x.safetensors", text="")
    bare = model_of(base)

    def at(strength: float) -> Any:
        return latents(with_lora(bare, tmp_path / "x.safetensors", strength=strength))

    plain, half, whole = at(0.0), at(0.5), at(1.0)

    assert (
        min((picture - plain).abs().max() for picture in (half, whole, whole - half + plain)) > 1e-3
    )
    for strength, first in ((0.5, half), (0.0, plain), (1.0, whole)):
        assert torch.equal(at(strength), first)
