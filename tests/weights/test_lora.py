"""LoRAs: every way of naming them, what they do to each layer, and what they leave alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodegraph.errors import UserError
from nodes.models import LoadBaseModel, LoadLoRA
from nodes.weights.lora import layers_of as named_layers

from ..support.loras import (
    ATTENTION,
    BENCH,
    STYLES,
    Changes,
    assert_changed,
    kohya,
    model_of,
    peft,
    save_lora,
    scaled,
    weights_of,
    with_lora,
)
from ..support.weights import TINY, layers_of


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

    changed = with_lora(model, "tiny-ink")

    assert changed.text_encoder == model.text_encoder
    before, after = weights_of(model.unet), weights_of(changed.unet)
    assert sum(not weight.equal(after[key]) for key, weight in before.items()) > 20


def test_several_loras_add_up(base: Path, tmp_path: Path) -> None:
    first = save_lora(base, tmp_path / "one.safetensors", kohya, seed=1)
    second = save_lora(base, tmp_path / "other.safetensors", peft, seed=2, rank=2)
    both: Changes = {
        part: {name: 0.5 * d - 1.5 * second[part][name] for name, d in deltas.items()}
        for part, deltas in first.items()
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
        {f"{key}.{role}.weight": factor for role, factor in parts.items()},
        tmp_path / "x.safetensors",
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
        key: factor[:, :, None, None] if factor.ndim == 2 else factor
        for key, factor in load_file(tmp_path / "x.safetensors").items()
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
    metadata_settings = {
        f"{part}.{k}": v for part in ("unet", "text_encoder") for k, v in settings.items()
    }
    file = tmp_path / "adapter_model.safetensors"
    metadata = {} if beside else {"lora_adapter_metadata": json.dumps(metadata_settings)}
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


@pytest.mark.parametrize("alpha", [None, 0.0, 8.0])
@pytest.mark.parametrize("all_layers", [True, False])
def test_layers_of_rank_0_change_nothing(
    base: Path, tmp_path: Path, alpha: float | None, all_layers: bool
) -> None:
    """As pruning by rank leaves them, of linear layers and of convolutions."""
    from safetensors.torch import load_file, save_file

    file = tmp_path / "x.safetensors"
    changes = save_lora(base, file, alpha=alpha)
    tensors = load_file(file)
    emptied = re.compile("" if all_layers else "to_q|conv1|fc1")
    for key, factor in tensors.items():
        if emptied.search(key) and "alpha" not in key:
            tensors[key] = factor[:0] if "lora_down" in key else factor[:, :0]
    save_file({key: factor.clone() for key, factor in tensors.items()}, file)

    model = with_lora(model_of(base), file)

    felt = {
        part: {n: delta for n, delta in deltas.items() if alpha != 0 and not emptied.search(n)}
        for part, deltas in changes.items()
    }
    assert_changed(base, model, felt)


@pytest.mark.parametrize("alpha", [math.nan, math.inf])
def test_an_alpha_that_is_no_number_is_named(base: Path, tmp_path: Path, alpha: float) -> None:
    save_lora(base, tmp_path / "x.safetensors", alpha=alpha, text="")

    with (
        pytest.raises(UserError, match=r"^lora: .*x\.safetensors' has .*\.?alpha = (nan|inf)"),
        BENCH.lease(with_lora(model_of(base), tmp_path / "x.safetensors").unet),
    ):
        pass


def test_settings_beside_a_lora_are_part_of_its_identity(base: Path, tmp_path: Path) -> None:
    save_lora(base, tmp_path / "adapter_model.safetensors", peft, alpha=None)
    node = LoadLoRA(model=model_of(base), lora=str(tmp_path))
    stamps = [node.stamp(BENCH)]
    for alpha in (4, 8):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": alpha}))
        stamps.append(node.stamp(BENCH))

    assert len(set(stamps)) == 3


@pytest.mark.parametrize("dtype", ["bfloat16", "auto"])
def test_a_lora_has_the_width_of_the_model(tmp_path: Path, dtype: Any) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors")
    model = LoadBaseModel(model="tiny", dtype=dtype).run(BENCH).model

    with BENCH.lease(with_lora(model, tmp_path / "x.safetensors").unet) as unet:
        widths = {str(weight.dtype) for weight in unet.state_dict().values()}

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
            changed_layer: Any = changed.get_submodule(name)
            assert not torch.allclose(changed_layer(torch.ones(1, 4, 64), prompt), plain, atol=1e-3)
        assert torch.equal(layer(torch.ones(1, 4, 64), prompt), plain)


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

    results = [named_layers([key, up]) for key, up in zip(keys, ups, strict=True)]

    name = "mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0"
    assert [[(layer.part, layer.name) for layer in layers] for layers, _ in results] == [
        [("unet", name)]
    ] * 7
    assert [unknown for _, unknown in results] == [[]] * 7


def test_a_model_with_a_lora_differs_only_in_what_it_changes(tmp_path: Path) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors", text="")
    bare = model_of(TINY / "base")

    model = with_lora(bare, tmp_path / "x.safetensors")

    assert replace(model, unet=bare.unet) == bare
    assert model.unet != bare.unet
