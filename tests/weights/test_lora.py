"""LoRAs: every way of naming them, what they do to each layer, and what they leave alone."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nodegraph import Builder, Cache, Settings, each, execute
from nodegraph.errors import UserError
from nodegraph.events import Finished
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.inspection.pins import lock
from nodegraph.planning.plan import plan
from nodes.library.pins import pin
from nodes.models import LoadBaseModel, LoadLoRA
from nodes.sampling import Denoise, EncodePrompt, Sample
from nodes.types import DiffusionModel
from nodes.weights.lora import layers_of as named_layers
from nodes.weights.patches import LoRA
from nodes.weights.reference import Weights

from ..support.weights import TINY, Bench, drain, layers_of, lora_factors, merged, save_base

BENCH = Bench()
ATTENTION = r"attn[12]\.to_(q|k|v|out\.0)\.|ff\.net"
CONVOLUTIONS = r"resnets\.0\.conv1\.|proj_in\.|downsamplers"
TEXT = r"self_attn\.(q|k|v|out)_proj\.|mlp\.fc"
Changes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("random") / "base", groups=8)


def kohya(part: str, name: str, factor: str) -> str:
    place = "unet" if part == "unet" else "te"
    role = {"A": "lora_down.weight", "B": "lora_up.weight", "alpha": "alpha"}[factor]
    return f"lora_{place}_{name.replace('.', '_')}.{role}"


def peft(part: str, name: str, factor: str) -> str:
    return f"{part}.{name}." + ("alpha" if factor == "alpha" else f"lora_{factor}.weight")


def diffusers(part: str, name: str, factor: str) -> str:
    """As diffusers used to write attention layers; it named others as peft does."""
    role = {"A": "down.weight", "B": "up.weight", "alpha": "alpha"}[factor]
    if part == "text_encoder":
        return f"{part}.{name}.{'' if factor == 'alpha' else 'lora_linear_layer.'}{role}"
    place, _, layer = name.partition(".to_")
    if not layer or factor == "alpha":
        return f"{part}.{name}.{'' if factor == 'alpha' else 'lora.'}{role}"
    return f"{part}.{place}.processor.to_{layer.removesuffix('.0')}_lora.{role}"


STYLES = [kohya, peft, diffusers]


def save_lora(
    base: Path,
    file: Path,
    style: Callable[[str, str, str], str] = kohya,
    *,
    seed: int = 0,
    rank: int = 4,
    alpha: float | None = 2.0,
    unet: str = f"{ATTENTION}|{CONVOLUTIONS}",
    text: str = TEXT,
    metadata: Mapping[str, str] | None = None,
) -> Changes:
    """Save a random LoRA and tell, by part and layer, what it adds at strength 1."""
    import torch
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Any] = {}
    changes: Changes = {"unet": {}, "text_encoder": {}}
    for part, wanted in (("unet", unet), ("text_encoder", text)):
        for name, weight in layers_of(base, part, wanted).items() if wanted else ():
            down, up = lora_factors(weight, rank, generator)
            tensors[style(part, name, "A")], tensors[style(part, name, "B")] = down, up
            if alpha is not None:
                tensors[style(part, name, "alpha")] = torch.tensor(alpha)
            scale = 1.0 if alpha is None else alpha / rank
            changes[part][name] = scale * (up.flatten(1) @ down.flatten(1)).view_as(weight)
    save_file(tensors, file, dict(metadata or {}))
    return changes


def scaled(changes: Changes, strength: float, text: float | None = None) -> Changes:
    strengths = {"unet": strength, "text_encoder": strength if text is None else text}
    return {
        part: {name: strengths[part] * delta for name, delta in deltas.items()}
        for part, deltas in changes.items()
    }


def model_of(folder: Path) -> DiffusionModel:
    return LoadBaseModel(model=str(folder)).run(BENCH).model


def with_lora(model: DiffusionModel, lora: Path | str, **inputs: Any) -> DiffusionModel:
    return LoadLoRA(model=model, lora=str(lora), **inputs).run(BENCH).model


def refused(model: DiffusionModel, lora: Path | str, **inputs: Any) -> str:
    with pytest.raises(UserError) as caught:
        LoadLoRA(model=model, lora=str(lora), **inputs).run(Bench())
    return str(caught.value)


def weights_of(ref: Weights) -> dict[str, Any]:
    with BENCH.lease(ref) as module:
        return {key: one.clone() for key, one in module.state_dict().items()}


def assert_changed(base: Path, model: DiffusionModel, changes: Changes) -> None:
    """Every layer's weights are the base model's and the change; there is no other change."""
    import torch

    bare = model_of(base)
    for part, deltas in changes.items():
        before, after = weights_of(getattr(bare, part)), weights_of(getattr(model, part))
        assert before.keys() == after.keys()
        plain = {f"{name.removeprefix('text_model.')}.weight": d for name, d in deltas.items()}
        for key, weight in before.items():
            delta = plain.pop(key.removeprefix("text_model."), None)
            if delta is None:
                assert torch.equal(after[key], weight), key
            else:
                assert not torch.equal(after[key], weight), key
                torch.testing.assert_close(after[key], weight + delta)
        assert not plain


def latents(model: DiffusionModel) -> Any:
    """Ours, under a prompt and a negative prompt that the model's own text encoder reads."""
    items = [EncodePrompt(model=model, prompt=text) for text in ("a red circle", "blurry")]
    prompt, negative = (one.conditioning for one in EncodePrompt.run_batch(items, BENCH))
    node = Denoise(
        model=model,
        prompt=prompt,
        negative_prompt=negative,
        width=64,
        height=64,
        steps=4,
        seed=3,
        scheduler="DDIM",
    )
    return drain(node.run(BENCH)).latents.values


def pipeline_latents(folder: Path) -> Any:
    """diffusers' pipeline's, from the weights in a folder."""
    return drawn_by(pipeline_of(folder))


def pipeline_of(folder: Path) -> Any:
    """diffusers' pipeline, with the weights in a folder."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, local_files_only=True, dtype=torch.float32
    )
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def drawn_by(pipeline: Any) -> Any:
    """The latents that a pipeline draws of the prompts that ``latents`` is given."""
    import torch

    return pipeline(
        "a red circle",
        negative_prompt="blurry",
        width=64,
        height=64,
        num_inference_steps=4,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
    ).images[0]


@pytest.mark.parametrize("style", STYLES)
def test_a_lora_makes_the_pipelines_pictures_of_merged_weights(
    base: Path, tmp_path: Path, style: Callable[[str, str, str], str]
) -> None:
    import torch

    changes = save_lora(base, tmp_path / "x.safetensors", style)
    folder = merged(base, scaled(changes, 0.7, 0.4), tmp_path / "merged")
    model = with_lora(model_of(base), tmp_path / "x.safetensors", strength=0.7, text_strength=0.4)

    ours, bare = latents(model), latents(model_of(base))

    torch.testing.assert_close(ours, pipeline_latents(folder), rtol=0, atol=1e-4)
    assert not torch.allclose(ours, bare, atol=1e-2)


def loaded_latents(base: Path, loras: Sequence[tuple[Path, float | dict[str, float]]]) -> Any:
    """diffusers' pipeline's, with LoRAs that it loaded itself: it has peft put them on."""
    pytest.importorskip("peft")
    pipeline = pipeline_of(base)
    names = [f"lora{index}" for index in range(len(loras))]
    for name, (file, _) in zip(names, loras, strict=True):
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name)
    pipeline.set_adapters(names, [strength for _, strength in loras])
    return drawn_by(pipeline)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("strength", "text"), [(1.0, 1.0), (0.5, 0.5), (0.7, 0.4)])
def test_a_lora_makes_the_pictures_of_the_pipeline_that_loads_it(
    base: Path, tmp_path: Path, style: Callable[[str, str, str], str], strength: float, text: float
) -> None:
    import torch

    file = tmp_path / "x.safetensors"
    save_lora(base, file, style, alpha=2.0 if style is kohya else None)
    theirs = loaded_latents(base, [(file, {"unet": strength, "text_encoder": text})])

    ours = latents(with_lora(model_of(base), file, strength=strength, text_strength=text))

    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    assert not torch.allclose(ours, latents(model_of(base)), atol=1e-2)


@pytest.mark.slow
def test_several_loras_make_the_pictures_of_the_pipeline_that_loads_them(
    base: Path, tmp_path: Path
) -> None:
    import torch

    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    save_lora(base, one, kohya, seed=1)
    save_lora(base, other, peft, seed=2, rank=2, alpha=None)
    theirs = loaded_latents(base, [(one, 0.5), (other, 1.0)])

    model = with_lora(with_lora(model_of(base), one, strength=0.5), other)

    torch.testing.assert_close(latents(model), theirs, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_an_alpha_told_in_metadata_makes_the_pictures_of_the_pipeline_that_reads_it(
    base: Path, tmp_path: Path
) -> None:
    import torch

    targets = ["to_q", "to_k", "to_v", "to_out.0", "q_proj", "k_proj", "v_proj", "out_proj"]
    told = {"r": 4, "lora_alpha": 6, "target_modules": targets}
    both = {
        f"{part}.{name}": one for part in ("unet", "text_encoder") for name, one in told.items()
    }
    file = tmp_path / "x.safetensors"
    metadata = {"format": "pt", "lora_adapter_metadata": json.dumps(both)}
    unet, text = r"attn[12]\.to_", r"self_attn\."
    save_lora(base, file, peft, alpha=None, metadata=metadata, unet=unet, text=text)
    theirs = loaded_latents(base, [(file, 1.0)])

    ours = latents(with_lora(model_of(base), file))

    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("strength", [1.0, -0.5])
def test_a_lora_adds_its_product_to_each_of_its_layers_and_to_no_other(
    base: Path, tmp_path: Path, style: Callable[[str, str, str], str], strength: float
) -> None:
    changes = save_lora(base, tmp_path / "x.safetensors", style)

    model = with_lora(model_of(base), tmp_path / "x.safetensors", strength=strength)

    assert_changed(base, model, scaled(changes, strength))


def test_the_tiny_model_takes_loras(tmp_path: Path) -> None:
    changes = save_lora(TINY / "base", tmp_path / "x.safetensors")

    assert changes["unet"]
    assert_changed(
        TINY / "base", with_lora(model_of(TINY / "base"), tmp_path / "x.safetensors"), changes
    )


def test_the_built_in_lora_is_found_by_name_and_changes_the_tiny_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nodes.checkpoints.hub.fetch", None)
    model = model_of(TINY / "base")

    found = with_lora(model, "tiny-ink")

    assert found.text_encoder == model.text_encoder
    before, after = weights_of(model.unet), weights_of(found.unet)
    assert sum(not one.equal(after[key]) for key, one in before.items()) > 20


def test_several_loras_add_up(base: Path, tmp_path: Path) -> None:
    one = save_lora(base, tmp_path / "one.safetensors", kohya, seed=1)
    other = save_lora(base, tmp_path / "other.safetensors", peft, seed=2, rank=2)
    both: Changes = {
        part: {name: 0.5 * d - 1.5 * other[part][name] for name, d in deltas.items()}
        for part, deltas in one.items()
    }

    model = with_lora(model_of(base), tmp_path / "one.safetensors", strength=0.5)
    model = with_lora(model, tmp_path / "other.safetensors", strength=-1.5)

    assert_changed(base, model, both)


def test_a_core_between_the_factors_of_a_convolution_is_multiplied_in(
    base: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    name = "down_blocks.0.resnets.0.conv1"
    weight = layers_of(base, "unet", name)[name]
    out, into = weight.shape[:2]
    up, mid, down = torch.randn(out, 3), torch.randn(3, 2, 3, 3), torch.randn(2, into)
    key = f"lora_unet_{name.replace('.', '_')}"
    parts = {"lora_up": up[:, :, None, None], "lora_mid": mid, "lora_down": down[:, :, None, None]}
    save_file(
        {f"{key}.{role}.weight": one for role, one in parts.items()}, tmp_path / "x.safetensors"
    )
    delta = torch.stack(
        [torch.stack([up @ mid[:, :, y, x] @ down for x in range(3)], -1) for y in range(3)], -2
    )

    model = with_lora(model_of(base), tmp_path / "x.safetensors")

    assert_changed(base, model, {"unet": {name: delta}, "text_encoder": {}})


def test_a_layer_stored_as_a_convolution_of_one_pixel_is_a_linear_one(
    base: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    changes = save_lora(base, tmp_path / "x.safetensors", unet=ATTENTION, text="")
    tensors = {
        key: one[:, :, None, None] if one.ndim == 2 else one
        for key, one in load_file(tmp_path / "x.safetensors").items()
    }
    save_file(tensors, tmp_path / "y.safetensors")

    assert_changed(base, with_lora(model_of(base), tmp_path / "y.safetensors"), changes)


@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        ({}, 1.0),
        ({"r": 4, "lora_alpha": 8}, 2.0),
        ({"r": 4, "lora_alpha": 8, "use_rslora": True}, 8 / math.sqrt(4)),
        ({"lora_alpha": 8, "alpha_pattern": {"self_attn.q_proj": 2}}, None),
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_an_alpha_may_be_told_beside_the_weights(
    base: Path, tmp_path: Path, settings: dict[str, Any], factor: float | None, beside: bool
) -> None:
    told = {f"{part}.{k}": v for part in ("unet", "text_encoder") for k, v in settings.items()}
    file = tmp_path / "adapter_model.safetensors"
    metadata = {} if beside else {"lora_adapter_metadata": json.dumps(told)}
    changes = save_lora(base, file, peft, alpha=None, metadata=metadata)
    if beside:
        (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    expected = {
        part: {
            name: delta * (factor or (0.5 if name.endswith("self_attn.q_proj") else 2.0))
            for name, delta in deltas.items()
        }
        for part, deltas in changes.items()
    }

    assert_changed(base, with_lora(model_of(base), tmp_path), expected)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"lora_alpha": "8"}, "lora_alpha = '8'"),
        ({"alpha_pattern": {"(a+)+$": 8}}, "(a+)+$ = 8"),
        ({"alpha_pattern": [8]}, "alpha_pattern"),
    ],
)
def test_settings_that_are_not_understood_are_named(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    save_lora(TINY / "base", tmp_path / "adapter_model.safetensors", peft, unet="", alpha=None)
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))

    assert f"asks for {said}, which is not supported" in refused(model_of(TINY / "base"), tmp_path)


def test_settings_beside_a_lora_are_part_of_its_identity(base: Path, tmp_path: Path) -> None:
    save_lora(base, tmp_path / "adapter_model.safetensors", peft, alpha=None)
    node = LoadLoRA(model=model_of(base), lora=str(tmp_path))
    stamps = [node.stamp(BENCH)]
    for alpha in (4, 8):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": alpha}))
        stamps.append(node.stamp(BENCH))

    assert len(set(stamps)) == 3


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
        before = {key: one.clone() for key, one in unet.state_dict().items()}

    with (
        context.lease(models[0].unet) as one,
        context.lease(models[1].unet) as other,
        context.lease(bare.unet) as plain,
    ):
        name = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
        values = [module.get_parameter(name) for module in (one, other, plain)]
        assert not any(torch.equal(a, b) for a, b in pairwise(values))
        shared = [module.get_parameter("conv_in.weight").data_ptr() for module in (one, plain)]
        assert shared[0] == shared[1]

    with context.lease(bare.unet) as again:
        assert again is unet
        assert all(torch.equal(before[key], one) for key, one in again.state_dict().items())


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


def drawn(
    loras: list[tuple[Path, Any]], text_strength: float | None = None, seed: int = 0
) -> tuple[Builder, Any]:
    builder = Builder()
    model = builder.add("base", LoadBaseModel).model
    for index, (file, strength) in enumerate(loras):
        model = builder.add(
            f"lora{index}",
            LoadLoRA,
            model=model,
            lora=str(file),
            strength=strength,
            text_strength=text_strength,
        ).model
    sample = builder.add(
        "sample",
        Sample,
        model=model,
        prompt="a red circle",
        steps=2,
        width=64,
        height=64,
        seed=seed,
    )
    builder.result("image", sample.image)
    return builder, sample


def computed(builder: Builder, cache: Cache) -> list[str]:
    """The nodes that were run, not looked up."""
    events = execute(plan(builder.workflow(), builder.registry), cache, Settings())
    return sorted(e.name for e in events if isinstance(e, Finished) and not e.cached)


def test_strengths_and_more_loras_reload_nothing(tmp_path: Path, loads: Counter[str]) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    save_lora(TINY / "base", one, seed=1)
    save_lora(TINY / "base", other, seed=2)
    cache = Cache()

    for loras in ([], [(one, 1.0)], [(one, 0.5)], [(one, 0.5), (other, 1.0)], [(other, 0.3)], []):
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
        before = {key: one.clone() for key, one in unet.state_dict().items()}
    for part in ref.parts[1:]:
        with context.lease(part):
            pass
    held = cache.sizes()["host"].bytes

    with context.lease(ref):
        pass

    added = sum(delta.numel() for delta in changed.values()) * 4
    assert cache.sizes()["host"].bytes == held + added
    with context.lease(bare.unet) as again:
        assert again is unet
        assert all(before[key].equal(one) for key, one in again.state_dict().items())


def test_a_model_with_a_lora_is_made_again_after_its_base_was_dropped(tmp_path: Path) -> None:
    """What was made holds nothing of the base, which would else stay without being counted."""
    import gc
    import weakref

    file, cache = tmp_path / "x.safetensors", Cache.in_memory()
    save_lora(TINY / "base", file, text="")
    ref = with_lora(model_of(TINY / "base"), file).unet
    context = context_of(cache)
    with context.lease(ref) as unet:
        seen = weakref.ref(unet.get_parameter("conv_in.weight"))
        before = {key: one.clone() for key, one in unet.state_dict().items()}
    del unet
    cache._memory.remove((ref.key, "float32"))
    gc.collect()

    assert seen() is None
    with context.lease(ref) as unet:
        assert all(before[key].equal(one) for key, one in unet.state_dict().items())


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
    assert unet == weaker == no_text == ["lora0", *drawing]
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
    one, other = (drawn([(tmp_path / "x.safetensors", 0.5)], seed=seed)[0] for seed in (1, 2))
    folder = tmp_path / "cache"

    with closing(Cache(folder)) as cache:
        first = computed(one, cache)
    with closing(Cache(folder)) as cache:
        second = computed(other, cache)

    assert (len(first), second) == (6, ["sample/decode", "sample/denoise"])


@pytest.mark.parametrize("dtype", ["bfloat16", "auto"])
def test_a_lora_has_the_width_of_the_model(tmp_path: Path, dtype: Any) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors")
    model = LoadBaseModel(model="tiny", dtype=dtype).run(BENCH).model

    with BENCH.lease(with_lora(model, tmp_path / "x.safetensors").unet) as unet:
        widths = {str(one.dtype) for one in unet.state_dict().values()}

    assert widths == {"torch.float32" if dtype == "auto" else "torch.bfloat16"}


def test_prompts_keys_are_not_remembered_across_loras(base: Path, tmp_path: Path) -> None:
    import torch

    save_lora(base, tmp_path / "x.safetensors", text="")
    bare = model_of(base)
    prompt = torch.randn(1, 77, 64)
    name = "mid_block.attentions.0.transformer_blocks.0.attn2"

    with BENCH.lease(bare.unet) as unet, torch.no_grad():
        layer: Any = unet.get_submodule(name)
        plain = layer(torch.ones(1, 4, 64), prompt)
        with BENCH.lease(with_lora(bare, tmp_path / "x.safetensors").unet) as changed:
            other: Any = changed.get_submodule(name)
            assert not torch.allclose(other(torch.ones(1, 4, 64), prompt), plain, atol=1e-3)
        assert torch.equal(layer(torch.ones(1, 4, 64), prompt), plain)


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

    assert min((one - plain).abs().max() for one in (half, whole, whole - half + plain)) > 1e-3
    for strength, first in ((0.5, half), (0.0, plain), (1.0, whole)):
        assert torch.equal(at(strength), first)


def test_a_lora_for_another_family_is_named_by_its_sizes(base: Path, tmp_path: Path) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors")

    expected = (
        f"lora: {str(tmp_path / 'x.safetensors')!r} is for models that read 96 numbers a token,"
        f" but {str(base)!r} reads 64 (custom)"
    )
    assert refused(model_of(base), tmp_path / "x.safetensors") == expected


def test_a_lora_of_another_size_is_named_by_its_layer(base: Path, tmp_path: Path) -> None:
    save_lora(base, tmp_path / "x.safetensors", unet=r"mid_block.*attn1\.to_q\.", text="")

    said = refused(model_of(TINY / "base"), tmp_path / "x.safetensors")

    assert "does not fit" in said
    assert "attn1_to_q is 64 x 64, the model's " in said


def test_layers_that_a_model_has_not_are_counted_and_named(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_lora(base, tmp_path / "x.safetensors", text="")
    tensors = {
        key.replace("down_blocks_1", "down_blocks_9"): one
        for key, one in load_file(tmp_path / "x.safetensors").items()
    }
    save_file(tensors, tmp_path / "y.safetensors")

    said = refused(model_of(base), tmp_path / "y.safetensors")

    assert "changes 24 layers (down_blocks_9_" in said
    assert said.endswith(f"and 21 more) that {str(base)!r} has not")


def test_keys_of_no_known_meaning_are_counted_and_named(base: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    save_lora(base, tmp_path / "x.safetensors")
    more = {"lora_unet_x.glora_w1": torch.ones(1), "lora_unet_y.diff_b": torch.ones(1)}
    save_file(load_file(tmp_path / "x.safetensors") | more, tmp_path / "y.safetensors")

    assert "has 2 keys (lora_unet_x.glora_w1, lora_unet_y.diff_b) of no known meaning" in (
        refused(model_of(base), tmp_path / "y.safetensors")
    )


@pytest.mark.parametrize(
    ("kind", "factors"),
    [
        ("LoHa", {"hada_w1_a": 2, "hada_w1_b": 2, "hada_w2_a": 2, "hada_w2_b": 2, "alpha": 0}),
        ("LoKr", {"lokr_w1": 2, "lokr_w2_a": 2, "lokr_w2_b": 2, "alpha": 0}),
        ("DoRA", {"lora_down.weight": 2, "lora_up.weight": 2, "dora_scale": 2, "alpha": 0}),
    ],
)
def test_kin_of_a_lora_is_refused_by_its_name_and_not_applied_in_part(
    tmp_path: Path, kind: str, factors: dict[str, int]
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    save_lora(TINY / "base", tmp_path / "x.safetensors", text="")
    key = "lora_unet_mid_block_attentions_0_proj_in"
    more = {f"{key}.{factor}": torch.ones((4,) * rank) for factor, rank in factors.items()}
    save_file(load_file(tmp_path / "x.safetensors") | more, tmp_path / "y.safetensors")

    assert refused(model_of(TINY / "base"), tmp_path / "y.safetensors") == (
        f"lora: {str(tmp_path / 'y.safetensors')!r} is a {kind}, which is not supported;"
        " give a LoRA"
    )


def test_a_dora_of_peft_is_refused_by_its_name(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    save_lora(TINY / "base", tmp_path / "x.safetensors", peft, alpha=None)
    more = {"unet.mid_block.attentions.0.proj_in.lora_magnitude_vector": torch.ones(128)}
    save_file(load_file(tmp_path / "x.safetensors") | more, tmp_path / "y.safetensors")

    assert "is a DoRA" in refused(model_of(TINY / "base"), tmp_path / "y.safetensors")


def test_half_a_layer_is_named(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_lora(base, tmp_path / "x.safetensors", unet=r"mid_block.*attn2\.to_q\.", text="")
    tensors = load_file(tmp_path / "x.safetensors")
    save_file({k: v for k, v in tensors.items() if "lora_up" not in k}, tmp_path / "y.safetensors")

    assert "has 2 keys (" in refused(model_of(base), tmp_path / "y.safetensors")


def test_a_file_that_is_no_lora_is_named(tmp_path: Path) -> None:
    (tmp_path / "noise.safetensors").write_bytes(b"noise")
    model = model_of(TINY / "base")

    assert refused(model, tmp_path / "noise.safetensors").startswith("lora: ")
    assert "is damaged or no .safetensors file" in refused(model, tmp_path / "noise.safetensors")


@pytest.mark.parametrize(
    ("lora", "message"),
    [
        ("./nowhere.safetensors", "lora: no file or folder './nowhere.safetensors'"),
        (
            "watercolour",
            "lora: no 'watercolour'; it has tiny-ink; or give a hub id (owner/name), a folder or",
        ),
        ("some/lora", "lora: 'some/lora' is not in "),
        ("some/lora", "fetch it where it can (hf download some/lora) and give its folder"),
    ],
)
def test_a_lora_that_is_nowhere_is_named_with_what_would_work(lora: str, message: str) -> None:
    assert message in refused(model_of(TINY / "base"), lora)


def test_one_of_several_files_is_picked_by_name(tmp_path: Path) -> None:
    for name in ("one", "other"):
        save_lora(TINY / "base", tmp_path / f"{name}.safetensors", unet=ATTENTION, text="")
    model = model_of(TINY / "base")

    said = refused(model, tmp_path)
    assert said.endswith("holds several; name one in `file`: one.safetensors, other.safetensors")
    assert "has no 'onee.safetensors'; did you mean 'one.safetensors'?" in (
        refused(model, tmp_path, file="onee.safetensors")
    )
    assert with_lora(model, tmp_path, file="one.safetensors").unet.patches


def test_a_pickled_lora_is_refused_until_it_is_allowed(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    changes = save_lora(TINY / "base", tmp_path / "x.safetensors")
    torch.save(load_file(tmp_path / "x.safetensors"), tmp_path / "x.pt")
    (tmp_path / "x.safetensors").unlink()
    model = model_of(TINY / "base")

    said = refused(model, tmp_path / "x.pt")
    assert said.startswith(f"lora: {str(tmp_path / 'x.pt')!r} is a pickle, which can run code")
    allowed = Bench(allow=frozenset({"pickle"}))
    found = LoadLoRA(model=model, lora=str(tmp_path / "x.pt")).run(allowed).model
    assert_changed(TINY / "base", found, changes)


def test_a_lora_is_pinned_by_its_content(tmp_path: Path) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors")
    node = LoadLoRA(model=model_of(TINY / "base"), lora=str(tmp_path / "x.safetensors"))
    ((name, (revision, digest, *_)),) = node.pins(BENCH).items()

    class Pinned(Bench):
        def pinned(self, model: str) -> tuple[str, str]:
            return revision, digest if model == name else ""

    assert node.run(Pinned()).model.unet.patches
    save_lora(TINY / "base", tmp_path / "x.safetensors", seed=9)
    with pytest.raises(UserError, match=r"lora: .* is not the one this workflow was made with"):
        node.run(Pinned())


def test_locking_a_workflow_pins_the_loras_in_it(tmp_path: Path) -> None:
    files = [tmp_path / "one.safetensors", tmp_path / "other.safetensors"]
    for seed, file in enumerate(files):
        save_lora(TINY / "base", file, seed=seed, unet=ATTENTION, text="")
    builder, _ = drawn([(file, 0.5) for file in files])

    locked = lock(plan(builder.workflow(), builder.registry), Cache.in_memory())

    digests = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert {name: one.sha256 for name, one in locked.models.items()} == digests


def test_the_commit_of_a_hub_lora_is_pinned() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"

    found = pin("some/lora", f"/hub/models--some--lora/snapshots/{commit}/x.safetensors", "abc")

    assert found == {"some/lora": (commit, "abc", {})}


def test_every_way_to_name_a_layer_names_the_same_one() -> None:
    keys = [
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0.lora_down.weight",
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0.lora_A.weight",
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0.lora_A.default.weight",
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out_lora.down.weight",
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0.lora.down.weight",
        "mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out_lora.down.weight",
        "base_model.model.mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0.lora_A.weight",
    ]
    ups = [k.replace("down", "up").replace("lora_A", "lora_B") for k in keys]
    ups = [k.replace("up_block", "down_block") for k in ups]

    found = [named_layers([key, up]) for key, up in zip(keys, ups, strict=True)]

    name = "mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0"
    assert [[(one.part, one.name) for one in layers] for layers, _ in found] == [
        [("unet", name)]
    ] * 7
    assert [unknown for _, unknown in found] == [[]] * 7


def test_a_model_with_a_lora_differs_only_in_what_it_changes(tmp_path: Path) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors", text="")
    bare = model_of(TINY / "base")

    model = with_lora(bare, tmp_path / "x.safetensors")

    assert replace(model, unet=bare.unet) == bare
    assert model.unet != bare.unet
