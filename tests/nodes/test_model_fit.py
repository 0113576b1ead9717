"""Models that do not fit: told where models are listed and by every check, by headers alone."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nodegraph.cli.app import app
from nodegraph.errors import WorkflowError
from nodegraph.graph.registry import load_registry
from nodegraph.graph.workflow import Workflow
from nodegraph.inspection.files import find_unfit_files
from nodegraph.node import Folders
from nodegraph.planning.plan import plan
from nodegraph.settings import Settings
from nodes.library.catalogue import models
from nodes.library.fit import Look, look_at

from ..support.weights import TINY, save_shapes

Tensors = Mapping[str, list[int]]

UNET: Tensors = {"model.diffusion_model.input_blocks.0.0.weight": [320, 4, 3, 3]}
SDXL: Tensors = {
    **UNET,
    "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight": [
        49408,
        768,
    ],
    "model.diffusion_model.label_emb.0.0.weight": [1280, 2816],
}
SD2: Tensors = {**UNET, "cond_stage_model.model.token_embedding.weight": [49408, 1024]}
MODEL = "model.diffusion_model."
BASE = (
    "LoadBaseModel takes Stable Diffusion 1.x in one file, with its text encoder and VAE, and 1.x"
    " and 2.x as folders in diffusers' layout"
)
XL = f"is an SDXL base model without its VAE; {BASE}"
XL_LORA = "is a LoRA for SDXL models; LoadLoRA takes LoRAs for Stable Diffusion 1.x and 2.x"


def lora(name: str, width: int) -> Tensors:
    return {f"{name}.weight": [8, width]}


KOHYA = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down"
PEFT = "unet.up_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v.lora_A"
DIFFUSERS = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down"
CROSS = "control_model.middle_block.1.transformer_blocks.0.attn2"
CONTROL = {"control_model.input_hint_block.0.weight": [16, 3, 3, 3]}


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        (SDXL, Look("base", "SDXL", XL)),
        ({**UNET, "model.diffusion_model.label_emb.0.0.weight": [1280, 2816]},
         Look("base", "SDXL", f"is an SDXL base model without its text encoder and VAE; {BASE}")),
        (SD2, Look("base", "SD 2.x", f"is an SD 2.x base model without its VAE; {BASE}")),
        ({f"{MODEL}joint_blocks.0.x": [1]}, Look("base", "SD 3", f"is an SD 3 model; {BASE}")),
        ({f"{MODEL}double_blocks.0.x": [1]}, Look("base", "Flux", f"is a Flux model; {BASE}")),
        ({f"{MODEL}some.weight": [1]},
         Look("base", None, "is of no kind that is known here (its tensors are"
              f" {MODEL}some.weight); {BASE}")),
        ({**UNET, "cond_stage_model.transformer.text_model.x": [1]},
         Look("base", "SD 1.x", f"is an SD 1.x base model without its VAE; {BASE}")),
        ({**CONTROL, f"{CROSS}.to_k.weight": [1280, 2048]},
         Look("controlnet", "SDXL", "is a ControlNet for SDXL models; LoadControlNet takes"
              " ControlNets for Stable Diffusion 1.x and 2.x")),
        (lora(KOHYA, 768), Look("lora", "SD 1.x")),
        (lora(PEFT, 1024), Look("lora", "SD 2.x")),
        (lora(DIFFUSERS, 768), Look("lora", "SD 1.x")),
        (lora(KOHYA, 2048), Look("lora", "SDXL", XL_LORA)),
        ({"emb_params": [4, 768]}, Look("embedding", "SD 1.x")),
        ({"a": [4, 4], "b": [4]}, Look()),
    ],
)  # fmt: skip
def test_a_header_tells_what_a_model_is_and_whether_it_fits(
    tmp_path: Path, tensors: Tensors, expected: Look
) -> None:
    assert look_at(save_shapes(tmp_path / "x.safetensors", tensors)) == expected


@pytest.mark.parametrize("header", [b"", b"{}", b"[]", b'{"a": 1}', b"\xff", b"[" * 3000])
def test_what_is_no_header_tells_nothing(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header)

    assert look_at(file) == Look()


def test_a_file_that_was_replaced_is_looked_at_anew(tmp_path: Path) -> None:
    file = save_shapes(tmp_path / "x.safetensors", SDXL)
    before = look_at(file).family
    clip = {**UNET, "cond_stage_model.transformer.x": [1]}
    save_shapes(tmp_path / "y.safetensors", clip).replace(file)

    assert (before, look_at(file).family) == ("SDXL", "SD 1.x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as other programs lay theirs out, with what fits and what does not."""
    folder = tmp_path / "models"
    save_shapes(folder / "checkpoints" / "xl.safetensors", SDXL)
    save_shapes(folder / "loras" / "xl.safetensors", lora(KOHYA, 2048))
    shutil.copytree(TINY / "base", folder / "diffusers" / "fits")
    index = folder / "diffusers" / "pipeline" / "model_index.json"
    index.parent.mkdir()
    index.write_text(json.dumps({"_class_name": "StableDiffusionXLPipeline"}))
    return folder


def test_those_that_do_not_fit_are_listed_with_the_reason_and_nothing_here_was_downloaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    listed = models([folder])
    own = {m["name"]: (m["family"], m["source"], m["unfit"])
           for m in (*listed["base"], *listed["lora"]) if not m["built_in"]}  # fmt: skip

    assert own == {
        "checkpoints/xl.safetensors": ("SDXL", "folder", XL),
        "diffusers/fits": ("tiny", "folder", ""),
        "diffusers/pipeline": (
            "SDXL", "folder", "is a StableDiffusionXLPipeline, which is not supported",
        ),
        "loras/xl.safetensors": ("SDXL", "folder", XL_LORA),
    }  # fmt: skip
    assert {m["source"] for m in listed["base"] if m["built_in"]} == {"package"}


def test_only_what_came_as_a_whole_was_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    whole, partly = (
        tmp_path / f"models--me--{name}" / "snapshots" / "a" for name in ("whole", "partly")
    )
    shutil.copytree(TINY / "base", whole)
    partly.mkdir(parents=True)
    shutil.copy(TINY / "base" / "model_index.json", partly)

    sources = {m["name"]: m["source"] for m in models()["base"] if not m["built_in"]}

    assert sources == {"me/whole": "hub", "me/partly": "partly"}


def checked(folder: Path, kind: str, input: str, value: Any) -> list[str]:
    nodes: dict[str, Any] = {"it": {"type": kind, "values": {input: value}}}
    if kind == "LoadLoRA":
        nodes["base"] = {"type": "LoadBaseModel"}
        nodes["it"]["links"] = {"model": "base.model"}
    planned = plan(Workflow.model_validate({"nodes": nodes}), load_registry())
    settings = Settings(folders=Folders(models=(folder,)))
    return [str(problem) for problem in find_unfit_files(planned, settings)]


@pytest.mark.parametrize(
    ("kind", "input", "value", "expected"),
    [
        ("LoadBaseModel", "model", "tiny", []),
        ("LoadBaseModel", "model", "diffusers/fits", []),
        ("LoadBaseModel", "model", "nobody/here", []),
        ("LoadBaseModel", "model", "../outside.safetensors", []),
        ("LoadBaseModel", "model", "checkpoints/xl.safetensors",
         [f"it.model: 'checkpoints/xl.safetensors' {XL}"]),
        ("LoadBaseModel", "model", ["tiny", "checkpoints/xl.safetensors"],
         [f"it.model[1]: 'checkpoints/xl.safetensors' {XL}"]),
        ("LoadBaseModel", "model", "loras/xl.safetensors",
         ["it.model: 'loras/xl.safetensors' is a LoRA; give a base model"]),
        ("LoadControlNet", "model", "diffusers/fits",
         ["it.model: 'diffusers/fits' is a base model; give a ControlNet"]),
        ("LoadLoRA", "lora", "loras/xl.safetensors",
         [f"it.lora: 'loras/xl.safetensors' {XL_LORA}"]),
    ],
)  # fmt: skip
def test_a_check_names_what_cannot_be_used_before_the_run(
    folder: Path, kind: str, input: str, value: Any, expected: list[str]
) -> None:
    save_shapes(folder.parent / "outside.safetensors", SDXL)

    assert checked(folder, kind, input, value) == expected


@pytest.mark.parametrize("command", ["check", "run"])
def test_on_the_command_line_too_and_nothing_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = folder / "checkpoints" / "xl.safetensors"
    document = {
        "format": 1,
        "nodes": {"base": {"type": "LoadBaseModel", "values": {"model": str(file)}}},
    }
    (tmp_path / "w.json").write_text(json.dumps(document))

    ended = CliRunner().invoke(app, [command, "w.json"])

    assert ended.exit_code == 2
    assert f"base.model: {str(file)!r} {XL}" in ended.output
    assert not (tmp_path / "output").exists()


def test_a_controlnet_of_another_family_is_told_by_its_file(tmp_path: Path) -> None:
    file = save_shapes(tmp_path / "x.safetensors", {**CONTROL, f"{CROSS}.to_k.weight": [1280, 768]})
    nodes: dict[str, Any] = {
        "base": {"type": "LoadBaseModel"},
        "net": {"type": "LoadControlNet", "values": {"model": str(file)}},
        "photo": {"type": "LoadImage", "values": {"path": "x.png"}},
        "control": {
            "type": "Control", "links": {"image": "photo.image", "controlnet": "net.controlnet"},
        },
        "sample": {
            "type": "Sample", "links": {"model": "base.model", "controls": ["control.control"]},
        },
    }  # fmt: skip
    workflow = Workflow.model_validate({"nodes": nodes})

    assert plan(workflow, load_registry()).goals
    with pytest.raises(WorkflowError, match=r"is for SD 1\.x models, but the model is tiny"):
        plan(workflow, load_registry(), folders=Folders())
