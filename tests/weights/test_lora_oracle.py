"""LoRAs held equal to diffusers': merged into the weights by hand, or loaded by its pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..support.loras import (
    STYLES,
    kohya,
    latents,
    model_of,
    peft,
    save_lora,
    scaled,
    with_lora,
)
from ..support.weights import merged

pytestmark = pytest.mark.usefixtures("rounded_once")


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
    expected = loaded_latents(base, [(file, {"unet": strength, "text_encoder": text})])

    ours = latents(with_lora(model_of(base), file, strength=strength, text_strength=text))

    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)
    assert not torch.allclose(ours, latents(model_of(base)), atol=1e-2)


@pytest.mark.slow
def test_several_loras_make_the_pictures_of_the_pipeline_that_loads_them(
    base: Path, tmp_path: Path
) -> None:
    import torch

    first, second = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    save_lora(base, first, kohya, seed=1)
    save_lora(base, second, peft, seed=2, rank=2, alpha=None)
    expected = loaded_latents(base, [(first, 0.5), (second, 1.0)])

    model = with_lora(with_lora(model_of(base), first, strength=0.5), second)

    torch.testing.assert_close(latents(model), expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_an_alpha_told_in_metadata_makes_the_pictures_of_the_pipeline_that_reads_it(
    base: Path, tmp_path: Path
) -> None:
    import torch

    targets = ["to_q", "to_k", "to_v", "to_out.0", "q_proj", "k_proj", "v_proj", "out_proj"]
    settings = {"r": 4, "lora_alpha": 6, "target_modules": targets}
    both = {
        f"{part}.{name}": value
        for part in ("unet", "text_encoder")
        for name, value in settings.items()
    }
    file = tmp_path / "x.safetensors"
    metadata = {"format": "pt", "lora_adapter_metadata": json.dumps(both)}
    unet, text = r"attn[12]\.to_", r"self_attn\."
    save_lora(base, file, peft, alpha=None, metadata=metadata, unet=unet, text=text)
    expected = loaded_latents(base, [(file, 1.0)])

    ours = latents(with_lora(model_of(base), file))

    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)
