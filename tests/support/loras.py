"""LoRAs of random factors in every style of names, and what they do to a model's weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nodegraph import Builder
from nodegraph.errors import UserError
from nodes.models import LoadBaseModel, LoadLoRA
from nodes.sampling import Denoise, EncodePrompt, Sample
from nodes.types import DiffusionModel
from nodes.weights.reference import Weights

from .weights import Bench, drain, layers_of, lora_factors

BENCH = Bench()
ATTENTION = r"attn[12]\.to_(q|k|v|out\.0)\.|ff\.net"
CONVOLUTIONS = r"resnets\.0\.conv1\.|proj_in\.|downsamplers"
TEXT = r"self_attn\.(q|k|v|out)_proj\.|mlp\.fc"
Changes = dict[str, dict[str, Any]]


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
    for part, pattern in (("unet", unet), ("text_encoder", text)):
        for name, weight in layers_of(base, part, pattern).items() if pattern else ():
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
        return {key: weight.clone() for key, weight in module.state_dict().items()}


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
    prompt, negative = (encoded.conditioning for encoded in EncodePrompt.run_batch(items, BENCH))
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


def drawn(
    loras: list[tuple[Path, Any]], text_strength: float | None = None, seed: int = 0
) -> tuple[Builder, Any]:
    """A graph that samples the built-in model with LoRAs on it, and its last node."""
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
