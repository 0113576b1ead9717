"""Files of LoRAs: found, picked and pinned, or refused with what is wrong with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nodegraph import Cache
from nodegraph.errors import UserError
from nodegraph.inspection.pins import pin_models
from nodegraph.planning.plan import plan
from nodes.library.pins import pin
from nodes.models import LoadLoRA

from ..support.loras import (
    ATTENTION,
    BENCH,
    assert_changed,
    drawn,
    model_of,
    peft,
    refused,
    save_lora,
    with_lora,
)
from ..support.weights import TINY, Bench


def test_a_lora_for_another_family_is_named_by_its_sizes(base: Path, tmp_path: Path) -> None:
    save_lora(TINY / "base", tmp_path / "x.safetensors")

    expected = (
        f"lora: {str(tmp_path / 'x.safetensors')!r} is for models that read 96 numbers a token,"
        f" but {str(base)!r} reads 64 (custom)"
    )
    assert refused(model_of(base), tmp_path / "x.safetensors") == expected


def test_a_lora_of_another_size_is_named_by_its_layer(base: Path, tmp_path: Path) -> None:
    save_lora(base, tmp_path / "x.safetensors", unet=r"mid_block.*attn1\.to_q\.", text="")

    message = refused(model_of(TINY / "base"), tmp_path / "x.safetensors")

    assert "does not fit" in message
    assert "attn1_to_q is 64 x 64, the model's " in message


def test_layers_that_a_model_has_not_are_counted_and_named(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_lora(base, tmp_path / "x.safetensors", text="")
    tensors = {
        key.replace("down_blocks_1", "down_blocks_9"): factor
        for key, factor in load_file(tmp_path / "x.safetensors").items()
    }
    save_file(tensors, tmp_path / "y.safetensors")

    message = refused(model_of(base), tmp_path / "y.safetensors")

    assert "changes 24 layers (down_blocks_9_" in message
    assert message.endswith(f"and 21 more) that {str(base)!r} has not")


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
        ("OFT", {"oft_diag": 3, "alpha": 0}),
        ("BOFT", {"boft_R": 3}),
        ("AdaLoRA", {"lora_E": 2}),
        ("VeRA", {"vera_lambda_b": 1}),
        ("GLoRA", {"a1.weight": 2, "b1.weight": 2, "alpha": 0}),
        ("IA3", {"weight": 1, "on_input": 0}),
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
        f"lora: {str(tmp_path / 'y.safetensors')!r} is {'an' if kind[0] in 'AIO' else 'a'} {kind},"
        " which is not supported; give a LoRA"
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

    message = refused(model, tmp_path)
    assert message.endswith("holds several; name one in `file`: one.safetensors, other.safetensors")
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

    message = refused(model, tmp_path / "x.pt")
    assert message.startswith(f"lora: {str(tmp_path / 'x.pt')!r} is a pickle, which can run code")
    allowed = Bench(allow=frozenset({"pickle"}))
    loaded = LoadLoRA(model=model, lora=str(tmp_path / "x.pt")).run(allowed).model
    assert_changed(TINY / "base", loaded, changes)


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

    locked = pin_models(plan(builder.workflow(), builder.registry), Cache.in_memory())

    digests = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert {name: model.sha256 for name, model in locked.models.items()} == digests


def test_the_commit_of_a_hub_lora_is_pinned() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"

    pins = pin("some/lora", f"/hub/models--some--lora/snapshots/{commit}/x.safetensors", "abc")

    assert pins == {"some/lora": (commit, "abc", {})}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"lora_alpha": "8"}, "lora_alpha = '8'"),
        ({"alpha_pattern": {"(a+)+$": 8}}, "(a+)+$ = 8"),
        ({"alpha_pattern": [8]}, "alpha_pattern"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out"),
        ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights = 'pissa_niter_4'"),
        ({"modules_to_save": ["conv_in"]}, "modules_to_save"),
    ],
)
def test_settings_that_are_not_understood_are_named(
    tmp_path: Path, settings: dict[str, Any], problem: str
) -> None:
    save_lora(TINY / "base", tmp_path / "adapter_model.safetensors", peft, unet="", alpha=None)
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))

    assert f"asks for {problem}, which is not supported" in refused(
        model_of(TINY / "base"), tmp_path
    )
