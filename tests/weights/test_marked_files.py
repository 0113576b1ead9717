"""Files whose keys say more than their weights: scaled ones, differences, markers, other names."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodegraph import Builder, Cache, Folders, Settings
from nodegraph.errors import UserError
from nodes.images import LoadImage, Resize
from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Sample
from nodes.types import ControlNetModel, DiffusionModel
from nodes.weights.reference import Weights

from ..support.weights import Bench

BENCH = Bench()
UNET = "model.diffusion_model."
INPUTS = Path(__file__).parents[2] / "workflows" / "inputs"
Tensors = dict[str, Any]


def changed(saved: Path, name: str, tensors: Tensors, metadata: Any = None) -> Path:
    from safetensors.torch import save_file

    file = saved / f"{name}.safetensors"
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, file, metadata)
    return file


def read(file: Path) -> Tensors:
    from safetensors.torch import load_file

    return dict(load_file(file))


def base(model: Path) -> DiffusionModel:
    return LoadBaseModel(model=str(model)).run(BENCH).model


def controlnet(model: Path) -> ControlNetModel:
    return LoadControlNet(model=str(model)).run(BENCH).controlnet


def weights_of(ref: Weights) -> Tensors:
    return dict(ref.load("cpu", "float32").state_dict())


def assert_equal(expected: Tensors, actual: Tensors, atol: float = 0) -> None:
    import torch

    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def test_a_text_encoder_without_its_level_is_read(saved: Path) -> None:
    """As NovelAI's files have it."""
    tensors = {
        k.replace("r.text_model.", "r."): v for k, v in read(saved / "base.safetensors").items()
    }

    model = base(changed(saved, "novel", tensors))

    expected = base(saved / "base.safetensors").text_encoder
    assert_equal(weights_of(expected), weights_of(model.text_encoder))


def test_a_controlnet_in_one_file_may_have_the_names_of_diffusers(saved: Path) -> None:
    file = saved / "renamed.safetensors"
    shutil.copy(saved / "net" / "diffusion_pytorch_model.safetensors", file)

    net = controlnet(file)

    assert net.shape == controlnet(saved / "net").shape
    assert_equal(weights_of(controlnet(saved / "net").net), weights_of(net.net))


@pytest.mark.parametrize("end", ["scale_weight", "weight_scale"])
@pytest.mark.parametrize("by_row", [False, True])
def test_weights_of_8_bits_are_multiplied_with_their_factors(
    saved: Path, end: str, by_row: bool
) -> None:
    import torch

    scaled, expected = {}, {}
    for key, value in read(saved / "base.safetensors").items():
        scaled[key] = expected[key] = value
        if value.ndim > 1 and value.abs().max() > 0 and "first_stage" not in key:
            flat = value.flatten(1)
            factor = (flat.abs().amax(1) if by_row else flat.abs().max()).clamp(min=1e-6) / 448
            columns = factor.view(-1, *[1] * (value.ndim - 1)) if by_row else factor
            scaled[key] = (value / columns).to(torch.float8_e4m3fn)
            scaled[f"{key.removesuffix('weight')}{end}"] = factor
            scaled[f"{key.removesuffix('weight')}scale_input"] = torch.ones(())
            expected[key] = scaled[key].float() * columns
    scaled["scaled_fp8"] = torch.zeros(2, dtype=torch.float8_e4m3fn)

    model = base(changed(saved, "scaled", scaled))

    plain = base(changed(saved, "rounded", expected))
    for part in ("unet", "text_encoder"):
        assert_equal(weights_of(getattr(plain, part)), weights_of(getattr(model, part)))


@pytest.mark.parametrize(
    ("marks", "metadata", "settings"),
    [
        ((), {}, {}),
        (("v_pred",), {}, {"prediction_type": "v_prediction"}),
        (
            ("v_pred", "ztsnr"),
            {},
            {
                "prediction_type": "v_prediction",
                "rescale_betas_zero_snr": True,
                "timestep_spacing": "trailing",
            },
        ),
        ((), {"modelspec.prediction_type": "v"}, {"prediction_type": "v_prediction"}),
        ((), {"modelspec.prediction_type": "epsilon"}, {}),
    ],
)
def test_a_file_says_by_marks_what_its_network_predicts(
    saved: Path, marks: tuple[str, ...], metadata: Mapping[str, str], settings: Mapping[str, Any]
) -> None:
    import torch

    tensors = read(saved / "base.safetensors") | {mark: torch.tensor([]) for mark in marks}

    model = base(changed(saved, "marked", tensors, dict(metadata)))

    plain = json.loads(base(saved / "base.safetensors").scheduler)
    assert json.loads(model.scheduler) == plain | settings


@pytest.mark.parametrize(
    ("mark", "metadata", "problem"),
    [
        ("edm_mean", {}, r"asks for other noise levels \(edm_mean\)"),
        ("", {"modelspec.prediction_type": "sample"}, "predicts 'sample'; epsilon and v are"),
    ],
)
def test_a_mark_that_cannot_be_followed_is_named(
    saved: Path, mark: str, metadata: Mapping[str, str], problem: str
) -> None:
    import torch

    tensors = read(saved / "base.safetensors") | ({mark: torch.zeros(4)} if mark else {})
    file = changed(saved, "unsupported", tensors, dict(metadata))

    with pytest.raises(UserError, match=problem):
        base(file)


def test_keys_that_belong_to_no_part_are_named_unless_they_are_known_to_change_nothing(
    saved: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    harmless = (
        "model_ema.diffusion_modelinput_blocks00weight", "alphas_cumprod", "global_step",
        "posterior_variance", "sqrt_one_minus_alphas_cumprod", "scaled_fp8",
        "cond_stage_model.transformer.text_model.embeddings.position_ids",
        "cond_stage_model.logit_scale", "first_stage_model.loss.logvar",
    )  # fmt: skip
    tensors = read(saved / "base.safetensors") | {key: torch.ones(1) for key in harmless}
    with caplog.at_level(logging.WARNING):
        base(changed(saved, "harmless", tensors))
    assert caplog.messages == []

    with caplog.at_level(logging.WARNING):
        file = changed(saved, "strange", tensors | {"some_mark": torch.ones(1)})
        base(file)

    assert caplog.messages == [f"{file}: nothing here reads its some_mark"]


def difference(saved: Path) -> Path:
    """A ControlNet's file with what it has more than its base model alone."""
    import torch

    net, unet = read(saved / "net.safetensors"), read(saved / "base.safetensors")
    inner = {key: f"{UNET}{key.removeprefix('control_model.')}" for key in net}
    less = {k: v - unet[inner[k]] if inner[k] in unet else v for k, v in net.items()}
    return changed(saved, "difference", less | {"difference": torch.tensor(1.0)})


def test_a_controlnet_of_differences_has_the_base_model_s_weights_added(saved: Path) -> None:
    net = controlnet(difference(saved))

    ref = net.weights(base(saved / "base"))

    assert_equal(weights_of(controlnet(saved / "net").net), weights_of(ref), atol=1e-6)
    assert controlnet(saved / "net").weights(base(saved / "base")).patches == ()
    assert net.content != controlnet(saved / "net").content


def test_a_controlnet_of_differences_steers_as_the_whole_one_does(saved: Path) -> None:
    cache, settings = Cache.in_memory(), Settings(folders=Folders(data=(INPUTS,)))

    def draw(name: str, strength: float = 1.0) -> Any:
        g = Builder("x")
        photo = g.add("photo", LoadImage, path=Path("portrait.png"))
        small = g.add("small", Resize, image=photo.image, width=64, height=64)
        loaded = g.add("base", LoadBaseModel, model=str(saved / "base"))
        net = g.add("net", LoadControlNet, model=str(saved / name))
        control = g.add(
            "control", Control, image=small.image, controlnet=net.controlnet, strength=strength
        )
        sample = g.add(
            "sample", Sample, model=loaded.model, controls=[control.control], steps=2, width=64,
            height=64,
        )  # fmt: skip
        return g.run(sample, settings=settings, cache=cache).image.pixels.astype(int)

    whole, without = draw("net"), draw("net", strength=0)
    drawn = draw(difference(saved).name)

    assert np.abs(whole - without).mean() > 1
    assert np.abs(whole - drawn).max() <= 1


@pytest.mark.parametrize(("name", "averaged"), [("control_e_shuffle", True), ("control_p", False)])
def test_the_kind_whose_residuals_are_averaged_is_known_by_its_name(
    saved: Path, name: str, averaged: bool
) -> None:
    shutil.copy(saved / "net.safetensors", saved / f"{name}.safetensors")

    ref = controlnet(saved / f"{name}.safetensors").net
    net: Any = ref.load("cpu", "float32")

    assert net.config.global_pool_conditions is averaged
    assert (ref.key != controlnet(saved / "net.safetensors").net.key) is averaged
